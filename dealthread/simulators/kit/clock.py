"""Business time of a simulated world: machine time plus an offset, or frozen at an instant."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta


class SimClock:
    """The only place where a simulator reads machine time.

    `now()` is business time: documents, tokens and terms use it. `machine_now()` is for signatures
    of webhooks, because the receiver checks them against its own machine's clock.
    """

    def __init__(
        self, offset: timedelta = timedelta(0), *, frozen_at: datetime | None = None
    ) -> None:
        self._offset = offset
        self._frozen_at = _aware(frozen_at) if frozen_at is not None else None
        self._listeners: list[Callable[[datetime], None]] = []

    @property
    def offset(self) -> timedelta:
        """Business time minus machine time, when not frozen."""
        return self._offset

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at is not None

    def now(self) -> datetime:
        """Business time, aware, UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.now(UTC) + self._offset

    def today(self) -> date:
        """The business day, in UTC."""
        return self.now().date()

    @staticmethod
    def machine_now() -> datetime:
        """Machine time, aware, UTC."""
        return datetime.now(UTC)

    @staticmethod
    def monotonic() -> float:
        """Seconds that never go backwards, for durations."""
        return time.monotonic()

    def set(self, offset: timedelta) -> None:
        """Let time run at machine time plus this offset."""
        self._offset = offset
        self._frozen_at = None
        self._tell()

    def freeze(self, at: datetime) -> None:
        """Let time stand still at this instant."""
        self._frozen_at = _aware(at)
        self._tell()

    def unfreeze(self) -> None:
        """Let time run again with the offset it had before the freeze."""
        self._frozen_at = None
        self._tell()

    def advance(self, delta: timedelta) -> None:
        """Move business time, running or frozen."""
        if self._frozen_at is not None:
            self._frozen_at += delta
        else:
            self._offset += delta
        self._tell()

    def on_change(self, listener: Callable[[datetime], None]) -> None:
        """Call this with the new business time whenever somebody moves the clock."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        now = self.now()
        for listener in self._listeners:
            listener(now)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC)
