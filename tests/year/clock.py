"""One business time for everybody: the time-skipping server's plus an offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from temporalio import activity
from temporalio.testing import WorkflowEnvironment


class ServerClock:
    """Business time of activities: the server's, which is not the machine's.

    An activity runs at the instant at which the server scheduled its attempt; elsewhere it is the
    instant to which time was moved last.
    """

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self.moved_to = datetime.now(UTC)

    def now(self) -> datetime:
        """Aware, UTC."""
        if activity.in_activity():
            return activity.info().current_attempt_scheduled_time.astimezone(UTC) + self.offset
        return self.moved_to


class Time:
    """Moves the server and the simulators together, the simulators first: what an activity asks
    of them on the way is asked of the day itself or of a later hour, never of the day before."""

    def __init__(
        self, environment: WorkflowEnvironment, clock: ServerClock, simulators: tuple[str, ...]
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._simulators = simulators
        self._http = httpx.AsyncClient(timeout=30.0, trust_env=False)

    async def begin(self, at: datetime) -> None:
        """It is this instant now, for everybody."""
        self._clock.offset = timedelta(
            seconds=round((at - await self._environment.get_current_time()).total_seconds())
        )
        await self._agree()

    async def to(self, at: datetime) -> None:
        """Let time pass until an instant to come."""
        wait = at - await self.now()
        if wait > timedelta(0):
            await self.by(wait)

    async def by(self, span: timedelta) -> None:
        """Let time pass."""
        await self._tell(await self.now() + span)
        await self._environment.sleep(span)
        await self._agree()

    async def now(self) -> datetime:
        """Business time by the server."""
        return await self._environment.get_current_time() + self._clock.offset

    async def close(self) -> None:
        await self._http.aclose()

    async def _agree(self) -> None:
        await self._tell(await self.now())

    async def _tell(self, at: datetime) -> None:
        self._clock.moved_to = at
        offset = (at - datetime.now(UTC)).total_seconds()
        for url in self._simulators:
            answer = await self._http.post(f"{url}/_sim/clock", json={"offset_seconds": offset})
            answer.raise_for_status()
