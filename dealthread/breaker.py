"""The circuit breaker of one process: counts, opens, probes, closes.

It looks at the store's circuits with each `tick` (a second apart in a running worker) and keeps
what it saw, so that asking it costs nothing. Of all processes one probes, since a probe is claimed
by compare and set. What it decides is stored before it is believed; where the store is away it goes
on with what it last knew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import structlog

from dealthread.domain.circuit import Circuit, CircuitState, Pace
from dealthread.errors import DealthreadError, OutcomeUnknown, RateLimited, VendorUnavailable
from dealthread.hub_circuits import Circuits

log = structlog.get_logger()

OPEN = "circuit_open"
"""Code of what is refused while a circuit is open."""
OPEN_SECONDS = "open_seconds"
"""Evidence: for how long it has been."""
BREAKER = "breaker"
"""Who opened or closed, where it was nobody."""
_AWAY = frozenset(
    {
        "read_timeout",
        "write_timeout",
        "total_timeout",
        "deadline",
        "connection_reset",
        "transport_failure",
        "server_error",
    }
)
"""What was seen of a write that got no answer. An answer in an unknown shape is not among them:
whoever sent it is there."""

Probe = Callable[[], Awaitable[object]]


def is_away(error: Exception) -> bool:
    """Whether an error says that the vendor does not answer. A quota, a refusal, credentials and an
    unknown shape are answers."""
    if isinstance(error, OutcomeUnknown):
        return error.code in _AWAY
    return isinstance(error, VendorUnavailable) and not isinstance(error, RateLimited)


def is_away_code(code: str) -> bool:
    """The same of a write's unknown outcome."""
    return code in _AWAY


class Breaker:
    """Circuits as this process sees them."""

    def __init__(
        self,
        circuits: Circuits,
        probes: Mapping[str, Probe],
        *,
        name: str,
        pace: Pace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._circuits = circuits
        self._probes = probes
        self._name = name
        self._pace = pace or Pace()
        self._now = now
        self._seen: dict[tuple[str, str], Circuit] = {}
        self._failures: Counter[str] = Counter()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, changed: Callable[[], None]) -> None:
        """`changed` is called on the event loop whenever something may pass that did not."""
        self._listeners.append(changed)

    def circuit(self, vendor: str, account: str = "") -> Circuit:
        """The one that decides: the vendor's, unless only the account's is not closed."""
        whole = self._of(vendor, "")
        own = self._of(vendor, account)
        return own if whole.state is CircuitState.CLOSED else whole

    def is_open(self, vendor: str, account: str = "") -> bool:
        """Whether nothing may pass."""
        return self.circuit(vendor, account).state is CircuitState.OPEN

    def is_trial(self, vendor: str, account: str = "") -> bool:
        """Whether this process may let one piece of work through."""
        found = self.circuit(vendor, account)
        return found.state is CircuitState.HALF_OPEN and found.prober == self._name

    def passes(self, vendor: str, account: str = "") -> bool:
        """Whether everything may pass."""
        return self.circuit(vendor, account).state is CircuitState.CLOSED

    def refusal(self, vendor: str, account: str = "") -> VendorUnavailable | None:
        """What to tell an attempt that was already on its way; None where it may go on."""
        found = self.circuit(vendor, account)
        if found.state is not CircuitState.OPEN:
            return None
        now = self._now()
        wait = self._pace.first_pause
        if found.next_probe_at is not None:
            wait = max(found.next_probe_at - now, timedelta(0)) + self._pace.trial
        since = (now - found.opened_at).total_seconds() if found.opened_at else 0.0
        return VendorUnavailable(
            OPEN, retry_after=wait, vendor=vendor, **{OPEN_SECONDS: f"{since:.0f}"}
        )

    async def failed(self, vendor: str, code: str) -> None:
        """The vendor did not answer a call."""
        self._failures[vendor] += 1
        found = self._of(vendor, "")
        run = self._failures[vendor] >= self._pace.failures
        if found.state is CircuitState.HALF_OPEN or (found.state is CircuitState.CLOSED and run):
            await self._open(found, code)

    async def succeeded(self, vendor: str) -> None:
        """The vendor answered a call."""
        self._failures[vendor] = 0
        found = self._of(vendor, "")
        if found.state is CircuitState.HALF_OPEN:
            await self._change(found, found.closed(), "a call was answered")

    async def look(self) -> bool:
        """What the store holds; False where it does not answer, and what was known stays."""
        try:
            self._see(await self._circuits.all())
        except Exception as error:  # noqa: BLE001 - of whatever kind: what was known stays in force
            log.warning("circuits_not_read", error=type(error).__name__)
            return False
        return True

    async def tick(self) -> None:
        """Look at the store, and probe what is due."""
        if not await self.look():
            return
        for circuit in list(self._seen.values()):
            if circuit.is_due(self._now()) and circuit.vendor in self._probes:
                await self._probe(circuit)

    async def _probe(self, circuit: Circuit) -> None:
        claimed = circuit.claimed(self._now(), self._pace, self._name)
        if not await self._change(circuit, claimed, "probed"):
            return
        try:
            await self._probes[circuit.vendor]()
        except DealthreadError as error:
            if is_away(error):
                log.warning("circuit_probed", vendor=circuit.vendor, code=error.code)
                if circuit.state is CircuitState.HALF_OPEN:
                    await self._open(claimed, error.code)
                return
        except Exception as error:  # noqa: BLE001 - a bug of ours says nothing about the vendor
            log.error("circuit_probe_crashed", vendor=circuit.vendor, error=type(error).__name__)
            return
        if circuit.state is CircuitState.HALF_OPEN:
            await self._change(claimed, claimed.closed(), "a second probe was answered")
        else:
            half = claimed.half_opened(self._now(), self._pace)
            await self._change(claimed, half, "a probe was answered")

    async def _open(self, before: Circuit, code: str) -> None:
        reason = f"unreachable: {code}"
        after = before.opened(self._now(), reason, BREAKER, self._pace)
        await self._change(before, after, reason)

    async def _change(self, before: Circuit, after: Circuit, reason: str) -> bool:
        try:
            done = await self._circuits.change(
                before, after, at=self._now(), actor=BREAKER, reason=reason
            )
            latest = after if done else await self._circuits.read(before.vendor, before.account)
        except Exception as error:  # noqa: BLE001 - a call's own answer must not be lost over it
            log.warning("circuit_not_stored", error=type(error).__name__)
            return False
        if done:
            log.warning("circuit", vendor=after.vendor, state=after.state, reason=reason)
        self._see([latest])
        return done

    def _see(self, found: Iterable[Circuit]) -> None:
        for one in found:
            known = self._of(one.vendor, one.account)
            if one.version < known.version:
                continue  # a slower reading
            if one.state is CircuitState.CLOSED and known.state is not CircuitState.CLOSED:
                self._failures[one.vendor] = 0
            self._seen[one.vendor, one.account] = one
        for changed in self._listeners:
            changed()

    def _of(self, vendor: str, account: str) -> Circuit:
        return self._seen.get((vendor, account)) or Circuit(vendor=vendor, account=account)
