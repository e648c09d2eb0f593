"""Business time of the simulated biller and of our adapter, as a test sets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import httpx


@dataclass
class Days:
    """Implements `BusinessClock`; moves the simulator along."""

    control: httpx.Client
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self.offset

    def go(self, day: date, hour: int = 9) -> None:
        """It is this day; what was due until then happens in its order."""
        instant = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        self.offset = instant - datetime.now(UTC)
        answer = self.control.post(
            "/_sim/clock", json={"offset_seconds": self.offset.total_seconds()}
        )
        assert answer.status_code == 200, answer.text


@contextmanager
def days_of(control: httpx.Client) -> Iterator[Days]:
    """The clock, put back afterwards over an empty world."""
    kept = control.get("/_sim/clock").json()["offset_seconds"]
    try:
        yield Days(control)
    finally:
        control.post("/_sim/reset")
        control.post("/_sim/clock", json={"offset_seconds": kept})
