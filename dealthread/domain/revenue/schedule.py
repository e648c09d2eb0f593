"""When revenue is recognised: the booked amount of one obligation, calendar month by month.

A schedule sums to its booked amount. Its portions hold minor units, so that ten thousand of them
are made in the time a person waits for; `Money` is made when one is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dealthread.domain.money import Money
from dealthread.domain.revenue.method import Method, Run, length, next_month, portions_of
from dealthread.domain.revenue.spread import Remainder, divided, spread_minor
from dealthread.domain.rounding import RoundingMode
from dealthread.domain.working import Working, worked


@dataclass(frozen=True, slots=True)
class Portion:
    """What one calendar month takes of an obligation; [start, end) is the time it pays for."""

    start: date
    end: date
    amount: Money

    @property
    def month(self) -> date:
        """First day of the calendar month."""
        return date(self.start.year, self.start.month, 1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One obligation's revenue. `minors` are minor units of `currency`, one for each run."""

    obligation: str
    method: Method
    currency: str
    runs: tuple[Run, ...]
    minors: tuple[int, ...]
    source: str = ""
    """The rule it follows, for `working`."""

    @property
    def start(self) -> date:
        """First day of service, or of the first event."""
        return self.runs[0][0]

    @property
    def end(self) -> date:
        """First day after it."""
        return self.runs[-1][1]

    @property
    def total(self) -> Money:
        """The booked amount."""
        return Money.from_minor(sum(self.minors), self.currency)

    def portions(self) -> Iterator[Portion]:
        """Month by month, in order."""
        for (start, end), minor in zip(self.runs, self.minors, strict=True):
            yield Portion(start, end, Money.from_minor(minor, self.currency))

    def by_month(self) -> dict[date, Money]:
        """First day of each month and what it takes; a month may hold several portions."""
        return monthly([self], self.currency)

    def in_period(self, start: date, end: date) -> Money:
        """What the months that begin in [start, end) take."""
        return Money.from_minor(
            sum(
                minor
                for (begin, _), minor in zip(self.runs, self.minors, strict=True)
                if start <= begin < end
            ),
            self.currency,
        )

    def before(self, day: date) -> Schedule | None:
        """What was recognised before a day; a month that the day cuts takes its share by days.

        By day, the share is of the whole amount (17,760.00 × 14 ÷ 365); otherwise of the month's.
        None when nothing was.
        """
        runs: list[Run] = []
        minors: list[int] = []
        for (start, end), minor in zip(self.runs, self.minors, strict=True):
            if start >= day:
                break
            if end <= day:
                runs.append((start, end))
                minors.append(minor)
                continue
            runs.append((start, day))
            minors.append(self._share(start, end, minor, day))
        if not runs:
            return None
        return replace(self, runs=tuple(runs), minors=tuple(minors))

    def recognised_before(self, day: date) -> Money:
        """Total of `before`."""
        kept = self.before(day)
        return Money.zero(self.currency) if kept is None else kept.total

    def _share(self, start: date, end: date, minor: int, day: date) -> int:
        if self.method is Method.BY_DAY:
            return divided(sum(self.minors) * length(start, day), length(self.start, self.end))
        return divided(minor * length(start, day), length(start, end))

    def working(self) -> Working:
        """How it came about."""
        return worked(
            f"revenue of {self.obligation}",
            self.method.formula,
            self.total,
            source=self.source,
            booked=self.total,
            start=self.start,
            end=self.end,
            days=(self.end - self.start).days,
            parts=[
                worked(
                    f"{portion.month:%Y-%m}",
                    "share of the booked amount",
                    portion.amount,
                    days=(portion.end - portion.start).days,
                )
                for portion in self.portions()
            ],
        )


def schedule(
    obligation: str,
    booked: Money,
    start: date,
    end: date,
    method: Method = Method.BY_DAY,
    remainder: Remainder | None = None,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> Schedule:
    """Revenue of a service of [start, end): days, or instants in UTC, to the second.

    The remainder is the last month's, unless told otherwise or the method says so. Raises
    ValueError for an end that is not after the start and for a method that needs events.
    """
    if end <= start:
        raise ValueError(f"end: {end} is not after the start {start}")
    runs, minors = portions_of(booked.to_minor(), start, end, method, remainder, mode)
    return Schedule(obligation, method, booked.currency, runs, minors)


def at_milestones(
    obligation: str, booked: Money, milestones: Iterable[tuple[date, int]]
) -> Schedule:
    """Revenue on the days that milestones were reached, by their weights.

    One milestone takes it all: a service on its acceptance. Raises ValueError without one, for
    a weight below zero and for days that are not in order.
    """
    reached = list(milestones)
    days = [day for day, _ in reached]
    if days != sorted(days):
        raise ValueError("milestones: their days are not in order")
    minors = spread_minor(booked.to_minor(), [weight for _, weight in reached])
    return Schedule(
        obligation, Method.MILESTONE, booked.currency, _single_days(days), tuple(minors)
    )


def as_used(obligation: str, used: Iterable[tuple[date, Money]]) -> Schedule:
    """Revenue of usage in the period it was rated for; the right to invoice (606-10-55-18).

    `used` names the last day of each rated period and its price. Raises ValueError without any.
    """
    rated = list(used)
    if not rated:
        raise ValueError("used: no rated period")
    currency = rated[0][1].currency
    Money.total((amount for _, amount in rated), currency)  # refuses a mix of currencies
    return Schedule(
        obligation,
        Method.USAGE,
        currency,
        _single_days([day for day, _ in rated]),
        tuple(amount.to_minor() for _, amount in rated),
    )


def monthly(schedules: Iterable[Schedule], currency: str) -> dict[date, Money]:
    """What each calendar month takes of all, in order.

    Raises ValueError when a schedule is of another currency.
    """
    sums: dict[date, int] = {}
    for one in schedules:
        if one.currency != currency:
            raise ValueError(f"currency: {one.currency} and {currency} do not mix")
        for (start, _), minor in zip(one.runs, one.minors, strict=True):
            month = date(start.year, start.month, 1)
            sums[month] = sums.get(month, 0) + minor
    return {month: Money.from_minor(sums[month], currency) for month in sorted(sums)}


def recognition_date(portion: Portion, method: Method) -> date:
    """The day of the journal: the event's own, else the last of the month."""
    if method.is_by_event:
        return portion.start
    return next_month(portion.month) - timedelta(days=1)


def _single_days(days: Iterable[date]) -> tuple[Run, ...]:
    return tuple((day, day + timedelta(days=1)) for day in days)
