"""Billing periods: calendar intervals counted from an anchor.

A month that lacks the anchor's day ends on its last day, and the next one returns to the anchor's
day (docs.stripe.com/billing/subscriptions/billing-cycle). All instants are Unix seconds, UTC.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

from dealthread.simulators.stripe.store import Json

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def shift(anchor: int, recurring: Json, times: int) -> int:
    """The anchor moved by a number of intervals, negative ones too."""
    at = datetime.fromtimestamp(anchor, UTC)
    interval, count = recurring["interval"], recurring.get("interval_count", 1) * times
    if interval in _DAYS:
        return int((at + timedelta(days=_DAYS[interval] * count)).timestamp())
    month_index = at.year * 12 + at.month - 1 + _MONTHS[interval] * count
    year, month = divmod(month_index, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


def period_of(anchor: int, recurring: Json, at: int) -> tuple[int, int]:
    """The period [start, end) that holds an instant."""
    number = 0
    while shift(anchor, recurring, number + 1) <= at:
        number += 1
    while shift(anchor, recurring, number) > at:
        number -= 1
    return shift(anchor, recurring, number), shift(anchor, recurring, number + 1)


def periods_between(anchor: int, recurring: Json, start: int, now: int) -> list[tuple[int, int]]:
    """The whole periods from `start`, which lies on the grid, to the one that holds `now`."""
    found: list[tuple[int, int]] = []
    begin = start
    while not found or begin <= now:
        found.append(period_of(anchor, recurring, begin))
        begin = found[-1][1]
    return found


def is_on_grid(anchor: int, recurring: Json, at: int) -> bool:
    """Whether an instant is a boundary between two periods."""
    return period_of(anchor, recurring, at)[0] == at
