"""What of this process's work is held back: by circuits, and where another is the poster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypedDict

import structlog
from temporalio.worker import FixedSizeSlotSupplier, Interceptor, WorkerTuner

from dealthread.breaker import Breaker
from dealthread.store.posters import Posters
from workers.registry import QueuePlan
from workers.turnstile import AtTheTurnstile, Slots, Trial, Turnstile

log = structlog.get_logger()

LOOK_SECONDS = 1.0
"""How often the store is asked: circuits that others changed, companies without a poster."""
_OTHERS = FixedSizeSlotSupplier(100)
"""The SDK's own number for what a queue of activities alone never uses."""


class Capacity(TypedDict, total=False):
    """How much a worker does at once: one of the two."""

    max_concurrent_activities: int
    tuner: WorkerTuner


def at_once(plan: QueuePlan) -> Capacity:
    """A queue that nothing holds back."""
    return Capacity(max_concurrent_activities=plan.max_concurrent_activities)


async def _again_and_again(tick: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await tick()
        except Exception as error:  # noqa: BLE001 - a bug must not end the looking: an outage would not
            log.error("look_failed", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


class Holding:
    """Turnstiles of the queues whose plan names a vendor."""

    def __init__(self, breaker: Breaker, posters: Posters | None = None) -> None:
        self.breaker = breaker
        self.posters = posters
        self._trials: dict[str, Trial] = {}
        self._turnstiles: dict[str, Turnstile] = {}

    def slots(self, plan: QueuePlan) -> Capacity:
        """How much the plan's worker does at once."""
        if not plan.vendor:
            return at_once(plan)
        slots = Slots(
            self._turnstile(plan), plan.max_concurrent_activities, asyncio.get_running_loop()
        )
        self.breaker.listen(slots.look_again)
        if self.posters is not None:
            self.posters.listen(slots.look_again)
        return Capacity(
            tuner=WorkerTuner.create_composite(
                workflow_supplier=_OTHERS,
                activity_supplier=slots,
                local_activity_supplier=_OTHERS,
                nexus_supplier=_OTHERS,
            )
        )

    def interceptors(self, plan: QueuePlan) -> Sequence[Interceptor]:
        """What stands before the plan's activities."""
        return (AtTheTurnstile(self._turnstile(plan)),) if plan.vendor else ()

    async def look(self) -> None:
        """Once over the store."""
        if self.posters is not None:
            await self.posters.tick()
        await self.breaker.tick()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Look every second until the block ends; then companies are free for other posters."""
        # Before the first poll: a process that starts in an outage knows of it.
        await self.breaker.look()
        ticks = [self.breaker.tick]
        if self.posters is not None:
            ticks.append(self.posters.tick)
        # Each for itself: who posts is looked at while a probe waits for its answer.
        looking = [asyncio.create_task(_again_and_again(tick)) for tick in ticks]
        try:
            yield
        finally:
            for one in looking:
                one.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
            if self.posters is not None:
                await self.posters.aclose()

    def _turnstile(self, plan: QueuePlan) -> Turnstile:
        made = self._turnstiles.get(plan.task_queue)
        if made is None:
            posters = self.posters
            made = Turnstile(
                self.breaker,
                plan.vendor,
                plan.account,
                self._trials.setdefault(plan.vendor, Trial()),
                (lambda: posters.holds(plan.task_queue)) if posters else lambda: True,
            )
            self._turnstiles[plan.task_queue] = made
        return made
