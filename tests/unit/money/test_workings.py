"""Issue 4: every result carries its formula and inputs, word for word as `explain` prints them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

import pytest

from dealthread.domain.amendment.billed import BilledItem, CreditForm
from dealthread.domain.amendment.credit import credit_for
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import MONTHLY
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.parts import split
from dealthread.domain.periods.schedule import period_at
from dealthread.domain.pricing.price import (
    FlatPrice,
    GraduatedPrice,
    OneTimePrice,
    PackagePrice,
    PerUnitPrice,
    Price,
    UsagePrice,
    VolumePrice,
)
from dealthread.domain.pricing.rating import rate
from dealthread.domain.pricing.tier import Tier, TierTable
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.obligation import PerformanceObligation, SoldTogether
from dealthread.domain.revenue.spread import Remainder
from dealthread.domain.rounding import RoundingMode
from dealthread.domain.statement.form import HOUSE
from dealthread.domain.tax.computation import (
    PriceBasis,
    Taxable,
    TaxRule,
    tax_lines,
)
from dealthread.domain.tax.credit import credit_gross, credit_net, credit_rest
from dealthread.domain.tax.rate import TaxRate
from dealthread.domain.tax.status import RecordedLine, TaxOfRecord
from dealthread.domain.working import Working


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def price_of(amount: str) -> UnitPrice:
    return UnitPrice.of(amount, "USD")


def told(working: Working) -> str:
    return "\n".join(working.lines())


TABLE = TierTable(
    tiers=(
        Tier(up_to=Decimal(10), unit_price=price_of("5"), flat_fee=usd("1")),
        Tier(up_to=None, unit_price=price_of("4"), flat_fee=usd("2")),
    )
)
ROUNDING = "rounding half_up per_part"


@pytest.mark.parametrize(
    ("price", "quantity", "lines"),
    [
        (
            FlatPrice(amount=usd("9")),
            "3",
            [
                f"flat price = 9.00 USD: flat amount with quantity 3, {ROUNDING}",
                "  flat fee = 9.00 USD: fee",
            ],
        ),
        (
            PerUnitPrice(unit_price=price_of("2.5")),
            "3",
            [
                f"per_unit price = 7.50 USD: quantity × unit price with quantity 3, {ROUNDING}",
                "  units = 7.50 USD: quantity × unit price with quantity 3, unit price 2.5 USD",
            ],
        ),
        (
            OneTimePrice(unit_price=price_of("2.5")),
            "2",
            [
                "one_time price = 5.00 USD: quantity × unit price, in the first period only with "
                f"quantity 2, {ROUNDING}",
                "  one-time charge = 5.00 USD: quantity × unit price with quantity 2, "
                "unit price 2.5 USD",
            ],
        ),
        (
            GraduatedPrice(table=TABLE),
            "12",
            [
                "graduated price = 61.00 USD: sum over tiers of units in the tier × its price + "
                f"its fee with quantity 12, {ROUNDING}",
                "  units of tier 1 = 50.00 USD: quantity × unit price with quantity 10, "
                "unit price 5 USD",
                "  fee of tier 1 = 1.00 USD: fee",
                "  units of tier 2 = 8.00 USD: quantity × unit price with quantity 2, "
                "unit price 4 USD",
                "  fee of tier 2 = 2.00 USD: fee",
            ],
        ),
        (
            VolumePrice(table=TABLE),
            "12",
            [
                "volume price = 50.00 USD: quantity × price of the tier that holds it + its fee "
                f"with quantity 12, {ROUNDING}",
                "  units of tier 2 = 48.00 USD: quantity × unit price with quantity 12, "
                "unit price 4 USD",
                "  fee of tier 2 = 2.00 USD: fee",
            ],
        ),
        (
            PackagePrice(size=Decimal(5), package_price=usd("3")),
            "11",
            [
                f"package price = 9.00 USD: packages × package price with quantity 11, {ROUNDING}",
                "  packages = 9.00 USD: quantity × unit price with quantity 3, unit price 3 USD",
            ],
        ),
        (
            UsagePrice(
                base_fee=usd("20"),
                included_units=Decimal(4),
                overage=PerUnitPrice(unit_price=price_of("0.5")),
            ),
            "7",
            [
                "usage price = 21.50 USD: base fee + price of the units beyond those included "
                f"with quantity 7, {ROUNDING}",
                "  base fee = 20.00 USD: fee",
                "  included units = 0.00 USD: fee",
                "  units = 1.50 USD: quantity × unit price with quantity 3, unit price 0.5 USD",
            ],
        ),
    ],
)
def test_a_rating_tells_its_parts(price: Price, quantity: str, lines: list[str]) -> None:
    said = told(rate(price, quantity).working).replace(f" [{SOURCE}]", "")
    assert said.splitlines() == lines


SOURCE = rate(FlatPrice(amount=usd("9")), 1).working.source


def test_the_parts_of_a_rating_name_their_tier() -> None:
    parts = rate(GraduatedPrice(table=TABLE), "12").parts
    assert [(part.what, part.tier) for part in parts] == [
        ("units of tier 1", 1),
        ("fee of tier 1", 1),
        ("units of tier 2", 2),
        ("fee of tier 2", 2),
    ]
    included = rate(
        UsagePrice(included_units=Decimal(4), overage=PerUnitPrice(unit_price=price_of("1"))), "3"
    ).parts
    assert [(part.what, part.quantity, part.unit_price) for part in included] == [
        ("included units", Decimal(3), None)
    ]
    (package,) = rate(PackagePrice(size=Decimal(5), package_price=usd("3")), "11").parts
    assert (package.quantity, package.unit_price) == (Decimal(3), price_of("3.00"))
    (flat,) = rate(FlatPrice(amount=usd("3")), "11").parts
    assert (flat.quantity, flat.unit_price, flat.tier) == (Decimal(1), None, None)


TEXAS = TaxRate(
    code="US-TX",
    jurisdiction="US-TX",
    statutory_percent=Decimal("8.25"),
    taxable_share=Decimal(80),
    valid_from=date(2026, 1, 1),
    wording="80 % of the charge",
)


def test_tax_on_top_tells_its_rate_and_the_taxed_share() -> None:
    (line,) = tax_lines([Taxable(key="L1", amount=usd("100"), rate=TEXAS)])
    assert told(line.working) == (
        "tax of L1 = 6.60 USD: net × percent ÷ 100 with amount 100.00 USD, statutory percent 8.25, "
        "taxed share 80, rounding half_up per_line [US-TX from 2026-01-01]"
    )
    assert (line.taxed_base, line.gross) == (usd("80"), usd("106.60"))
    assert (line.code, line.jurisdiction, line.wording) == ("US-TX", "US-TX", "80 % of the charge")


def test_tax_inside_a_price_tells_the_other_formula() -> None:
    inside = TaxRule(basis=PriceBasis.INCLUSIVE)
    (line,) = tax_lines([Taxable(key="L1", amount=usd("106.60"), rate=TEXAS)], inside)
    assert told(line.working).startswith(
        "tax of L1 = 6.60 USD: gross × percent ÷ (100 + percent) with amount 106.60 USD, "
    )
    assert (line.net, line.taxed_base) == (usd("100"), usd("80"))


RECORD = TaxOfRecord(
    document="INV-1",
    finalised_at=datetime(2026, 3, 15, tzinfo=UTC),
    currency="USD",
    lines=(RecordedLine(key="L1", net=usd("100"), tax=usd("6.61")),),
)


def test_tax_of_a_credit_tells_the_running_total() -> None:
    first = credit_net(RECORD, "L1", usd("25"))
    second = credit_net(RECORD, "L1", usd("25"), [first])
    rest = credit_rest(RECORD, "L1", [first, second])
    formula = "tax of the line × share credited so far and now − tax credited before"
    assert [told(one.working) for one in (first, second, rest)] == [
        f"tax of the credit of L1 = {tax} USD: {formula} with tax of the line 6.61 USD, "
        f"share {share}, tax credited before {before} USD [invoice INV-1]"
        for tax, share, before in (
            ("1.65", "1/4", "0.00"),
            ("1.66", "1/2", "1.65"),
            ("3.30", "1", "3.31"),
        )
    ]


def test_a_credit_rounds_by_the_mode_asked_for() -> None:
    assert credit_net(RECORD, "L1", usd("50"), mode=RoundingMode.DOWN).tax == usd("3.30")
    assert credit_net(RECORD, "L1", usd("50")).tax == usd("3.31")
    half = usd("53.30")
    assert credit_gross(RECORD, "L1", half, mode=RoundingMode.DOWN).tax == usd("3.30")
    assert credit_gross(RECORD, "L1", half, mode=RoundingMode.UP).tax == usd("3.31")


def test_an_allocation_tells_what_each_obligation_costs_alone() -> None:
    found = allocate(
        [
            PerformanceObligation(key="seats", price=usd("90"), ssp=usd("60")),
            PerformanceObligation(key="setup", price=usd("10")),
        ]
    )
    assert told(found.working) == (
        "allocation of the transaction price = 100.00 USD: transaction price × standalone selling "
        "price ÷ sum of these [ASC 606-10-32-28…41]\n"
        "  seats = 60.00 USD: by standalone selling price with stated 90.00 USD, "
        "standalone 60.00 USD\n"
        "  setup = 40.00 USD: what the others leave with stated 10.00 USD, "
        "standalone none observable"
    )


THIRDS = [PerformanceObligation(key=key, price=usd("1"), ssp=usd("1")) for key in "ABC"]


@pytest.mark.parametrize(
    ("remainder", "mode", "parts"),
    [
        (Remainder.LAST, RoundingMode.HALF_UP, "33.33 33.33 33.34"),
        (Remainder.FIRST, RoundingMode.HALF_UP, "33.34 33.33 33.33"),
        (Remainder.LAST, RoundingMode.UP, "33.34 33.34 33.32"),
    ],
)
def test_an_allocation_rounds_and_leaves_the_cent_as_asked(
    remainder: Remainder, mode: RoundingMode, parts: str
) -> None:
    alone = allocate(THIRDS, usd("100"), remainder=remainder, mode=mode)
    assert " ".join(str(amount.amount) for _, amount in alone.amounts) == parts
    bundle = [SoldTogether(keys=("A", "B", "C"), price=usd("2"))]
    inside = allocate(THIRDS, usd("100"), bundle, remainder=remainder, mode=mode)
    assert inside.amounts == alone.amounts


def test_a_residual_of_a_cent_is_one_and_of_nothing_is_refused() -> None:
    sold = [THIRDS[0], PerformanceObligation(key="D", price=usd("0"))]
    assert allocate(sold, usd("1.01")).of("D") == usd("0.01")
    with pytest.raises(ValueError, match=r"^ssp: 0.00 USD is left for D, outside what it may cost"):
        allocate(sold, usd("1"))


def test_money_of_more_digits_than_the_threads_context_is_rounded_once() -> None:
    wide = Decimal("12345678901234567890123456.785")
    assert str(Money.rounded(wide, "USD").amount) == "12345678901234567890123456.79"
    assert str(UnitPrice.of("0.125", "USD").times(Decimal(1), ROUND_DOWN).amount) == "0.12"


@pytest.mark.parametrize(
    ("choices", "weights", "parts"),
    [
        ({"remainder": "first"}, (1, 1, 1), "33.34 33.33 33.33"),
        ({"remainder": "last"}, (1, 1, 1), "33.33 33.33 33.34"),
        ({"remainder": "last_full"}, (1, 1, 1), "33.33 33.34 33.33"),
        ({"remainder": "last_full", "rounding_mode": "up"}, (1, 1, 1), "33.34 33.32 33.34"),
        ({"remainder": "first", "rounding_mode": "up"}, (1, 1, 1), "33.32 33.34 33.34"),
        ({"rounding": "cumulative", "rounding_mode": "up"}, (1, 1, 1), "33.34 33.33 33.33"),
        ({"remainder": "largest"}, (1, 5, 1), "14.29 71.42 14.29"),
    ],
)
def test_an_amount_is_split_as_the_convention_rounds(
    choices: dict[str, str], weights: tuple[int, ...], parts: str
) -> None:
    rule = HOUSE.named("asked", **choices)
    shares = [Fraction(weight) for weight in weights]
    found = split(usd("100"), shares, rule, full=(True, True, False))
    assert " ".join(str(part.amount) for part in found) == parts


def test_without_a_whole_period_the_last_part_takes_the_remainder() -> None:
    rule = HOUSE.named("asked", remainder="last_full")
    found = split(usd("100"), [Fraction(1)] * 3, rule)
    assert [str(part.amount) for part in found] == ["33.33", "33.33", "33.34"]


def january(invoice: str = "INV-1", **changes: Any) -> BilledItem:
    """100.00 for January, two units at 50.00, paid."""
    span = Span(start=date(2026, 1, 1), end=date(2026, 2, 1))
    cycle = BillCycle(length=MONTHLY, anchor=span.start)
    return BilledItem.model_validate(
        {
            "item_key": "I1",
            "line_key": "L1",
            "product": "seats",
            "invoice": invoice,
            "span": span,
            "period": period_at(span.start, span, cycle, HOUSE),
            "quantity": Decimal(2),
            "unit_price": price_of("50"),
            "amount": usd("100"),
            "unpaid": usd("0"),
        }
        | changes
    )


REST = Span(start=date(2026, 1, 11), end=date(2026, 2, 1))


def test_a_credit_tells_what_was_billed_and_what_is_left() -> None:
    assert told(credit_for(january(), REST, HOUSE).working) == (
        "credit of I1 = -67.74 USD: quantity × price × share, at most what is left with "
        "quantity 2, price 50 USD, part 2026-01-11 to 2026-02-01 (end not included), share 21/31, "
        "billed 100.00 USD, left 100.00 USD [house]"
    )
    whole = credit_for(january(), january().span, HOUSE).working
    assert whole.formula == "the billed amount, at most what is left"


def test_a_credit_at_the_price_of_now_takes_price_and_quantity_of_now() -> None:
    now = HOUSE.named("now", credit_basis="current_price")
    dearer = credit_for(january(), REST, now, price_now=price_of("31"), quantity_now=Decimal(1))
    assert dearer.amount == usd("21")
    assert ("quantity", "1") in dearer.working.inputs
    assert ("price", "31 USD") in dearer.working.inputs
    assert credit_for(january(), REST, now).amount == usd("67.74")


def test_a_credit_of_something_half_paid_names_its_invoice_in_both_forms() -> None:
    found = credit_for(january(unpaid=usd("50")), REST, HOUSE)
    assert [(one.form, one.amount, one.invoice) for one in found.settlements] == [
        (CreditForm.CREDIT_MEMO, usd("50"), "INV-1"),
        (CreditForm.BALANCE, usd("17.74"), "INV-1"),
    ]
    assert found.item.unpaid == usd("0")


def test_what_was_never_issued_is_withdrawn_and_nothing_of_it_is_no_settlement() -> None:
    pending = january(is_issued=False, invoice="", unpaid=usd("100"))
    (taken,) = credit_for(pending, REST, HOUSE).settlements
    assert (taken.form, taken.amount) == (CreditForm.WITHDRAWN, usd("67.74"))
    free = january(is_issued=False, unit_price=price_of("0"), amount=usd("0"), unpaid=usd("0"))
    assert credit_for(free, REST, HOUSE).settlements == ()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (1.5, "a binary float is not money: send the amount as a string"),
        (True, "a truth value is not a number"),
        ("1_000", "not a decimal number"),
        ("ten", "not a decimal number"),
        ("NaN", "not a finite number"),
    ],
)
def test_what_is_no_number_is_refused_in_words(bad: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        Money.of(bad, "USD")
