"""How an obligation is spread over calendar months, each method with whose it is.

Sources: NetSuite "Straight-Line Revenue Recognition Examples in Advanced Revenue Management"
(docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_4362249596.html); Stripe
"Revenue Recognition settings examples" (docs.stripe.com/revenue-recognition/revenue-settings/
examples); ASC 606-10-25-31…37 and 55-16…18.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from dealthread.domain.revenue.spread import Remainder, spread_minor
from dealthread.domain.rounding import RoundingMode

Run = tuple[date, date]
"""Days, or instants in UTC, of one calendar month; end exclusive."""
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


class Method(StrEnum):
    """The rule of one obligation."""

    BY_DAY = "by_day"
    """Each day alike (Stripe: by day; NetSuite: using exact days)."""
    EVEN_PERIODS = "even_periods"
    """Each calendar month that is touched alike (NetSuite: by even periods)."""
    EVEN_MONTHS = "even_months"
    """As many months alike as the term has, from the first; a part month at the end takes nothing
    (Stripe: by month evenly)."""
    PRORATED_ENDS = "prorated_ends"
    """First and last month by their days of the whole term, those between alike
    (Stripe: by month evenly, first and last prorated; NetSuite: prorate first & last period)."""
    PERIOD_RATE = "period_rate"
    """Each month counts its served share of its own days, whole months one
    (NetSuite: prorate first & last period, period-rate)."""
    MILESTONE = "milestone"
    """On the day that a milestone was reached or a service accepted."""
    USAGE = "usage"
    """As rated, in the period of use."""

    @property
    def is_by_event(self) -> bool:
        """Whether events say when, not a term."""
        return self in (Method.MILESTONE, Method.USAGE)

    @property
    def formula(self) -> str:
        """For a person."""
        return _FORMULAS[self]


_FORMULAS = {
    Method.BY_DAY: "booked × days of the month ÷ days of the term",
    Method.EVEN_PERIODS: "booked ÷ calendar months touched",
    Method.EVEN_MONTHS: "booked ÷ months of the term",
    Method.PRORATED_ENDS: "ends: booked × their days ÷ days of the term; between: the rest, alike",
    Method.PERIOD_RATE: "booked × (served days ÷ days of the month) ÷ sum of these rates",
    Method.MILESTONE: "booked × weight of the milestone ÷ weights of all",
    Method.USAGE: "as rated for the period of use",
}


def length(start: date, end: date) -> int:
    """Days between days, seconds between instants."""
    return (end - start) // (_SECOND if isinstance(start, datetime) else _DAY)


def next_month(day: date) -> date:
    """First day, or first instant, of the month after."""
    first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    if isinstance(first, datetime):
        return first.replace(hour=0, minute=0, second=0, microsecond=0)
    return first


@lru_cache(maxsize=4096)
def calendar_runs(start: date, end: date) -> tuple[Run, ...]:
    """A span cut at the firsts of months."""
    runs: list[Run] = []
    while start < end:
        following = min(next_month(start), end)
        runs.append((start, following))
        start = following
    return tuple(runs)


def portions_of(
    total: int,
    start: date,
    end: date,
    method: Method,
    remainder: Remainder | None,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> tuple[tuple[Run, ...], tuple[int, ...]]:
    """The runs of a term and the minor units that each takes.

    Raises ValueError for a method that needs events.
    """
    if method.is_by_event:
        raise ValueError(f"method: {method} needs its events")
    runs = calendar_runs(start, end)
    if method is Method.PRORATED_ENDS and len(runs) > 2:
        return runs, _prorated_ends(total, runs, remainder or Remainder.LAST_FULL, mode)
    if method is Method.EVEN_MONTHS:
        runs = _whole_months(runs, end)
    weights = _weights(runs, method)
    return runs, tuple(spread_minor(total, weights, remainder or Remainder.LAST, mode))


@lru_cache(maxsize=4096)
def _weights(runs: tuple[Run, ...], method: Method) -> tuple[int, ...]:
    if method in (Method.EVEN_PERIODS, Method.EVEN_MONTHS):
        return (1,) * len(runs)
    lengths = tuple(length(start, end) for start, end in runs)
    if method is not Method.PERIOD_RATE:
        return lengths
    # 28, 29, 30 and 31 divide this number: rates stay whole.
    common = 28 * 29 * 15 * 31
    return tuple(
        served * (common // _days_of_month(start))
        for served, (start, _) in zip(lengths, runs, strict=True)
    )


def _days_of_month(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _whole_months(runs: tuple[Run, ...], end: date) -> tuple[Run, ...]:
    """Without a part month at the end, but never without any; its days go with the month before."""
    if next_month(runs[-1][0]) == end or len(runs) == 1:
        return runs
    return (*runs[:-2], (runs[-2][0], end))


def _prorated_ends(
    total: int, runs: tuple[Run, ...], remainder: Remainder, mode: RoundingMode
) -> tuple[int, ...]:
    lengths = [length(start, end) for start, end in runs]
    between = sum(lengths[1:-1])
    first, _, last = spread_minor(
        total, (lengths[0], between, lengths[-1]), Remainder.LAST_FULL, mode
    )
    inner = Remainder.LAST if remainder is Remainder.LAST_FULL else remainder
    middle = spread_minor(total - first - last, (1,) * (len(runs) - 2), inner, mode)
    return (first, *middle, last)
