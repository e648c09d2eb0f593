"""How each subscriber of events answers: in order, failing since, or disabled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.store import audit
from dealthread.store.schema import deliveries, subscribers

ENABLED, DISABLED = "enabled", "disabled"


@dataclass(frozen=True)
class Standing:
    """One subscriber as the deliveries tell."""

    name: str
    state: str = ENABLED
    failures_in_row: int = 0
    failing_since: datetime | None = None
    last_code: str = ""
    last_answered_at: datetime | None = None
    disabled_at: datetime | None = None
    waiting: int = 0
    failed: int = 0
    oldest_waiting_at: datetime | None = None


class Subscribers:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def is_disabled(self, name: str) -> bool:
        """Whether it is asked nothing at present."""
        query = select(subscribers.c.state).where(subscribers.c.name == name)
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).scalar() == DISABLED

    async def answered(self, name: str) -> None:
        """It took or refused an event, so it lives."""
        alive = {"failures_in_row": 0, "failing_since": None, "last_answered_at": func.now()}
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(subscribers)
                .values(name=name, **alive)
                .on_conflict_do_update(index_elements=["name"], set_=alive)
            )

    async def failed(
        self, name: str, code: str, *, most: int, after: timedelta, at_once: bool = False
    ) -> bool:
        """It did not answer as it should. True when that made it disabled: once, not again."""
        async with self._engine.begin() as connection:
            await connection.execute(insert(subscribers).values(name=name).on_conflict_do_nothing())
            now = func.now()
            since = func.coalesce(subscribers.c.failing_since, now)
            row = (
                await connection.execute(
                    update(subscribers)
                    .where(subscribers.c.name == name)
                    .values(
                        failures_in_row=subscribers.c.failures_in_row + 1,
                        failing_since=since,
                        last_code=code[:120],
                    )
                    .returning(
                        subscribers.c.state,
                        subscribers.c.failures_in_row,
                        case((since <= now - after, literal(True)), else_=literal(False)),
                    )
                )
            ).one()
            state, failures, long_enough = row
            if state == DISABLED or not (at_once or (failures >= most and long_enough)):
                return False
            await connection.execute(
                update(subscribers)
                .where(subscribers.c.name == name)
                .values(state=DISABLED, disabled_at=now)
            )
            detail = {"code": code[:120], "failures_in_row": failures}
            await audit.append(
                connection,
                stream_of(name),
                "subscriber.disabled",
                key=name,
                actor="relay",
                detail=detail,
            )
            return True

    async def enable(self, name: str, actor: str, reason: str) -> bool:
        """Send to it again, at once what waits. False when it was not disabled."""
        async with self._engine.begin() as connection:
            changed = await connection.execute(
                update(subscribers)
                .where(subscribers.c.name == name, subscribers.c.state == DISABLED)
                .values(state=ENABLED, failures_in_row=0, failing_since=None, disabled_at=None)
            )
            if changed.rowcount == 0:
                return False
            waiting = await connection.execute(
                update(deliveries)
                .where(deliveries.c.subscriber == name, deliveries.c.state == "pending")
                .values(next_attempt_at=func.now())
            )
            await audit.append(
                connection,
                stream_of(name),
                "subscriber.enabled",
                key=name,
                actor=actor,
                detail={"reason": reason, "waiting": waiting.rowcount},
            )
            return True

    async def standings(self, names: tuple[str, ...]) -> list[Standing]:
        """Of the configured subscribers, in that order."""
        async with self._engine.connect() as connection:
            known = {
                row.name: row
                for row in await connection.execute(
                    select(subscribers).where(subscribers.c.name.in_(names))
                )
            }
            counts: dict[tuple[str, str], tuple[int, datetime]] = {
                (row[0], row[1]): (row[2], row[3])
                for row in await connection.execute(
                    select(
                        deliveries.c.subscriber,
                        deliveries.c.state,
                        func.count(),
                        func.min(deliveries.c.routed_at),
                    )
                    .where(
                        deliveries.c.subscriber.in_(names),
                        deliveries.c.state.in_(("pending", "failed")),
                    )
                    .group_by(deliveries.c.subscriber, deliveries.c.state)
                )
            }
        found = []
        for name in names:
            row = known.get(name)
            waiting, oldest = counts.get((name, "pending"), (0, None))
            failed, _ = counts.get((name, "failed"), (0, None))
            base: dict[str, Any] = dict(row._mapping) if row is not None else {"name": name}
            found.append(Standing(**base, waiting=waiting, failed=failed, oldest_waiting_at=oldest))
        return found


def stream_of(name: str) -> str:
    """The audit stream of a subscriber."""
    return f"subscriber:{name}"[:120]
