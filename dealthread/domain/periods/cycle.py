"""A bill cycle: the days on which billing periods begin.

Every boundary is counted from the anchor, so a month end does not drift: with cycle day 31 the
periods begin on 31 January, 28 February, 31 March.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import CycleDay, LeadingStub
from dealthread.domain.periods.length import LengthUnit, PeriodLength
from dealthread.domain.periods.moment import Moment, Span, is_instant, zone_of


class BillCycle(Frozen):
    """Periods of one length, counted from an anchor.

    `day` is the bill-cycle day, 1 to 31, of a cycle of months; without it the anchor's own day.
    An anchor that is an instant keeps its local time of day in `zone` over clock changes.
    """

    length: PeriodLength
    anchor: Moment
    day: int | None = Field(default=None, ge=1, le=31)
    zone: str = "UTC"

    @model_validator(mode="after")
    def _day_of_months(self) -> Self:
        zone_of(self.zone)
        if self.day is not None and not self.length.months:
            raise ValueError("day: only a cycle of months has a bill-cycle day")
        return self

    @property
    def cycle_day(self) -> int:
        """The day of the month; the anchor's local day where none is set."""
        return self.day or self._local(self.anchor).day

    def _local(self, moment: date) -> date:
        return moment.astimezone(zone_of(self.zone)) if is_instant(moment) else moment

    def boundary(self, index: int) -> date:
        """Where period `index` begins; period 0 begins at the anchor's."""
        first = self._local(self.anchor)
        if self.length.months:
            day = month_day(first, index * self.length.months, self.cycle_day)
        else:
            day = _date(first) + timedelta(days=index * self.length.days)
        if not is_instant(first):
            return day
        wall = datetime.combine(day, first.time(), first.tzinfo)
        return wall.astimezone(UTC)

    def index_at(self, moment: date) -> int:
        """The number of the period that holds the moment."""
        local, first = self._local(moment), self._local(self.anchor)
        if self.length.months:
            months = (local.year - first.year) * 12 + local.month - first.month
            index = months // self.length.months
        else:
            index = (_date(local) - _date(first)).days // self.length.days
        if (
            self.boundary(index) > moment
        ):  # its month or day is the same, its cycle day or hour later
            index -= 1
        return index

    def period(self, index: int) -> Span:
        """The whole period of that number."""
        return Span(start=self.boundary(index), end=self.boundary(index + 1))

    def period_at(self, moment: date) -> Span:
        """The whole period that holds the moment."""
        return self.period(self.index_at(moment))


def month_day(day: date, months: int, cycle_day: int) -> date:
    """The cycle day of the month so many months later; a month without it uses its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(cycle_day, calendar.monthrange(year, month + 1)[1]))


def cycle_for(
    start: date,
    length: PeriodLength,
    convention: Convention,
    *,
    cycle_day: int | None = None,
    zone: str = "UTC",
) -> BillCycle:
    """The cycle of a service that starts then, by the convention.

    Without a cycle day, or with lengths of days and weeks, it is the anniversary of the start.
    A convention of a fixed day needs one: ValueError names the field.
    """
    if length.unit is not LengthUnit.MONTH:
        return BillCycle(length=length, anchor=start, zone=zone)
    if cycle_day is None:
        if convention.cycle_day is CycleDay.FIXED_DAY:
            raise ValueError(f"cycle_day: {convention.name} bills on a fixed day of the month")
        return BillCycle(length=length, anchor=start, zone=zone)
    here = BillCycle(length=PeriodLength.of_months(1), anchor=start, day=cycle_day, zone=zone)
    step = 1 if convention.leading_stub is LeadingStub.NEXT_CYCLE_DAY else length.months
    anchor = here.boundary(0)
    if anchor < start:
        anchor = here.boundary(step)
    return BillCycle(length=length, anchor=anchor, day=cycle_day, zone=zone)


def _date(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day
