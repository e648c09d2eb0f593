"""Shares of a period by day count, exact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, month_day
from dealthread.domain.periods.knobs import DayCount, LongPeriod
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.moment import Span

_ONE = Fraction(1)
_BY_PERIOD = (DayCount.ALIGNED_PERIOD, DayCount.ACTUAL_MONTH)


def share(
    part: Span,
    whole: Span,
    length: PeriodLength,
    convention: Convention,
    *,
    cycle_day: int | None = None,
) -> Fraction:
    """What part of the price of the whole period the part costs; the whole costs 1.

    Under actual/360 the 31 days but one of a month come to 30/30: shares of parts need not add
    up to 1 there, and whoever splits an amount splits it cumulatively. `cycle_day` matters only
    where both ends of the whole were moved to the end of a shorter month.
    """
    if part.start < whole.start or part.end > whole.end:
        raise ValueError(f"part: {part} does not lie in {whole}")
    if (part.start, part.end) == (whole.start, whole.end):
        return _ONE
    if not length.months or convention.counts_seconds:
        return Fraction(part.size, whole.size)
    return _share_of_months(
        part.start,
        part.end,
        whole.start,
        whole.end,
        length.months,
        cycle_day or max(whole.start.day, whole.end.day),
        convention.day_count,
        convention.long_period,
    )


@lru_cache(maxsize=65_536)
def _share_of_months(
    start: date,
    end: date,
    whole_start: date,
    whole_end: date,
    months: int,
    cycle_day: int,
    count: DayCount,
    long_period: LongPeriod,
) -> Fraction:
    """Remembered, since the lines of a contract mostly share their periods."""
    part, whole = Span(start=start, end=end), Span(start=whole_start, end=whole_end)
    if months > 1 and long_period is LongPeriod.DAYS_ONLY:
        return _by_day(part, whole, months, count)
    return _by_month(part, _months(whole, months, cycle_day), count, long_period) / months


def periods_in(
    term: Span,
    length: PeriodLength,
    convention: Convention,
    *,
    cycle: BillCycle | None = None,
) -> Fraction:
    """How many price periods a term has: Salesforce's prorate multiplier.

    Counted from the term's start, or on the boundaries of a cycle where one is given.
    """
    aligned = cycle or BillCycle(length=length, anchor=term.start)
    months = length.months
    if not months or convention.counts_seconds:
        return _whole_and_parts(term, aligned, convention)
    if convention.long_period is not LongPeriod.DAYS_ONLY:
        monthly = aligned.model_copy(update={"length": PeriodLength.of_months(1)})
        cells = _cells(term, monthly)
        return _by_month(term, cells, convention.day_count, convention.long_period) / months
    if convention.day_count in _BY_PERIOD:
        return _whole_and_parts(term, aligned, convention)
    return _by_day(term, aligned.period_at(term.start), months, convention.day_count)


def _whole_and_parts(term: Span, cycle: BillCycle, convention: Convention) -> Fraction:
    total = Fraction(0)
    for whole in _cells(term, cycle):
        part = Span(start=max(term.start, whole.start), end=min(term.end, whole.end))
        total += share(part, whole, cycle.length, convention, cycle_day=cycle.cycle_day)
    return total


def _cells(term: Span, cycle: BillCycle) -> Iterator[Span]:
    index = cycle.index_at(term.start)
    while cycle.boundary(index) < term.end:
        yield cycle.period(index)
        index += 1


def _months(whole: Span, months: int, cycle_day: int) -> Iterator[Span]:
    """The months of a period, from cycle day to cycle day."""
    starts = [whole.start]
    starts += [month_day(whole.start, number, cycle_day) for number in range(1, months)]
    for start, end in zip(starts, [*starts[1:], whole.end], strict=True):
        yield Span(start=start, end=end)


def _by_month(
    part: Span, cells: Iterator[Span], count: DayCount, long_period: LongPeriod
) -> Fraction:
    total = Fraction(0)
    for cell in cells:
        inside = part.meet(cell)
        if inside is None:
            continue
        if long_period is LongPeriod.MONTHS_UP or inside == cell:
            total += 1
        else:
            total += _by_day(inside, cell, 1, count)
    return total


def _by_day(part: Span, whole: Span, months: int, count: DayCount) -> Fraction:
    days = part.size
    if count is DayCount.ACTUAL_360:
        return Fraction(days, 30 * months)
    if count is DayCount.FIXED_30:
        return min(Fraction(_fixed(part.end) - _fixed(part.start), 30 * months), _ONE)
    if count is DayCount.THIRTY_360:
        return Fraction(_place(part.end) - _place(part.start), 30 * months)
    if count is DayCount.YEAR_365:
        return Fraction(days * 12, 365 * months)
    if count is DayCount.YEAR_ACTUAL:
        year = BillCycle(length=PeriodLength.of_months(12), anchor=whole.start).period(0)
        return Fraction(days * 12, year.size * months)
    return Fraction(days, whole.size)


def _place(end: date) -> int:
    """Days of 30-day months before `end`; the last day of any month is its 30th."""
    last = end - timedelta(days=1)
    closes = end.day == 1
    return (last.year * 12 + last.month) * 30 + (30 if closes else min(last.day, 30))


def _fixed(day: date) -> int:
    """Days of 30-day months before the day, its own month not cut at the 30th."""
    return (day.year * 12 + day.month) * 30 + day.day
