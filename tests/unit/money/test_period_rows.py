"""Issue 4, point 2: the row of billing periods of a term, its stubs, cycle days and common end."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.deal import BillingTiming
from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.knobs import CycleDay
from dealthread.domain.periods.length import MONTHLY, QUARTERLY, WEEKLY
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import (
    CycleChange,
    PeriodKind,
    billing_periods,
    coterminate,
    period_at,
    periods_with_changes,
)
from tests.unit.money.period_strategies import CONVENTIONS, DATES, PLAIN, cycles, terms


@given(cycles(), terms(), CONVENTIONS)
def test_the_periods_of_a_term_follow_one_another_and_cover_it(
    cycle: BillCycle, term: Span, convention: Convention
) -> None:
    periods = billing_periods(term, cycle, convention)
    assert periods[0].span.start == term.start
    assert periods[-1].span.end == term.end
    assert [p.number for p in periods] == list(range(1, len(periods) + 1))
    for before, after in pairwise(periods):
        assert before.span.end == after.span.start
    for period in periods:
        assert period.whole.start <= period.span.start < period.span.end <= period.whole.end
        assert (period.kind is PeriodKind.FULL) is (period.span == period.whole) or (
            period.kind is PeriodKind.LEADING_STUB
        )
    assert all(p.kind is PeriodKind.FULL for p in periods[1:-1])


@given(cycles(), DATES)
def test_every_day_lies_in_exactly_one_whole_period(cycle: BillCycle, day: date) -> None:
    index = cycle.index_at(day)
    assert cycle.boundary(index) <= day < cycle.boundary(index + 1)
    assert cycle.period_at(day).holds(day)


@given(st.integers(1, 31), DATES, st.integers(-40, 40))
def test_a_month_end_does_not_drift(day: int, anchor: date, index: int) -> None:
    cycle = BillCycle(length=MONTHLY, anchor=anchor, day=day)
    found = cycle.boundary(index)
    following = found + timedelta(days=1)
    assert found.day == day or (found.day < day and following.month != found.month)


def test_the_period_of_a_day_is_the_one_in_the_row() -> None:
    term = Span(start=date(2026, 1, 20), end=date(2026, 4, 3))
    cycle = cycle_for(term.start, MONTHLY, PLAIN, cycle_day=1)
    row = billing_periods(term, cycle, PLAIN)
    for day in range(term.size):
        moment = term.start + timedelta(days=day)
        found = period_at(moment, term, cycle, PLAIN)
        assert found == next(period for period in row if period.span.holds(moment))
    with pytest.raises(ValueError, match="moment"):
        period_at(term.end, term, cycle, PLAIN)


def test_in_arrears_a_period_is_billed_at_its_end() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 3, 1))
    cycle = cycle_for(term.start, MONTHLY, PLAIN)
    ahead = billing_periods(term, cycle, PLAIN)
    behind = billing_periods(term, cycle, PLAIN, timing=BillingTiming.ARREARS)
    assert [period.bill_at for period in ahead] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert [period.bill_at for period in behind] == [date(2026, 2, 1), date(2026, 3, 1)]


def test_a_term_inside_one_period_is_short_at_both_ends() -> None:
    term = Span(start=date(2026, 1, 10), end=date(2026, 1, 20))
    cycle = cycle_for(term.start, MONTHLY, PLAIN, cycle_day=1)
    (period,) = billing_periods(term, cycle, PLAIN)
    assert period.kind is PeriodKind.SHORT
    assert period.share(PLAIN) == Fraction(10, 31)
    half = Span(start=date(2026, 1, 10), end=date(2026, 1, 15))
    assert period.share(PLAIN, half) == Fraction(5, 31)


def test_the_leading_stub_reaches_the_next_cycle_day_or_jumps_a_whole_period() -> None:
    start = date(2026, 1, 20)
    near = cycle_for(start, QUARTERLY, PLAIN, cycle_day=15)
    far = cycle_for(start, QUARTERLY, presets.KILL_BILL, cycle_day=15)
    assert near.anchor == date(2026, 2, 15)
    assert far.anchor == date(2026, 4, 15)
    assert cycle_for(date(2026, 1, 15), QUARTERLY, PLAIN, cycle_day=15).anchor == date(2026, 1, 15)


def test_a_fixed_day_must_be_given() -> None:
    assert presets.ZUORA.cycle_day is CycleDay.FIXED_DAY
    with pytest.raises(ValueError, match="cycle_day"):
        cycle_for(date(2026, 1, 1), MONTHLY, presets.ZUORA)
    assert cycle_for(date(2026, 1, 1), WEEKLY, presets.ZUORA).length is WEEKLY


def test_a_change_of_the_cycle_day_cuts_the_running_period_and_leads_to_the_new_day() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 4, 20))
    periods = periods_with_changes(
        term,
        cycle_for(term.start, MONTHLY, PLAIN),
        PLAIN,
        [CycleChange(effective=date(2026, 2, 10), cycle_day=20)],
    )
    assert [(p.number, p.span.start, p.span.end, p.kind, p.share(PLAIN)) for p in periods] == [
        (1, date(2026, 1, 1), date(2026, 2, 1), PeriodKind.FULL, 1),
        (2, date(2026, 2, 1), date(2026, 2, 10), PeriodKind.TRAILING_STUB, Fraction(9, 28)),
        (3, date(2026, 2, 10), date(2026, 2, 20), PeriodKind.LEADING_STUB, Fraction(10, 31)),
        (4, date(2026, 2, 20), date(2026, 3, 20), PeriodKind.FULL, 1),
        (5, date(2026, 3, 20), date(2026, 4, 20), PeriodKind.FULL, 1),
    ]


def test_changes_of_the_cycle_day_come_in_order_inside_the_term() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 4, 20))
    for wrong in (date(2026, 1, 1), date(2026, 5, 1)):
        with pytest.raises(ValueError, match="effective"):
            periods_with_changes(
                term,
                cycle_for(term.start, MONTHLY, PLAIN),
                PLAIN,
                [CycleChange(effective=wrong, cycle_day=20)],
            )


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6), cycles(), CONVENTIONS)
def test_coterminated_lines_share_one_end(
    offsets: list[int], cycle: BillCycle, convention: Convention
) -> None:
    end = date(2028, 3, 1)
    starts = [end - timedelta(days=1 + offset) for offset in offsets]
    lines = coterminate(starts, end, cycle, convention)
    assert {line[-1].span.end for line in lines} == {end}
    assert [line[0].span.start for line in lines] == starts
