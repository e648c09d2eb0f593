"""Events out: written with the state they tell, delivered by the relay, each subscriber alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, false, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.events import BusinessEvent
from dealthread.store.schema import deliveries, outbox

FIRST_DELAY, LONGEST_DELAY = 5.0, 3600.0
"""Seconds. Doubled with each attempt: an hour is reached with the tenth."""
MOST_ATTEMPTS = 40
"""Of one event that a living subscriber does not take: about a day, then it stays as failed."""


def retry_delay(event_id: str, subscriber: str, attempt: int) -> timedelta:
    """Exponential with jitter. The jitter follows from what is sent, so that it can be told
    beforehand, and spreads the events that one outage held up."""
    digest = hashlib.sha256(f"{event_id}/{subscriber}/{attempt}".encode()).digest()
    share = 0.5 + int.from_bytes(digest[:4]) / 2**33
    return timedelta(seconds=share * min(FIRST_DELAY * 2 ** min(attempt, 20), LONGEST_DELAY))


@dataclass(frozen=True)
class DueDelivery:
    """One event to deliver to one subscriber now."""

    event_id: str
    event_type: str
    subscriber: str
    body: dict[str, object]
    attempts: int
    replay_id: str = ""


async def publish(connection: AsyncConnection, event: BusinessEvent) -> None:
    """Add an event; telling it again changes nothing."""
    await connection.execute(
        insert(outbox)
        .values(id=event.id, type=event.type, subject=event.subject, body=event.cloud_event())
        .on_conflict_do_nothing(index_elements=["id"])
    )


def asked_for(patterns: tuple[str, ...]) -> ColumnElement[bool]:
    """Events whose type matches one of the patterns, such as `contract.*`."""
    return or_(
        false(),
        *(outbox.c.type.like(f"dealthread.{one.replace('*', '%')}%") for one in patterns),
    )


class Outbox:
    """The relay's view of events to deliver."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def route(self, subscriber: str, patterns: tuple[str, ...]) -> None:
        """Give a subscriber the events it asked for and has no delivery row for yet.

        A pattern is an event type without `dealthread.` and version, such as `contract.*`.
        """
        wanted = asked_for(patterns)
        has_row = (
            select(deliveries.c.event_id)
            .where(deliveries.c.event_id == outbox.c.id, deliveries.c.subscriber == subscriber)
            .exists()
        )
        async with self.engine.begin() as connection:
            await connection.execute(
                insert(deliveries)
                .from_select(
                    ["event_id", "subscriber"],
                    select(outbox.c.id, literal(subscriber)).where(wanted, ~has_row),
                )
                .on_conflict_do_nothing()
            )

    async def due(self, subscriber: str, limit: int, replay_id: str = "") -> list[DueDelivery]:
        """Claim deliveries that are due, of the first telling or of one replay; a claim lapses
        after a minute."""
        async with self.engine.begin() as connection:
            rows = (
                await connection.execute(
                    select(
                        deliveries.c.event_id, deliveries.c.attempts, outbox.c.type, outbox.c.body
                    )
                    .join(outbox, outbox.c.id == deliveries.c.event_id)
                    .where(
                        deliveries.c.subscriber == subscriber,
                        deliveries.c.state == "pending",
                        deliveries.c.replay_id == replay_id,
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
                DueDelivery(row.event_id, row.type, subscriber, row.body, row.attempts, replay_id)
                for row in rows
            ]

    async def delivered(self, due: DueDelivery, answer: str) -> None:
        """The subscriber answered 2xx."""
        await self._finish(due, state="delivered", answer=answer[:120], delivered_at=func.now())

    async def failed(self, due: DueDelivery, code: str, *, final: bool) -> None:
        """Try again later, or give up and leave it visible as failed."""
        exhausted = final or due.attempts + 1 >= MOST_ATTEMPTS
        delay = retry_delay(due.event_id, due.subscriber, due.attempts)
        await self._finish(
            due,
            state="failed" if exhausted else "pending",
            answer=code[:120],
            attempts=due.attempts + 1,
            next_attempt_at=datetime.now(UTC) + delay,
        )

    async def _finish(self, due: DueDelivery, **values: object) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.event_id == due.event_id,
                    deliveries.c.subscriber == due.subscriber,
                    # A replay asked meanwhile has its own sending and its own outcome.
                    deliveries.c.replay_id == due.replay_id,
                    # What was delivered stays so, whatever a slower sender saw.
                    deliveries.c.state != "delivered",
                )
                .values(**values)
            )
