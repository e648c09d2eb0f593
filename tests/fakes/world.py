"""In-memory systems behind the ports, with a ledger of effects and a fault switch.

They keep the ports' rules (a key makes one object, an undo of nothing is done) and pass the same
contract suite as the adapters. Faults are planned by method name and occurrence.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from dealthread.domain.deal import Deal
from dealthread.errors import NotFound, RateLimited, VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown

T = TypeVar("T")


class Fault(StrEnum):
    """What goes wrong with one call."""

    REFUSED = "refused"
    LOST = "lost"
    LATE = "late"
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"
    HANG = "hang"
    """The call waits until the test lets it go: for cancelling during it."""


@dataclass
class Planned:
    """One planned fault: which method (`*`: every one), from which occurrence, how often (0 =
    always)."""

    method: str
    fault: Fault
    occurrence: int = 1
    times: int = 1
    case_kind: str = "erp.rejected"
    met: int = 0
    """Calls that this fault has met."""


@dataclass(frozen=True)
class Unchanged(Generic[T]):
    """What a write answers that was understood and had nothing to do."""

    value: T


@dataclass
class World:
    """Shared by all fakes of one test."""

    deals: dict[str, Deal] = field(default_factory=dict)
    today: datetime = datetime(2026, 1, 1, 9, tzinfo=UTC)
    faults: list[Planned] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    effects: list[tuple[str, str]] = field(default_factory=list)
    """Every write that took effect, late ones included: method, and the key it was about."""
    late: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    late_after: float = 0.03
    retry_after: timedelta = timedelta(seconds=30)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    after_effect: Callable[[str], None] | None = None

    def plan(self, method: str, fault: Fault, **more: object) -> Planned:
        """Plan one fault."""
        planned = Planned(method, fault, **more)  # type: ignore[arg-type]
        self.faults.append(planned)
        return planned

    def settle(self) -> None:
        """Let late effects happen whose time has come."""
        now = time.monotonic()
        due = [item for item in self.late if item[0] <= now]
        self.late = [item for item in self.late if item[0] > now]
        for _, effect in due:
            effect()

    def _fault(self, method: str) -> Planned | None:
        count = self.calls[method]
        for planned in self.faults:
            last = planned.occurrence + planned.times - 1
            meant = planned.method in (method, "*") and count >= planned.occurrence
            if meant and (planned.times == 0 or count <= last):
                planned.met += 1
                return planned
        return None

    async def read(self, method: str, answer: Callable[[], T]) -> T:
        """A read: may be refused or rate limited."""
        self.settle()
        self.calls[method] += 1
        planned = self._fault(method)
        if planned is not None:
            self._raise_transport(planned)
        return answer()

    async def write(
        self, method: str, key: str, effect: Callable[[], T | Unchanged[T]]
    ) -> Outcome[T]:
        """A write about a key: the effect happens, or not, or nobody knows."""
        self.settle()
        self.calls[method] += 1
        planned = self._fault(method)
        if planned is None:
            return Done(self._done(method, key, effect))
        self._raise_transport(planned)
        if planned.fault is Fault.REJECTED:
            return Rejected(planned.case_kind, "planned_refusal", evidence={"method": method})
        if planned.fault is Fault.LOST:
            self._done(method, key, effect)
            return Unknown("connection_reset")
        if planned.fault is Fault.LATE:
            due = time.monotonic() + self.late_after
            self.late.append((due, lambda: self._take(method, key, effect)))
            return Unknown("read_timeout")
        self.hanging.set()
        await self.let_go.wait()
        return Done(self._done(method, key, effect))

    def _take(self, method: str, key: str, effect: Callable[[], T | Unchanged[T]]) -> T:
        """Let the effect happen, and record that it did."""
        made = effect()
        if isinstance(made, Unchanged):
            return made.value
        self.effects.append((method, key))
        return made

    def _done(self, method: str, key: str, effect: Callable[[], T | Unchanged[T]]) -> T:
        value = self._take(method, key, effect)
        if self.after_effect is not None:
            self.after_effect(method)
        return value

    def _raise_transport(self, planned: Planned) -> None:
        if planned.fault is Fault.REFUSED:
            raise VendorUnavailable("refused")
        if planned.fault is Fault.RATE_LIMITED:
            raise RateLimited("too_many", retry_after=self.retry_after)

    def heal(self) -> None:
        """Nothing is planned any more, nothing hangs."""
        self.faults.clear()
        self.calls.clear()
        self.hanging.clear()
        self.let_go.clear()

    def did(self, *keys: str) -> list[str]:
        """Writes about any of these keys that took effect, in order."""
        return [method for method, key in self.effects if key in keys]

    def deal(self, deal_id: str) -> Deal:
        """Raises NotFound."""
        if deal_id not in self.deals:
            raise NotFound("deal_not_found")
        return self.deals[deal_id]


async def settled(world: World) -> None:
    """Wait until every late effect has happened."""
    while world.late:
        await asyncio.sleep(0.02)
        world.settle()
