"""Issue 4, point 2: which share of a period a part of it is, by each day count."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.knobs import DayCount, LongPeriod
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY, WEEKLY, PeriodLength
from dealthread.domain.periods.measure import periods_in, share
from dealthread.domain.periods.moment import Span
from tests.unit.money.period_strategies import DATES, DAY_CONVENTIONS, PLAIN


@given(DAY_CONVENTIONS, st.sampled_from([MONTHLY, QUARTERLY, ANNUAL]), DATES, st.data())
def test_the_shares_of_a_cut_period_add_up_to_the_whole(
    convention: Convention, length: PeriodLength, anchor: date, data: st.DataObject
) -> None:
    """Exactly, for every day count whose parts add up; the others are the remark of `share`."""
    whole = BillCycle(length=length, anchor=anchor).period(0)
    cut = anchor + timedelta(days=data.draw(st.integers(1, whole.size - 1)))
    shares = [
        share(Span(start=whole.start, end=cut), whole, length, convention, cycle_day=anchor.day),
        share(Span(start=cut, end=whole.end), whole, length, convention, cycle_day=anchor.day),
    ]
    if convention.long_period is LongPeriod.MONTHS_UP:
        assert 1 <= sum(shares) <= 1 + Fraction(1, length.months)
    elif convention.day_count in (DayCount.ALIGNED_PERIOD, DayCount.ACTUAL_MONTH):
        assert sum(shares) == 1
    else:
        assert abs(sum(shares) - 1) < Fraction(1, 12)
    assert all(part >= 0 for part in shares)


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        (presets.ZUORA, Fraction(2 * 31 + 17, 93)),
        (presets.ZUORA_ACTUAL_360, Fraction(2 * 30 + 17, 90)),
        (presets.ZUORA_STRICT_360, Fraction(2 * 30 + 16, 90)),
        (presets.ZUORA_BY_DAY, Fraction(78, 92)),
        (presets.ZUORA_BY_DAY_360, Fraction(78, 90)),
        (presets.SALESFORCE_CPQ_MONTH, Fraction(1)),
        (presets.SALESFORCE_CPQ_DAY, Fraction(78 * 12, 365 * 3)),
        (presets.KILL_BILL_FIXED_30, Fraction(76, 90)),
        (PLAIN.named("year", day_count="year_actual"), Fraction(78 * 12, 365 * 3)),
        (PLAIN.named("strict", day_count="thirty_360"), Fraction(76, 90)),
    ],
)
def test_a_part_of_a_quarter_by_each_count(convention: Convention, expected: Fraction) -> None:
    """1 October to 1 January, of which 15 October on: 17 + 30 + 31 days."""
    quarter = Span(start=date(2014, 10, 1), end=date(2015, 1, 1))
    left = Span(start=date(2014, 10, 15), end=date(2015, 1, 1))
    assert share(left, quarter, QUARTERLY, convention) == expected


def test_thirty_fixed_days_never_cost_more_than_the_whole() -> None:
    january = Span(start=date(2026, 1, 1), end=date(2026, 2, 1))
    most = Span(start=date(2026, 1, 1), end=date(2026, 1, 31))
    assert share(most, january, MONTHLY, presets.KILL_BILL_FIXED_30) == 1


def test_a_part_outside_the_whole_is_refused() -> None:
    january = Span(start=date(2026, 1, 1), end=date(2026, 2, 1))
    for part in (
        Span(start=date(2025, 12, 31), end=date(2026, 1, 2)),
        Span(start=date(2026, 1, 31), end=date(2026, 2, 2)),
    ):
        with pytest.raises(ValueError, match="part"):
            share(part, january, MONTHLY, PLAIN)


def test_terms_are_counted_in_price_periods() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2027, 7, 1))
    assert periods_in(term, ANNUAL, PLAIN) == 1 + Fraction(181, 365)
    assert periods_in(term, ANNUAL, presets.ZUORA) == Fraction(3, 2)
    assert periods_in(term, WEEKLY, PLAIN) == Fraction(546, 7)
    seconds = Span(
        start=presets.STRIPE.moment(term.start), end=presets.STRIPE.moment(date(2026, 1, 16))
    )
    assert periods_in(seconds, MONTHLY, presets.STRIPE) == Fraction(15, 31)
    assert seconds.unit == "seconds"
    assert term.unit == "days"
