"""Modes of rounding, remainders and counts reach the figure, each where it alone decides."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import pytest

from dealthread.domain.amendment.billed import BilledItem
from dealthread.domain.amendment.credit import credit_for
from dealthread.domain.amendment.proration import part_price
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY, WEEKLY
from dealthread.domain.periods.measure import periods_in, share
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.parts import split
from dealthread.domain.periods.schedule import period_at
from dealthread.domain.pricing.price import GraduatedPrice, PerUnitPrice, UsagePrice, VolumePrice
from dealthread.domain.pricing.rating import RatingRule, rate
from dealthread.domain.pricing.tier import Tier, TierTable
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.obligation import PerformanceObligation, SoldTogether
from dealthread.domain.revenue.spread import Remainder, spread
from dealthread.domain.rounding import RoundingMode
from dealthread.domain.statement.form import HOUSE
from dealthread.domain.tax.computation import (
    split_inclusive,
)
from dealthread.domain.tax.credit import credit_gross
from dealthread.domain.tax.status import RecordedLine, TaxOfRecord


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def price_of(amount: str) -> UnitPrice:
    return UnitPrice.of(amount, "USD")


TABLE = TierTable(
    tiers=(
        Tier(up_to=Decimal(10), unit_price=price_of("5"), flat_fee=usd("1")),
        Tier(up_to=None, unit_price=price_of("4"), flat_fee=usd("2")),
    )
)


RECORD = TaxOfRecord(
    document="INV-1",
    finalised_at=datetime(2026, 3, 15, tzinfo=UTC),
    currency="USD",
    lines=(RecordedLine(key="L1", net=usd("100"), tax=usd("6.61")),),
)


def test_29_digits_are_rounded_and_a_price_rounds_as_asked() -> None:
    wide = Decimal("12345678901234567890123456.7894")
    assert str(Money.rounded(wide, "BHD").amount) == "12345678901234567890123456.789"
    assert str(UnitPrice.of("0.135", "USD").times(Decimal(1), ROUND_DOWN).amount) == "0.13"


def test_days_over_a_year_are_counted_past_the_end_of_a_leap_year() -> None:
    leap = Span(start=date(2024, 1, 1), end=date(2025, 1, 1))
    assert periods_in(leap, ANNUAL, HOUSE.named("a", day_count="year_365")) == Fraction(366, 365)
    half = Span(start=date(2024, 1, 1), end=date(2024, 7, 1))
    assert periods_in(half, ANNUAL, HOUSE.named("b", day_count="year_365")) == Fraction(182, 365)
    assert periods_in(half, ANNUAL, HOUSE.named("c", day_count="year_actual")) == Fraction(182, 366)


def test_weeks_are_counted_alike_where_months_come_first() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 1, 19))
    months_first = HOUSE.named("m", long_period="months_then_days")
    assert periods_in(term, WEEKLY, months_first) == Fraction(18, 7)


def test_the_rest_of_unequal_parts_goes_to_the_last_whole_one() -> None:
    rule = HOUSE.named("asked", remainder="last_full")
    found = split(usd("100"), [Fraction(n) for n in (2, 3, 4)], rule, full=(True, True, False))
    assert [str(part.amount) for part in found] == ["22.22", "33.34", "44.44"]


def test_two_parts_and_a_running_total_round_as_asked() -> None:
    assert spread(usd("0.01"), [1, 1], Remainder.LAST_FULL) == (usd("0"), usd("0.01"))
    up = spread(usd("1"), [1, 1, 1], Remainder.CUMULATIVE, RoundingMode.UP)
    assert up == (usd("0.34"), usd("0.33"), usd("0.33"))


def test_the_fee_of_a_used_tier_is_due_whatever_nothing_used_owes() -> None:
    rule = RatingRule(is_first_fee_due_unused=False)
    found = rate(GraduatedPrice(table=TABLE), "3", rule)
    assert found.amount == usd("16")
    assert [(part.what, part.quantity) for part in found.parts] == [
        ("units of tier 1", Decimal(3)),
        ("fee of tier 1", Decimal(1)),
    ]


def test_a_closed_table_holds_its_last_unit() -> None:
    closed = TierTable(tiers=(Tier(up_to=Decimal(10), unit_price=price_of("5")),))
    assert rate(GraduatedPrice(table=closed), "10").amount == usd("50")


def test_what_is_sold_outside_a_bundle_is_weighed_one_by_one() -> None:
    sold = [
        PerformanceObligation(key=key, price=usd("0"), ssp=usd(ssp))
        for key, ssp in (("A", "40"), ("B", "55"), ("C", "45"), ("E", "20"))
    ]
    found = allocate(sold, usd("120"), [SoldTogether(keys=("B", "C"), price=usd("60"))])
    assert [amount.amount for _, amount in found.amounts] == [40, 33, 27, 20]


def test_tax_inside_a_price_rounds_as_asked() -> None:
    assert split_inclusive(usd("1"), Decimal(20), RoundingMode.DOWN) == (usd("0.84"), usd("0.16"))


def test_a_gross_credit_tells_its_share_and_names_its_field() -> None:
    first = credit_gross(RECORD, "L1", usd("26.65"))
    second = credit_gross(RECORD, "L1", usd("26.65"), [first])
    assert second.working.inputs == (
        ("tax of the line", "6.61 USD"),
        ("share", "5330/10661"),
        ("tax credited before", "1.65 USD"),
    )
    with pytest.raises(ValueError, match=r"^gross: 60.00 USD of a line with 53.31 USD left"):
        credit_gross(RECORD, "L1", usd("60"), [first, second])


APRIL = Span(start=date(2026, 4, 1), end=date(2026, 5, 1))
TO_END = Span(start=date(2026, 4, 16), end=APRIL.end)
WITHIN = Span(start=date(2026, 4, 16), end=date(2026, 4, 26))


@pytest.mark.parametrize(
    ("choices", "part", "amount"),
    [
        ({}, TO_END, "0.03"),
        ({}, WITHIN, "0.02"),
        ({"credit_measure": "billed_less_used"}, TO_END, "0.02"),
        ({"credit_measure": "billed_less_used"}, WITHIN, "0.02"),
        ({"rounding": "cumulative"}, WITHIN, "0.01"),
        ({"rounding_mode": "down"}, TO_END, "0.02"),
    ],
)
def test_a_part_is_measured_itself_or_as_what_the_used_part_leaves(
    choices: dict[str, str], part: Span, amount: str
) -> None:
    """Five cents for April: half of it is 2.5 cents, ten days are 1.67."""
    rule = HOUSE.named("asked", **choices)
    period = period_at(APRIL.start, APRIL, BillCycle(length=MONTHLY, anchor=APRIL.start), rule)
    assert part_price(part, period, price_of("0.05"), Decimal(1), rule) == usd(amount)


def test_thirty_day_months_run_over_the_year_and_give_a_31st_no_weight() -> None:
    strict = HOUSE.named("strict", day_count="thirty_360")
    quarter = Span(start=date(2025, 11, 1), end=date(2026, 2, 1))
    rest = Span(start=date(2025, 12, 16), end=quarter.end)
    assert share(rest, quarter, QUARTERLY, strict) == Fraction(45, 90)
    mid = Span(start=date(2026, 1, 16), end=date(2026, 2, 16))
    to_30th = Span(start=mid.start, end=date(2026, 1, 31))
    to_31st = Span(start=mid.start, end=date(2026, 2, 1))
    assert share(to_30th, mid, MONTHLY, strict) == share(to_31st, mid, MONTHLY, strict)
    from_31st = Span(start=date(2026, 1, 31), end=date(2026, 2, 16))
    after = Span(start=date(2026, 2, 1), end=date(2026, 2, 16))
    assert share(from_31st, mid, MONTHLY, strict) == share(after, mid, MONTHLY, strict)


def test_a_sum_that_the_column_cannot_hold_is_refused() -> None:
    most = Money.of("9" * 26, "JPY")
    for beyond in (lambda: most + Money.of(1, "JPY"), lambda: Money.total([most, most], "JPY")):
        with pytest.raises(ValueError, match="more than 26 digits"):
            beyond()


def test_the_mode_reaches_each_line_of_a_rating() -> None:
    down = RatingRule(mode=RoundingMode.DOWN)
    assert rate(PerUnitPrice(unit_price=price_of("0.019")), 1, down).amount == usd("0.01")
    base = UsagePrice(
        base_fee=usd("20"),
        included_units=Decimal(4),
        overage=PerUnitPrice(unit_price=price_of("1")),
    )
    assert rate(base, 4, down).parts[0].quantity == Decimal(1)
    assert rate(base, 4, down).working.source == down.source


def test_29_digits_go_to_minor_units_and_back() -> None:
    wide = Money.of("12345678901234567890123456.789", "BHD")
    assert wide.to_minor() == 12345678901234567890123456789
    assert Money.from_minor(12345678901234567890123456789, "BHD") == wide


def test_the_fee_of_a_used_volume_is_due_whatever_nothing_used_owes() -> None:
    rule = RatingRule(is_first_fee_due_unused=False)
    assert rate(VolumePrice(table=TABLE), "3", rule).amount == usd("16")


def test_what_was_billed_at_no_price_comes_back_whole_and_not_in_parts() -> None:
    period = period_at(APRIL.start, APRIL, BillCycle(length=MONTHLY, anchor=APRIL.start), HOUSE)
    fee = BilledItem(
        item_key="I1",
        line_key="L1",
        product="set-up",
        invoice="INV-1",
        span=APRIL,
        period=period,
        quantity=Decimal(1),
        unit_price=price_of("0"),
        amount=usd("10"),
        unpaid=usd("0"),
    )
    assert credit_for(fee, APRIL, HOUSE).amount == usd("10")
    assert credit_for(fee, TO_END, HOUSE).amount == usd("0")
