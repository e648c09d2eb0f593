"""What stands between a task queue of an ERP's company and its worker: no slot, no poll.

A slot is handed out while this process is the company's poster and the ERP's circuit is closed.
Work then waits in the queue: no attempt is made, none is counted, and the order stays. Half open,
the process that probed hands out one slot for all of the ERP's queues together.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

from temporalio.worker import (
    ActivityInboundInterceptor,
    CustomSlotSupplier,
    ExecuteActivityInput,
    Interceptor,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
)

from dealthread.breaker import OPEN, Breaker
from dealthread.errors import VendorUnavailable

BACK_IN_THE_QUEUE = timedelta(seconds=1)
"""After which an attempt that should not have begun waits in its queue again, in its place, until
somebody may take it up."""


class Trial:
    """The one slot of a half-open circuit, shared by the queues of an ERP."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by: SlotPermit | None = None

    def take(self, permit: SlotPermit) -> bool:
        """Whether this permit is the one."""
        with self._lock:
            if self._by is None:
                self._by = permit
            return self._by is permit

    def give_back(self, permit: SlotPermit) -> None:
        """The next may try."""
        with self._lock:
            if self._by is permit:
                self._by = None


class Turnstile:
    """One company's: which circuit holds it back, and whether this process posts for it."""

    def __init__(
        self,
        breaker: Breaker,
        vendor: str,
        account: str,
        trial: Trial,
        is_poster: Callable[[], bool] = lambda: True,
    ) -> None:
        self._breaker = breaker
        self._vendor = vendor
        self._account = account
        self._trial = trial
        self.is_poster = is_poster

    def admits(self, permit: SlotPermit) -> bool:
        """Whether work may be asked for with this permit."""
        if not self.is_poster():
            return False
        if self._breaker.passes(self._vendor, self._account):
            return True
        return self._breaker.is_trial(self._vendor, self._account) and self._trial.take(permit)

    def leave(self, permit: SlotPermit) -> None:
        """The permit is given back."""
        self._trial.give_back(permit)

    def refusal(self) -> VendorUnavailable | None:
        """What to tell work that was on its way when it closed; None where it may go on."""
        if not self.is_poster():
            return VendorUnavailable("not_the_poster", retry_after=BACK_IN_THE_QUEUE)
        if self._breaker.is_open(self._vendor, self._account):
            return VendorUnavailable(OPEN, retry_after=BACK_IN_THE_QUEUE)
        return None


class Slots(CustomSlotSupplier):
    """Slots of one worker behind a turnstile. Reserving runs on the event loop; taking note of
    what became of a slot may come from any thread."""

    def __init__(self, turnstile: Turnstile, slots: int, loop: asyncio.AbstractEventLoop) -> None:
        self._turnstile = turnstile
        self._slots = slots
        self._loop = loop
        self._lock = threading.Lock()
        self._used = 0
        self._changed = asyncio.Event()

    def look_again(self) -> None:
        """Something may pass that did not. On the event loop."""
        self._changed.set()

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:  # noqa: ARG002 - one queue
        """As soon as there is one."""
        while True:
            self._changed.clear()
            permit = self._take()
            if permit is not None:
                return permit
            await self._changed.wait()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:  # noqa: ARG002
        """At once, or not at all."""
        return self._take()

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """Nothing to do: it was counted when it was taken."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """Back again, used or not."""
        with self._lock:
            self._used -= 1
            self._turnstile.leave(ctx.permit)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def _take(self) -> SlotPermit | None:
        permit = SlotPermit()
        with self._lock:
            if self._used >= self._slots or not self._turnstile.admits(permit):
                return None
            self._used += 1
            return permit


class AtTheTurnstile(Interceptor):
    """In front of the activities of one company's queue: a poll that was out when the turnstile
    closed may still bring one piece of work, which goes back untouched."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one activity."""
        return _Asked(super().intercept_activity(next), self._turnstile)


class _Asked(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, turnstile: Turnstile) -> None:
        super().__init__(next)
        self._turnstile = turnstile

    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        refused = self._turnstile.refusal()
        if refused is not None:
            raise refused
        try:
            return await super().execute_activity(input)
        except VendorUnavailable as error:
            if error.code == OPEN:
                # It opened meanwhile.
                raise VendorUnavailable(OPEN, retry_after=BACK_IN_THE_QUEUE) from error
            raise
