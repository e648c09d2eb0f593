"""Spans of days, end exclusive, cut into periods of whole months."""

from __future__ import annotations

import calendar
from datetime import date
from decimal import Decimal


def add_months(day: date, months: int) -> date:
    """The same day of a later month; a day that the month lacks becomes its last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def whole_periods(start: date, end: date, months: int) -> tuple[int, Decimal]:
    """Whole periods of so many months in [start, end), and the used share of the last part.

    The share is actual days over the days of that period; 0 when the periods fit. Every period
    is counted from `start`, so a month end does not drift (31 January, 28 February, 31 March).
    """
    if months <= 0 or end <= start:
        raise ValueError("a positive period and an end after the start are needed")
    count = ((end.year - start.year) * 12 + end.month - start.month) // months
    if add_months(start, count * months) > end:
        count -= 1
    reached = add_months(start, count * months)
    following = add_months(start, (count + 1) * months)
    return count, Decimal((end - reached).days) / Decimal((following - reached).days)
