"""Issue 4, point 1: past invoices tell the convention behind them, or what stays open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.change import ChangeQuantity, RemoveLine
from dealthread.domain.amendment.standing import LineKind
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.inference import KNOBS, Inference, combinations, infer
from dealthread.domain.periods.knobs import Rounding
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY, WEEKLY, PeriodLength
from dealthread.domain.periods.observation import PastKind, PastLine
from tests.unit.money.amending import billed


def past(
    kind: PastKind,
    start: date,
    at: date,
    price: str,
    amount: str,
    *,
    length: PeriodLength = MONTHLY,
    cycle_day: int | None = None,
    end: date | None = None,
    billed_as: str | None = None,
    quantity: str = "1",
) -> PastLine:
    return PastLine(
        kind=kind,
        service_start=start,
        service_end=end,
        length=length,
        cycle_day=cycle_day,
        quantity=Decimal(quantity),
        unit_price=UnitPrice.of(price, "USD"),
        at=at,
        amount=Money.of(amount, "USD"),
        billed=None if billed_as is None else Money.of(billed_as, "USD"),
    )


def open_choices(found: Inference) -> dict[str, tuple[str, ...]]:
    return dict(found.ambiguous)


PUBLISHED = [
    # killbill, testMultiplePartialRepairs and quarterly/TestProRation (66/90 of 1,000.00)
    past(PastKind.CREDIT, date(2012, 5, 1), date(2012, 5, 7), "599.95", "-483.83"),
    past(
        PastKind.PERIOD,
        date(2011, 1, 31),
        date(2011, 1, 31),
        "1000",
        "733.33",
        length=QUARTERLY,
        cycle_day=7,
    ),
]


def test_published_kill_bill_lines_are_kill_bills() -> None:
    found = infer(PUBLISHED)
    assert found.presets == ("kill_bill",)
    assert dict(found.settled)["leading_stub"] == "whole_period"
    assert open_choices(found)["rounding"] == ("cumulative", "per_line")
    stripe = next(miss for miss in found.misses if miss.convention == "stripe")
    assert (stripe.line, str(stripe.billed.amount)) == (2, "733.33")


def test_one_round_amount_settles_nothing_between_the_systems() -> None:
    found = infer([past(PastKind.PERIOD, date(2026, 6, 1), date(2026, 6, 1), "30", "30.00")])
    assert set(found.presets) == set(presets.PRESETS)
    assert found.misses == ()
    assert found.settled == ()
    assert {knob for knob, _ in found.ambiguous} == set(KNOBS)


def test_thirty_fixed_days_are_told_from_actual_days() -> None:
    """docs.zuora.com, order metrics part 3: 14 days of August 2018 of 35.00 are 16.33."""
    line = past(
        PastKind.PERIOD,
        date(2018, 8, 18),
        date(2018, 8, 18),
        "35",
        "16.33",
        cycle_day=1,
    )
    found = infer([line])
    assert "zuora_actual_360" in found.presets
    assert "zuora" not in found.presets


def test_the_last_day_served_is_found() -> None:
    """getlago/lago-api, credit_note_rounding_spec: ended on its first day, 29 of 30 days."""
    line = past(PastKind.ENDED, date(2025, 9, 18), date(2025, 9, 18), "200", "-193.33")
    found = infer([line])
    assert found.presets == ("lago", "lago_anniversary")
    assert dict(found.settled)["period_end"] == "last_day_inclusive"


def test_a_credit_of_a_discounted_item_tells_the_basis() -> None:
    line = past(
        PastKind.CREDIT, date(2026, 6, 1), date(2026, 6, 16), "300", "-120.00", billed_as="240"
    )
    assert dict(infer([line]).settled)["credit_basis"] == "billed"
    by_price = line.model_copy(update={"amount": Money.of("-150", "USD")})
    assert dict(infer([by_price]).settled)["credit_basis"] == "current_price"
    free = line.model_copy(
        update={"unit_price": UnitPrice.of("0", "USD"), "amount": Money.of(0, "USD")}
    )
    assert infer([free]).presets


def test_lines_that_no_convention_makes_match_nothing() -> None:
    wrong = past(PastKind.PERIOD, date(2026, 6, 1), date(2026, 6, 1), "30", "31.00")
    found = infer([wrong])
    assert (found.matching, found.presets, found.settled, found.ambiguous) == ((), (), (), ())
    assert len(found.misses) == len(presets.PRESETS)
    elsewhere = past(PastKind.PERIOD, date(2026, 6, 1), date(2026, 6, 9), "30", "30.00")
    early = past(PastKind.CREDIT, date(2026, 6, 1), date(2026, 5, 9), "30", "-1.00")
    late = past(
        PastKind.CREDIT, date(2026, 6, 1), date(2026, 7, 9), "30", "-1.00", end=date(2026, 7, 1)
    )
    for line in (elsewhere, early, late):
        assert infer([line]).misses[0].computed is None


def test_only_given_candidates_are_tried() -> None:
    found = infer(PUBLISHED, [presets.STRIPE])
    assert found.matching == ()
    assert found.presets == ("kill_bill",)
    assert infer(PUBLISHED, [presets.KILL_BILL]).matching == (presets.KILL_BILL,)


def test_instants_are_taken_as_days_by_conventions_of_days() -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    line = past(PastKind.CREDIT, start, start + timedelta(days=15, hours=12), "300", "-145.00")
    found = infer([line])
    assert found.presets == ("stripe", "stripe_classic")


def test_an_end_on_the_last_day_leaves_nothing_to_credit() -> None:
    line = past(PastKind.ENDED, date(2026, 6, 1), date(2026, 6, 30), "30", "0.00")
    assert infer([line]).presets == ("lago", "lago_anniversary")
    rest = past(PastKind.REST, date(2026, 6, 1), date(2026, 6, 30), "30", "1.00")
    assert "kill_bill" in infer([rest]).presets


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: infer([]), "lines"),
        (lambda: past(PastKind.CREDIT, date(2026, 6, 1), date(2026, 6, 1), "1", "1"), "amount"),
        (lambda: past(PastKind.REST, date(2026, 6, 1), date(2026, 6, 1), "1", "-1"), "amount"),
        (
            lambda: past(
                PastKind.REST, date(2026, 6, 1), date(2026, 6, 1), "1", "1", quantity="-1"
            ),
            "quantity",
        ),
        (
            lambda: PastLine.model_validate(
                {**dict(PUBLISHED[0]), "amount": Money.of("-1", "EUR")}
            ),
            "amount",
        ),
        (
            lambda: PastLine.model_validate({**dict(PUBLISHED[0]), "billed": Money.of(1, "EUR")}),
            "billed",
        ),
    ],
)
def test_lines_that_cannot_be_are_refused_by_field(make: Callable[[], object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_the_combinations_are_conventions() -> None:
    every = combinations()
    assert len({one.name for one in every}) == len(every)
    for one in every[:: len(every) // 50]:
        assert Convention.model_validate(dict(one)) == one


@st.composite
def sold(draw: st.DrawFn) -> tuple[Convention, list[PastLine]]:
    """A convention and lines that the amendment engine made under it."""
    convention = draw(st.sampled_from(list(presets.PRESETS.values())))
    if not convention.counts_seconds:
        convention = convention.named(
            convention.name,
            rounding=draw(st.sampled_from([Rounding.PER_LINE, Rounding.CUMULATIVE])),
        )
    lines: list[PastLine] = []
    for _ in range(draw(st.integers(1, 3))):
        length = draw(st.sampled_from([WEEKLY, MONTHLY, QUARTERLY, ANNUAL]))
        start = draw(st.dates(date(2023, 1, 1), date(2028, 12, 31)))
        price = str(draw(st.decimals(1, 5_000, places=2)))
        quantity = draw(st.integers(1, 40))
        day = draw(st.integers(1, 31)) if length.months else None
        standing = billed(
            price, start, None, length, convention, quantity=str(quantity), cycle_day=day
        )
        item = standing.items[0]
        standing = standing.model_copy(update={"items": (item,)})
        days = (item.span.end - item.span.start).days
        at = start + timedelta(days=draw(st.integers(0, days - 1)))

        def line(
            kind: PastKind,
            at: date,
            amount: Money,
            count: int = quantity,
            start: date = start,
            length: PeriodLength = length,
            day: int | None = day,
            price: str = price,
        ) -> PastLine:
            return PastLine(
                kind=kind,
                service_start=start,
                length=length,
                cycle_day=day,
                quantity=Decimal(count),
                unit_price=UnitPrice.of(price, "USD"),
                at=at,
                amount=amount,
            )

        lines.append(line(PastKind.PERIOD, start, item.amount))
        more = ChangeQuantity(line_key="L1", effective=at, quantity=Decimal(quantity + 3))
        change = amend(standing, [more], key="A", as_of=at, convention=convention)
        for found in change.lines:
            credit = found.kind is LineKind.CREDIT
            kind = PastKind.CREDIT if credit else PastKind.REST
            lines.append(line(kind, at, found.amount, quantity if credit else quantity + 3))
        gone = RemoveLine(line_key="L1", effective=at)
        ended = amend(standing, [gone], key="A", as_of=at, convention=convention)
        lines += [line(PastKind.ENDED, at, found.amount) for found in ended.lines]
    return convention, lines


MOST = settings.default.max_examples if settings.default else 100


@given(sold())
@settings(max_examples=25 if MOST <= 100 else MOST)
def test_inference_finds_the_convention_that_made_the_lines_or_an_equal_one(
    made: tuple[Convention, list[PastLine]],
) -> None:
    convention, lines = made
    found = infer(lines)
    settled, ambiguous = dict(found.settled), dict(found.ambiguous)
    for knob in KNOBS:
        choice = str(getattr(convention, knob))
        if choice == Rounding.NET_THEN_TAX:
            choice = Rounding.PER_LINE
        assert choice == settled.get(knob) or choice in ambiguous[knob]
    assert infer(lines, [convention]).matching == (convention,)
    equal = found.matching[len(found.matching) // 2]
    assert infer(lines, [equal]).matching == (equal,)
