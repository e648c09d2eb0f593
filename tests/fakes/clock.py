"""Business time that stands still, or goes with the server's."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import activity

from tests.fakes.world import World


class FakeClock:
    """Business time stands still at the world's instant, until it is told to follow the server's:
    then an activity lives at the time for which it was scheduled."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.offset: timedelta | None = None

    def now(self) -> datetime:
        if self.offset is not None and activity.in_activity():
            self._world.today = activity.info().current_attempt_scheduled_time + self.offset
        return self._world.today
