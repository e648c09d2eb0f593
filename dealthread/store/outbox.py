"""Events out: written with the state they tell, delivered by the relay, each subscriber alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import false, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.events import BusinessEvent
from dealthread.store.schema import deliveries, outbox

# Svix's published schedule: quick at first, then hours.
RETRY_DELAYS = (5, 300, 1800, 7200, 18000, 36000, 36000)


@dataclass(frozen=True)
class DueDelivery:
    """One event to deliver to one subscriber now."""

    event_id: str
    event_type: str
    subscriber: str
    body: dict[str, object]
    attempts: int


async def publish(connection: AsyncConnection, event: BusinessEvent) -> None:
    """Add an event; telling it again changes nothing."""
    await connection.execute(
        insert(outbox)
        .values(id=event.id, type=event.type, subject=event.subject, body=event.cloud_event())
        .on_conflict_do_nothing(index_elements=["id"])
    )


class Outbox:
    """The relay's view of events to deliver."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def route(self, subscriber: str, patterns: tuple[str, ...]) -> None:
        """Give a subscriber the events it asked for and has no delivery row for yet.

        A pattern is an event type without `dealthread.` and version, such as `contract.*`.
        """
        wanted = or_(
            false(),
            *(outbox.c.type.like(f"dealthread.{one.replace('*', '%')}%") for one in patterns),
        )
        has_row = (
            select(deliveries.c.event_id)
            .where(deliveries.c.event_id == outbox.c.id, deliveries.c.subscriber == subscriber)
            .exists()
        )
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(deliveries)
                .from_select(
                    ["event_id", "subscriber"],
                    select(outbox.c.id, literal(subscriber)).where(wanted, ~has_row),
                )
                .on_conflict_do_nothing()
            )

    async def due(self, subscriber: str, limit: int) -> list[DueDelivery]:
        """Claim deliveries that are due; a claim lapses after a minute."""
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    select(
                        deliveries.c.event_id, deliveries.c.attempts, outbox.c.type, outbox.c.body
                    )
                    .join(outbox, outbox.c.id == deliveries.c.event_id)
                    .where(
                        deliveries.c.subscriber == subscriber,
                        deliveries.c.state == "pending",
                        deliveries.c.next_attempt_at <= func.now(),
                    )
                    .order_by(outbox.c.created_at, outbox.c.id)
                    .limit(limit)
                    .with_for_update(skip_locked=True, of=deliveries)
                )
            ).all()
            for row in rows:
                await connection.execute(
                    update(deliveries)
                    .where(
                        deliveries.c.event_id == row.event_id,
                        deliveries.c.subscriber == subscriber,
                    )
                    .values(next_attempt_at=datetime.now(UTC) + timedelta(minutes=1))
                )
            return [
                DueDelivery(row.event_id, row.type, subscriber, row.body, row.attempts)
                for row in rows
            ]

    async def delivered(self, due: DueDelivery, answer: str) -> None:
        """The subscriber answered 2xx."""
        await self._finish(due, state="delivered", answer=answer[:120], delivered_at=func.now())

    async def failed(self, due: DueDelivery, code: str, *, final: bool) -> None:
        """Try again later by the schedule, or give up and leave it visible as failed."""
        exhausted = final or due.attempts >= len(RETRY_DELAYS)
        delay = RETRY_DELAYS[min(due.attempts, len(RETRY_DELAYS) - 1)]
        await self._finish(
            due,
            state="failed" if exhausted else "pending",
            answer=code[:120],
            attempts=due.attempts + 1,
            next_attempt_at=datetime.now(UTC) + timedelta(seconds=delay),
        )

    async def _finish(self, due: DueDelivery, **values: object) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.event_id == due.event_id,
                    deliveries.c.subscriber == due.subscriber,
                    # What was delivered stays so, whatever a slower sender saw.
                    deliveries.c.state != "delivered",
                )
                .values(**values)
            )
