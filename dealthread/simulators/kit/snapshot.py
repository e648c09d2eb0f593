"""`/_sim/snapshot`: the whole world as one JSON document, and back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.state import KeptWorld
from dealthread.simulators.kit.state_store import Row


class ClockReading(BaseModel):
    """Business time: an offset to machine time, and the instant at which it stands still."""

    model_config = ConfigDict(extra="forbid")

    offset_seconds: float
    frozen_at: AwareDatetime | None


class Snapshot(BaseModel):
    """A world written down. A row is part, key and JSON text; faults and ledger are not in it."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    simulator: str
    clock: ClockReading
    rows: Annotated[list[tuple[str, str, str]], Field(strict=False)]


def take(name: str, clock: SimClock, world: KeptWorld) -> Snapshot:
    """Write the world down as it is now."""
    frozen_at: datetime | None = clock.now() if clock.is_frozen else None
    return Snapshot(
        simulator=name,
        clock=ClockReading(offset_seconds=clock.offset.total_seconds(), frozen_at=frozen_at),
        rows=[tuple(row) for row in world.rows()],
    )


def put_back(snapshot: Snapshot, name: str, clock: SimClock, world: KeptWorld) -> None:
    """Make the world what the snapshot says, business time included.

    Raises ValueError for the snapshot of another simulator, account or org; nothing changed then.
    """
    if snapshot.simulator != name:
        raise ValueError(f"this is a snapshot of {snapshot.simulator}, not of {name}")
    world.restore(Row(*row) for row in snapshot.rows)
    clock.set(timedelta(seconds=snapshot.clock.offset_seconds))
    if snapshot.clock.frozen_at is not None:
        clock.freeze(snapshot.clock.frozen_at)
