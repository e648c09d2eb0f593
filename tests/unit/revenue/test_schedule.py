"""Schedules, spreading and re-planning beyond the published examples."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from dealthread.domain.money import Money
from dealthread.domain.revenue.ledger_currency import in_ledger_currency
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.replanning import catch_up, replan, terminate
from dealthread.domain.revenue.schedule import (
    Schedule,
    as_used,
    at_milestones,
    monthly,
    recognition_date,
    schedule,
)
from dealthread.domain.revenue.spread import Remainder, divided, spread, spread_minor
from dealthread.domain.rounding import RoundingMode

JAN, YEAR = date(2026, 1, 1), date(2027, 1, 1)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@pytest.mark.parametrize(
    ("remainder", "parts"),
    [
        (Remainder.LAST, [333, 333, 334]),
        (Remainder.FIRST, [334, 333, 333]),
        (Remainder.LARGEST, [334, 333, 333]),
        (Remainder.LAST_FULL, [333, 334, 333]),
        (Remainder.CUMULATIVE, [333, 334, 333]),
    ],
)
def test_the_remainder_has_a_named_place(remainder: Remainder, parts: list[int]) -> None:
    assert spread_minor(1000, [1, 1, 1], remainder) == parts


def test_the_largest_part_takes_the_remainder_wherever_it_stands() -> None:
    assert spread_minor(100, [1, 4, 1], Remainder.LARGEST) == [17, 66, 17]


def test_one_part_takes_all() -> None:
    assert spread_minor(5, [3], Remainder.LAST_FULL) == [5]


def test_credits_spread_as_charges_do() -> None:
    assert spread(eur("-10"), [1, 1, 1]) == (eur("-3.33"), eur("-3.33"), eur("-3.34"))


@pytest.mark.parametrize(
    ("numerator", "mode", "expected"),
    [
        (5, RoundingMode.HALF_UP, 3),
        (-5, RoundingMode.HALF_UP, -3),
        (5, RoundingMode.HALF_EVEN, 2),
        (7, RoundingMode.HALF_EVEN, 4),
        (-5, RoundingMode.DOWN, -2),
    ],
)
def test_quotients_round_as_asked(numerator: int, mode: RoundingMode, expected: int) -> None:
    assert divided(numerator, 2, mode) == expected


def test_impossible_quotients_and_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="denominator"):
        divided(1, 0)
    for weights in ([], [0], [2, -1]):
        with pytest.raises(ValueError, match="weights"):
            spread_minor(1, weights)


def test_a_part_month_counts_its_share_of_its_own_days_at_the_period_rate() -> None:
    # 15 of 30 days and two whole months: 2.5 rates of 100.00
    one = schedule("s", eur("250"), date(2026, 4, 16), date(2026, 7, 1), Method.PERIOD_RATE)
    assert [portion.amount for portion in one.portions()] == [eur("50"), eur("100"), eur("100")]


def test_prorated_ends_of_a_short_term_are_by_day() -> None:
    one = schedule("s", eur("30"), date(2026, 4, 21), date(2026, 5, 21), Method.PRORATED_ENDS)
    assert [portion.amount for portion in one.portions()] == [eur("10"), eur("20")]


def test_even_months_keep_the_only_month_there_is() -> None:
    one = schedule("s", eur("30"), date(2026, 4, 3), date(2026, 4, 21), Method.EVEN_MONTHS)
    assert list(one.by_month()) == [date(2026, 4, 1)]


def test_even_months_end_where_the_term_does() -> None:
    one = schedule("s", eur("40"), date(2026, 6, 15), date(2026, 10, 13), Method.EVEN_MONTHS)
    assert (one.start, one.end) == (date(2026, 6, 15), date(2026, 10, 13))


@pytest.mark.parametrize("method", [Method.MILESTONE, Method.USAGE])
def test_methods_by_event_need_their_events(method: Method) -> None:
    with pytest.raises(ValueError, match="needs its events"):
        schedule("s", eur("1"), JAN, YEAR, method)


def test_a_term_that_does_not_begin_before_it_ends_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^end: "):
        schedule("s", eur("1"), JAN, JAN)


def test_milestones_share_by_weight_in_order() -> None:
    one = at_milestones("project", eur("100"), [(JAN, 1), (date(2026, 3, 9), 3)])
    assert [portion.amount for portion in one.portions()] == [eur("25"), eur("75")]
    assert recognition_date(next(one.portions()), one.method) == JAN
    with pytest.raises(ValueError, match="milestones"):
        at_milestones("project", eur("100"), [(YEAR, 1), (JAN, 1)])
    with pytest.raises(ValueError, match="weights"):
        at_milestones("project", eur("100"), [])


def test_usage_of_two_currencies_is_refused() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        as_used("calls", [(JAN, eur("1")), (YEAR, Money.of(1, "USD"))])
    with pytest.raises(ValueError, match="used"):
        as_used("calls", [])


def test_a_month_of_another_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        monthly([schedule("s", eur("1"), JAN, YEAR)], "USD")


def test_a_schedule_explains_itself() -> None:
    lines = list(schedule("seats", eur("365"), JAN, YEAR).working().lines())
    assert lines[0].startswith(
        "revenue of seats = 365.00 EUR: booked × days of the month ÷ days of the term"
    )
    assert len(lines) == 13


def test_a_cut_month_of_even_periods_takes_its_share_by_days() -> None:
    one = schedule("s", eur("1200"), JAN, YEAR, Method.EVEN_PERIODS)
    assert one.recognised_before(date(2026, 2, 15)) == eur("150")
    assert one.recognised_before(date(2026, 2, 1)) == eur("100")
    assert one.recognised_before(JAN) == eur("0")
    assert one.recognised_before(YEAR) == one.total


def seats() -> Schedule:
    return schedule("seats", eur("365"), JAN, YEAR)


def test_a_change_before_the_start_replaces_the_schedule() -> None:
    after = replan(seats(), date(2025, 12, 1), eur("-65"))
    assert after.kept is None
    assert after.ahead is not None
    assert (after.ahead.start, after.ahead.total) == (JAN, eur("300"))
    assert len(after.schedules()) == 1


def test_a_credit_above_what_is_left_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^change: "):
        replan(seats(), date(2026, 7, 1), eur("-184.01"))
    assert replan(seats(), date(2026, 7, 1), eur("-184")).working.result == "0.00 EUR"


def test_a_change_after_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^effective: "):
        replan(seats(), YEAR, eur("0"))


def test_termination_keeps_what_was_recognised() -> None:
    after = terminate(seats(), date(2026, 7, 1))
    assert (after.kept, after.ahead) == (seats().before(date(2026, 7, 1)), None)
    assert after.working.result == "184.00 EUR"
    assert terminate(seats(), JAN).schedules() == ()


@pytest.mark.parametrize("progress", [Fraction(-1, 10), Fraction(11, 10)])
def test_progress_lies_between_nothing_and_all(progress: Fraction) -> None:
    with pytest.raises(ValueError, match="progress"):
        catch_up(eur("100"), progress, eur("0"))


@pytest.mark.parametrize("rate", [Decimal(0), Decimal("-0.85")])
def test_a_rate_is_positive(rate: Decimal) -> None:
    with pytest.raises(ValueError, match="rate"):
        in_ledger_currency(seats(), rate, "GBP")
