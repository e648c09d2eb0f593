"""Billing periods: calendar intervals counted from an anchor.

A month that lacks the anchor's day ends on its last day, and the next one returns to the anchor's
day (docs.stripe.com/billing/subscriptions/billing-cycle). All instants are Unix seconds, UTC.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
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


def shortest(recurrings: Sequence[Json]) -> Json:
    """The shortest of some intervals, counted from any one instant."""
    return min(recurrings, key=lambda one: shift(0, one, 1))


def is_multiple(recurring: Json, of: Json) -> bool:
    """Whether an interval is a multiple of another as mixed subscriptions need it.

    Source: docs.stripe.com/billing/subscriptions/mixed-interval: every interval counts in days, and
    in months only of months (1 week does not divide a month).
    """
    own, other = recurring["interval"], of["interval"]
    count, divisor = recurring.get("interval_count", 1), of.get("interval_count", 1)
    if other in _MONTHS:
        return own in _MONTHS and _MONTHS[own] * count % (_MONTHS[other] * divisor) == 0
    if own in _DAYS:
        return bool(_DAYS[own] * count % (_DAYS[other] * divisor) == 0)
    return bool(_DAYS[other] * divisor == 1)


def is_on_grid(anchor: int, recurring: Json, at: int) -> bool:
    """Whether an instant is a boundary between two periods."""
    return period_of(anchor, recurring, at)[0] == at
