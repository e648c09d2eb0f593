"""Business time for tests: machine time plus a fixed offset, or one fixed instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class OffsetClock:
    """Implements `BusinessClock` as the product's own does."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self.offset

    @classmethod
    def at(cls, instant: datetime) -> OffsetClock:
        """A clock that shows this instant now and goes on from it."""
        return cls(instant - datetime.now(UTC))


@dataclass(frozen=True)
class FixedClock:
    """Stands still."""

    instant: datetime

    def now(self) -> datetime:
        """Aware, UTC."""
        return self.instant
