"""Background work of an org: due at a moment of business time, run when that has come.

Jobs are kept in memory; whoever schedules them finds them again after a restart from the rows.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from dealthread.simulators.kit.clock import SimClock

Work = Callable[[], None]


class Jobs:
    """Runs work in the order it is due. Use `running()` inside the app's lifespan."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._queue: list[tuple[datetime, int, Work]] = []
        self._numbers = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        clock.on_change(lambda _: self._arm())

    def schedule(self, delay: timedelta, work: Work) -> None:
        """Run this so much business time from now, never before the caller is done."""
        due = self._clock.now() + delay
        heapq.heappush(self._queue, (due, next(self._numbers), work))
        self._arm()

    def clear(self) -> None:
        """Forget all work."""
        self._queue.clear()
        self._arm()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run work on this loop while inside."""
        self._loop = asyncio.get_running_loop()
        self._arm()
        try:
            yield
        finally:
            self._loop = None
            self._arm()

    def _arm(self) -> None:
        """Wake up when the next work is due: with the clock's speed, or when it is moved."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is None or not self._queue:
            return
        wait = (self._queue[0][0] - self._clock.now()).total_seconds()
        if wait > 0 and self._clock.is_frozen:
            return
        self._timer = self._loop.call_later(max(0.0, wait), self._run_due)

    def _run_due(self) -> None:
        now = self._clock.now()
        try:
            while self._queue and self._queue[0][0] <= now:
                _, _, work = heapq.heappop(self._queue)
                work()
        finally:
            self._arm()  # work that raises is lost, what comes after it is not
