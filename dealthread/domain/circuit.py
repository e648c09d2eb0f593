"""A circuit stands between us and a vendor: closed it lets work through, open it holds it back.

    closed ──a run of unreachable answers, or a person──► open ──a probe is answered──► half open
       ▲                                                   ▲  │                            │
       └────────────── a person closes it ─────────────────┼──┘                            │
       └──────────────── a call, or a second probe, is answered ───────────────────────────┤
                                                           └───────── no answer ───────────┘

Pure: what follows from what. Who changes it, and how of many only one does, is the store's.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Frozen


class CircuitState(StrEnum):
    """Where a circuit stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Pace(Frozen):
    """When a vendor is taken for away, and how often it is asked whether it is back."""

    failures: int = 5
    """Unreachable answers in a row that open a circuit."""
    first_pause: timedelta = timedelta(seconds=15)
    longest_pause: timedelta = timedelta(minutes=5)
    trial: timedelta = timedelta(seconds=5)
    """How long half open lasts where no work comes to try it."""


class Circuit(Carried):
    """One vendor, or one account of it. `version` decides which of several changes counts."""

    vendor: str
    account: str = ""
    """"" means the whole vendor."""
    state: CircuitState = CircuitState.CLOSED
    version: int = 0
    opened_at: AwareDatetime | None = None
    """When the present outage began; half open belongs to it."""
    next_probe_at: AwareDatetime | None = None
    """None of an open circuit: a person opened it, and a person closes it."""
    pause: timedelta = timedelta(0)
    reason: str = ""
    opened_by: str = ""
    incident: str = ""
    """The outage on record that this state belongs to; "" of a closed circuit."""
    prober: str = ""
    """The process that tries a half-open circuit."""

    @property
    def is_probed(self) -> bool:
        """Whether it closes by itself when the vendor answers."""
        return self.next_probe_at is not None

    def opened(self, now: datetime, reason: str, by: str, pace: Pace | None) -> Circuit:
        """Open. Without a pace nothing probes. Half open, it goes on with the same incident and
        with a longer pause; open, another reason changes nothing but who holds it."""
        again = self.state is not CircuitState.CLOSED
        since = self.opened_at if again and self.opened_at is not None else now
        pause = _next(self.pause if again else timedelta(0), pace) if pace else timedelta(0)
        return self._next_version(
            state=CircuitState.OPEN,
            opened_at=since,
            next_probe_at=now + pause if pace else None,
            pause=pause,
            reason=reason,
            opened_by=by,
            incident=self.incident if again else incident_id(self.vendor, self.account, now),
            prober="",
        )

    def claimed(self, now: datetime, pace: Pace, prober: str) -> Circuit:
        """One process probes; should it die, the next may after the pause, which gets longer."""
        pause = _next(self.pause, pace)
        return self._next_version(next_probe_at=now + pause, pause=pause, prober=prober)

    def half_opened(self, now: datetime, pace: Pace) -> Circuit:
        """The vendor answered: its prober lets one piece of work through."""
        return self._next_version(state=CircuitState.HALF_OPEN, next_probe_at=now + pace.trial)

    def closed(self) -> Circuit:
        """Work flows again."""
        return Circuit(vendor=self.vendor, account=self.account, version=self.version + 1)

    def is_due(self, now: datetime) -> bool:
        """Whether the vendor should be asked now."""
        waits = self.state is not CircuitState.CLOSED and self.next_probe_at is not None
        return waits and self.next_probe_at is not None and self.next_probe_at <= now

    def _next_version(self, **changes: object) -> Circuit:
        return self.model_copy(update={**changes, "version": self.version + 1})


def incident_id(vendor: str, account: str, opened_at: datetime) -> str:
    """`OUT-` and twelve characters: one for each outage."""
    told = f"{vendor}/{account}/{opened_at.isoformat()}"
    return "OUT-" + hashlib.sha256(told.encode()).hexdigest()[:12].upper()


def _next(pause: timedelta, pace: Pace) -> timedelta:
    return min(max(pause * 2, pace.first_pause), pace.longest_pause)


class Incident(Carried):
    """One outage, from the opening of its circuit to the close: one, however much waits for it."""

    incident: str
    vendor: str
    account: str = ""
    reason: str
    opened_by: str
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    closed_by: str = ""
    closing_reason: str = ""
