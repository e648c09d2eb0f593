"""Minimum commitments, prepaid balances and ramps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.pricing.commitment import true_up
from dealthread.domain.pricing.prepaid import Grant, draw_credit, draw_down, forfeited
from dealthread.domain.pricing.price import OneTimePrice, PerUnitPrice, Price
from dealthread.domain.pricing.ramp import Ramp, Segment, ramp_charges


def usd(amount: str | int) -> Money:
    return Money.of(amount, "USD")


@pytest.mark.parametrize(
    ("commitment", "charges", "expected"),
    [
        # https://docs.zuora.com/ … /minimum-commitment/minimum-commitment-concepts
        ("12000", ["10000"], "2000"),
        # https://docs.getlago.com/guide/plans/charges/spending-minimum
        ("100", ["50"], "50"),
        # https://community.getlago.com/t/ability-to-define-minimums/55 (400 calls at 0.01)
        ("5", ["4"], "1"),
        # https://getlago.canny.io/feature-requests/p/set-minimum-spend-for-subscriptions
        ("100", ["50", "10", "10", "10"], "20"),
        # https://docs.getlago.com/guide/plans/commitment: no true-up above the commitment
        ("100", ["130"], "0"),
    ],
)
def test_published_true_ups(commitment: str, charges: list[str], expected: str) -> None:
    result = true_up(usd(commitment), [usd(one) for one in charges])
    assert result.amount == usd(expected)


def test_a_part_of_the_period_owes_its_part_of_the_commitment() -> None:
    result = true_up(usd(100), [usd(10)], share=Fraction(10, 31))
    assert result.committed == usd("32.26")
    assert result.amount == usd("22.26")
    assert "share 10/31" in next(result.working.lines())


@pytest.mark.parametrize(
    ("commitment", "share", "message"),
    [("-1", 1, "commitment"), ("1", 0, "share"), ("1", 2, "share")],
)
def test_a_bad_commitment_is_refused(commitment: str, share: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        true_up(usd(commitment), [], share=share)


cents = st.integers(0, 10_000_00).map(lambda minor: Money.from_minor(minor, "USD"))


@given(cents, st.lists(cents, max_size=6))
def test_what_is_paid_is_the_higher_of_commitment_and_charges(
    commitment: Money, charges: list[Money]
) -> None:
    result = true_up(commitment, charges)
    assert result.charged + result.amount == max(commitment, result.charged)


# --- prepaid ---

DAY = date(2026, 6, 15)


def grant(key: str, left: str, since: date = date(2026, 6, 1), **more: Any) -> Grant:
    return Grant(key=key, left=Decimal(left), valid_from=since, **more)


# https://docs.zuora.com/ … /create-a-drawdown-charge---zuora-ui: 10 million calls a month, a
# top-up of 1 million, what exceeds both is overage.
MONTH = grant("month", "10", valid_until=date(2026, 7, 1))
TOP_UP = grant("top-up", "1")


def test_the_grant_that_expires_first_is_used_first() -> None:
    result = draw_down([TOP_UP, MONTH], "10.25", DAY)
    assert [(draw.key, draw.quantity) for draw in result.draws] == [
        ("month", 10),
        ("top-up", Decimal("0.25")),
    ]
    assert [one.left for one in result.grants] == [Decimal("0.75"), 0]
    assert result.uncovered == 0


def test_what_no_grant_covers_is_overage() -> None:
    result = draw_down([MONTH, TOP_UP], 13, DAY)
    assert result.uncovered == 2
    assert "month 10; top-up 1" in next(result.working.lines())


def test_grants_are_used_within_their_dates_only() -> None:
    late = grant("late", "5", date(2026, 6, 16))
    gone = grant("gone", "5", valid_until=DAY)
    result = draw_down([late, gone], 1, DAY)
    assert result.uncovered == 1
    assert "drawn nothing" in next(result.working.lines())
    assert [(one.key, one.quantity) for one in forfeited([late, gone, MONTH], DAY)] == [("gone", 5)]
    assert forfeited([gone.model_copy(update={"left": Decimal(0)})], DAY) == ()


def test_credit_is_drawn_in_its_currency() -> None:
    credit = grant("credit", "50.00", currency="USD")
    result = draw_credit([credit], usd("80"), DAY)
    assert result.uncovered == 30
    with pytest.raises(ValueError, match="all must be of EUR"):
        draw_credit([credit], Money.of(1, "EUR"), DAY)
    with pytest.raises(ValueError, match="all must be of units"):
        draw_down([credit], 1, DAY)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: grant("a", "-1"), "left"),
        (lambda: grant("a", "1", valid_until=date(2026, 6, 1)), "valid_until"),
        (lambda: grant("a", "1.001", currency="USD"), "does not fit"),
        (lambda: draw_down([MONTH, MONTH], 1, DAY), "same key"),
        (lambda: draw_down([MONTH], -1, DAY), "used: -1 is negative"),
        (lambda: draw_credit([], usd(-1), DAY), "charge"),
    ],
)
def test_bad_grants_are_refused(made: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made()


@given(st.lists(st.decimals(0, 1000, places=3), max_size=6), st.decimals(0, 4000, places=3))
def test_nothing_is_drawn_twice_or_lost(lefts: list[Decimal], used: Decimal) -> None:
    grants = [grant(str(number), str(left)) for number, left in enumerate(lefts)]
    result = draw_down(grants, used, DAY)
    drawn = sum((draw.quantity for draw in result.draws), Decimal(0))
    assert drawn + result.uncovered == used
    assert sum((one.left for one in result.grants), Decimal(0)) == sum(lefts, Decimal(0)) - drawn
    assert not result.uncovered or not any(one.left for one in result.grants)


# --- ramps ---


def segment(start: date, end: date, quantity: int, price: Price, months: int = 12) -> Segment:
    return Segment(
        start_date=start,
        end_date=end,
        quantity=Decimal(quantity),
        price=price,
        period_months=months,
    )


SEAT = PerUnitPrice(unit_price=UnitPrice.of("432.00", "USD"))


def test_the_ramp_of_the_worked_deal() -> None:
    # Worked deal D4: 100, 150 and 200 seats at 432.00.
    ramp = Ramp(
        segments=tuple(
            segment(date(2026 + year, 2, 1), date(2027 + year, 2, 1), 100 + 50 * year, SEAT)
            for year in range(3)
        )
    )
    charges = ramp_charges(ramp)
    assert [(one.start_date, one.amount) for one in charges] == [
        (date(2026, 2, 1), usd(43_200)),
        (date(2027, 2, 1), usd(64_800)),
        (date(2028, 2, 1), usd(86_400)),
    ]
    assert Money.total((one.amount for one in charges), "USD") == usd(194_400)
    held = ramp.segment_on(date(2027, 2, 1))
    assert held is not None
    assert held.quantity == 150
    assert ramp.segment_on(date(2029, 2, 1)) is None


def test_a_broken_period_costs_its_days() -> None:
    ramp = Ramp(segments=(segment(date(2026, 1, 1), date(2026, 2, 11), 1, SEAT, 1),))
    charges = ramp_charges(ramp)
    # 432.00 × 10 ÷ 28
    assert [one.amount for one in charges] == [usd("432"), usd("154.29")]
    assert charges[1].end_date == date(2026, 2, 11)
    assert "days used 10" in next(charges[1].working.lines())


def test_a_one_time_price_is_not_prorated() -> None:
    once = OneTimePrice(unit_price=UnitPrice.of(90, "USD"))
    ramp = Ramp(segments=(segment(date(2026, 1, 1), date(2026, 2, 11), 1, once, 12),))
    assert [one.amount for one in ramp_charges(ramp)] == [usd(90)]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: segment(DAY, DAY, 1, SEAT), "end_date: after start_date"),
        (lambda: segment(DAY, date(2027, 1, 1), 1, SEAT, 0), "period_months"),
        (lambda: Ramp(segments=()), "at least one"),
        (
            lambda: Ramp(
                segments=(
                    segment(DAY, date(2026, 7, 1), 1, SEAT),
                    segment(date(2026, 7, 2), date(2026, 8, 1), 1, SEAT),
                )
            ),
            "each starts where",
        ),
        (
            lambda: Ramp(
                segments=(
                    segment(DAY, date(2026, 7, 1), 1, SEAT),
                    segment(
                        date(2026, 7, 1),
                        date(2026, 8, 1),
                        1,
                        PerUnitPrice(unit_price=UnitPrice.of(1, "EUR")),
                    ),
                )
            ),
            "one currency",
        ),
    ],
)
def test_segments_that_do_not_join_are_refused(made: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        made()


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(1, 1200),
    st.integers(1, 12),
)
def test_the_charges_of_a_ramp_cover_its_days_once(start: date, days: int, months: int) -> None:
    end = date.fromordinal(start.toordinal() + days)
    charges = ramp_charges(Ramp(segments=(segment(start, end, 3, SEAT, months),)))
    assert charges[0].start_date == start
    assert charges[-1].end_date == end
    for before, after in pairwise(charges):
        assert before.end_date == after.start_date
