"""Days and instants, and the half-open spans between them.

A span of days is served from its first day up to, and without, its end. A span of instants is
counted in whole seconds. The two never mix: a convention says which one it bills by.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainSerializer, model_validator

from dealthread.domain.base import Frozen


def is_instant(moment: date) -> TypeGuard[datetime]:
    """Whether it is an instant; a plain day is not."""
    return isinstance(moment, datetime)


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without a zone is refused")
        # In UTC always: Python subtracts two times of one zone by the wall clock, not by the
        # seconds that passed.
        value = value.astimezone(UTC)
        if value.microsecond:
            raise ValueError("an instant has no parts of a second")
    return value


def _text(value: date) -> str:
    return value.isoformat()


Moment = Annotated[
    datetime | date, BeforeValidator(_moment), PlainSerializer(_text, return_type=str)
]
"""A day (`2026-07-01`) or an instant in UTC (`2026-07-01T00:00:00+00:00`)."""


class Span(Frozen):
    """From a moment up to, and without, a later one of the same kind."""

    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if is_instant(self.start) is not is_instant(self.end):
            raise ValueError("end: a span is of days or of instants, not of both")
        if self.end <= self.start:
            raise ValueError(f"end: {self.end} is not after the start {self.start}")
        return self

    @property
    def size(self) -> int:
        """Days, or seconds when it is a span of instants."""
        return between(self.start, self.end)

    @property
    def unit(self) -> str:
        """What `size` counts."""
        return "seconds" if is_instant(self.start) else "days"

    def holds(self, moment: date) -> bool:
        """Whether the moment lies in it; its end does not."""
        return self.start <= moment < self.end

    def meet(self, other: Span) -> Span | None:
        """The part that both have, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        # Both ends were checked when the two spans were made.
        return Span.model_construct(start=start, end=end) if start < end else None

    def __str__(self) -> str:
        return f"{self.start} to {self.end} (end not included)"


def between(start: date, end: date) -> int:
    """Days from one day to another, or seconds from one instant to another; may be negative."""
    if is_instant(start) and is_instant(end):
        passed = end - start
        return passed.days * 86_400 + passed.seconds
    return (end - start).days


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ValueError for a name that is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"time zone: {name!r} is not a known IANA name") from error


def day_in(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant where the customer is."""
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant a day begins in a zone, in UTC.

    Where a clock change removes midnight, the first instant after the gap.
    """
    wall = datetime.combine(day, time(), zone)
    return wall.astimezone(UTC)
