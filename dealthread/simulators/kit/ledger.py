"""What a simulator was asked and what it changed: the evidence that tests read."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dealthread.simulators.kit.clock import SimClock


@dataclass
class RequestEntry:
    """One HTTP request. `status` is what the client was sent; None when no answer left."""

    seq: int
    at: str
    method: str
    path: str
    account: str | None
    idempotency_key: str | None
    body_sha256: str | None
    body_bytes: int
    status: int | None = None
    handler_status: int | None = None
    """What the handler answered; differs from `status` under a fault, None when it did not run."""
    fault: str | None = None


@dataclass(frozen=True)
class EffectEntry:
    """One change of the simulated world."""

    seq: int
    at: str
    kind: str
    object_id: str
    account: str | None
    key: str | None
    details: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    """Requests and effects in memory, newest last. The oldest fall out beyond `capacity`.

    How many did is told with each page, so that evidence with a gap is known as such.
    """

    def __init__(self, clock: SimClock, *, capacity: int = 20_000) -> None:
        self._clock = clock
        self._seq = 0
        self.requests: deque[RequestEntry] = deque(maxlen=capacity)
        self.effects: deque[EffectEntry] = deque(maxlen=capacity)
        self.request_count = 0
        self.effect_count = 0
        self._listeners: list[Callable[[], None]] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        account: str | None = None,
        idempotency_key: str | None = None,
        body: bytes = b"",
        status: int | None = None,
        fault: str | None = None,
    ) -> RequestEntry:
        """Record a request; the entry is completed with its status when the answer is known."""
        self._seq += 1
        self.request_count += 1
        entry = RequestEntry(
            seq=self._seq,
            at=self._clock.machine_now().isoformat(),
            method=method,
            path=path,
            account=account,
            idempotency_key=idempotency_key,
            body_sha256=hashlib.sha256(body).hexdigest() if body else None,
            body_bytes=len(body),
            status=status,
            fault=fault,
        )
        self.requests.append(entry)
        return entry

    def effect(
        self,
        kind: str,
        object_id: str,
        account: str | None = None,
        key: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> EffectEntry:
        """Record a change of state, e.g. `customer.created`. Details must be JSON values."""
        self._seq += 1
        self.effect_count += 1
        entry = EffectEntry(
            seq=self._seq,
            at=self._clock.now().isoformat(),
            kind=kind,
            object_id=object_id,
            account=account,
            key=key,
            details=dict(details or {}),
        )
        self.effects.append(entry)
        for listener in self._listeners:
            listener()
        return entry

    def on_effect(self, listener: Callable[[], None]) -> None:
        """Call this after each recorded effect, e.g. to save the state soon."""
        self._listeners.append(listener)

    def clear(self) -> None:
        """Forget everything; sequence numbers go on."""
        self.requests.clear()
        self.effects.clear()
        self.request_count = 0
        self.effect_count = 0

    def as_json(self, kind: str, *, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The entries of one kind that match, as JSON values, oldest first."""
        source: list[RequestEntry] | list[EffectEntry]
        source = list(self.requests) if kind == "requests" else list(self.effects)
        total = self.request_count if kind == "requests" else self.effect_count
        entries = [entry for entry in (asdict(one) for one in source) if matches(entry)]
        return {
            "kind": kind,
            "total": total,
            "dropped": total - len(source),
            "matched": len(entries),
            "entries": entries,
        }
