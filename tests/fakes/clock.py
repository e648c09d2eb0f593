"""Business time that stands still."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.world import World


class FakeClock:
    """Business time stands still at the world's instant."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.today
