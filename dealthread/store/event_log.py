"""The events that were told, who got them, and telling them again under control."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Frozen
from dealthread.errors import BadInput, NotFound
from dealthread.store import audit
from dealthread.store.outbox import asked_for
from dealthread.store.schema import deliveries, outbox, replays
from dealthread.store.subscribers import stream_of

SAMPLE = 10


class Wanted(Frozen):
    """Which events: by key, types and when they were told. `until` is exclusive."""

    key: str = ""
    types: tuple[str, ...] = ()
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    def where(self) -> ColumnElement[bool]:
        """The condition on the outbox."""
        parts: list[ColumnElement[bool]] = [literal(True)]
        if self.key:
            parts.append(or_(outbox.c.subject == self.key, outbox.c.id == self.key))
        if self.types:
            parts.append(asked_for(tuple(one.removeprefix("dealthread.") for one in self.types)))
        if self.since is not None:
            parts.append(outbox.c.created_at >= self.since)
        if self.until is not None:
            parts.append(outbox.c.created_at < self.until)
        return and_(*parts)


@dataclass(frozen=True)
class LoggedEvent:
    """One event and how many subscribers have it."""

    id: str
    type: str
    subject: str
    created_at: datetime
    delivered: int
    pending: int
    failed: int


@dataclass(frozen=True)
class ReplayPlan:
    """What a replay would send: the answer of a dry run. The token stands for exactly this."""

    subscriber: str
    count: int
    until: datetime
    by_type: dict[str, int]
    sample: list[str]
    token: str


@dataclass(frozen=True)
class Replay:
    """A replay that was asked for, and its effects so far."""

    replay_id: str
    subscriber: str
    actor: str
    wanted: dict[str, Any]
    count: int
    rate_per_second: int
    created_at: datetime
    delivered: int = 0
    pending: int = 0
    failed: int = 0


class EventLog:
    """Reading and replaying the outbox."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def listing(self, wanted: Wanted, limit: int) -> list[LoggedEvent]:
        """Newest first."""
        counts = {
            state: func.count().filter(deliveries.c.state == state).label(state)
            for state in ("delivered", "pending", "failed")
        }
        query = (
            select(
                outbox.c.id, outbox.c.type, outbox.c.subject, outbox.c.created_at, *counts.values()
            )
            .outerjoin(deliveries, deliveries.c.event_id == outbox.c.id)
            .where(wanted.where())
            .group_by(outbox.c.id)
            .order_by(outbox.c.created_at.desc(), outbox.c.id)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [LoggedEvent(*row) for row in await connection.execute(query)]

    async def show(self, event_id: str) -> dict[str, Any]:
        """The body as sent, and each delivery. Raises NotFound."""
        async with self._engine.connect() as connection:
            event = (
                await connection.execute(select(outbox).where(outbox.c.id == event_id))
            ).first()
            if event is None:
                raise NotFound("event_not_found", event=event_id)
            rows = await connection.execute(
                select(deliveries)
                .where(deliveries.c.event_id == event_id)
                .order_by(deliveries.c.subscriber)
            )
            return {
                "event": event.body,
                "created_at": event.created_at,
                "deliveries": [
                    {
                        "subscriber": row.subscriber,
                        "state": row.state,
                        "attempts": row.attempts,
                        "answer": row.answer,
                        "delivered_at": row.delivered_at,
                        "next_attempt_at": row.next_attempt_at if row.state == "pending" else None,
                        "replay_id": row.replay_id,
                    }
                    for row in rows
                ],
            }

    async def plan(
        self, subscriber: str, patterns: tuple[str, ...], wanted: Wanted, actor: str
    ) -> ReplayPlan:
        """A dry run: counts, sends nothing, and stands in the audit log."""
        async with self._engine.begin() as connection:
            planned = await self._planned(connection, subscriber, patterns, wanted)
            await self._on_record(connection, subscriber, wanted, actor, planned, "dry_run")
            return planned

    async def replay(
        self,
        subscriber: str,
        patterns: tuple[str, ...],
        wanted: Wanted,
        actor: str,
        token: str,
        rate_per_second: int,
    ) -> Replay:
        """Ask for what a dry run counted. Raises BadInput when that has changed since."""
        wanted = wanted.model_copy(update={"until": wanted.until or _until_of(token)})
        async with self._engine.begin() as connection:
            # Two replays at once of one subscriber: the second sees what the first took.
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 1))"),
                {"name": stream_of(subscriber)},
            )
            planned = await self._planned(connection, subscriber, patterns, wanted)
            if planned.token != token:
                raise BadInput(
                    "replay_changed",
                    field="token",
                    action=f"now {planned.count} events; look at a new dry run, then use its token",
                )
            if planned.count == 0:
                raise BadInput("nothing_to_replay", field="token", action="widen the filter")
            replay_id = (
                "RPL-"
                + hashlib.sha256(f"{subscriber}/{token}/{datetime.now(UTC).isoformat()}".encode())
                .hexdigest()[:12]
                .upper()
            )
            await connection.execute(
                insert(deliveries)
                .from_select(
                    ["event_id", "subscriber", "replay_id"],
                    self._chosen(subscriber, patterns, wanted).add_columns(
                        literal(subscriber), literal(replay_id)
                    ),
                )
                .on_conflict_do_update(
                    index_elements=["event_id", "subscriber"],
                    set_={
                        "state": "pending",
                        "attempts": 0,
                        "answer": "",
                        "next_attempt_at": func.now(),
                        "replay_id": replay_id,
                        "routed_at": func.now(),
                    },
                )
            )
            made = (
                await connection.execute(
                    insert(replays)
                    .values(
                        replay_id=replay_id,
                        subscriber=subscriber,
                        actor=actor,
                        wanted=wanted.model_dump(mode="json"),
                        count=planned.count,
                        rate_per_second=rate_per_second,
                    )
                    .returning(replays)
                )
            ).one()
            await self._on_record(connection, subscriber, wanted, actor, planned, replay_id)
            return Replay(**made._mapping, pending=planned.count)

    async def replays(self, limit: int) -> list[Replay]:
        """Newest first, with what became of each: a later replay takes over what it repeats."""
        states = ("delivered", "pending", "failed")
        query = (
            select(replays, *(func.count().filter(deliveries.c.state == one) for one in states))
            .outerjoin(deliveries, deliveries.c.replay_id == replays.c.replay_id)
            .group_by(replays.c.replay_id)
            .order_by(replays.c.created_at.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [Replay(*row) for row in await connection.execute(query)]

    async def running(self, subscriber: str) -> tuple[str, int] | None:
        """The oldest replay with something due for a subscriber, and its rate."""
        due = (
            select(deliveries.c.event_id)
            .where(
                deliveries.c.replay_id == replays.c.replay_id,
                deliveries.c.state == "pending",
                deliveries.c.next_attempt_at <= func.now(),
            )
            .exists()
        )
        query = (
            select(replays.c.replay_id, replays.c.rate_per_second)
            .where(replays.c.subscriber == subscriber, due)
            .order_by(replays.c.created_at)
            .limit(1)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
            return (row[0], row[1]) if row else None

    def _chosen(
        self, subscriber: str, patterns: tuple[str, ...], wanted: Wanted
    ) -> Select[tuple[str]]:
        """What the subscriber asks for and the filter names, unless it is on its way already."""
        on_its_way = (
            select(deliveries.c.event_id)
            .where(
                deliveries.c.event_id == outbox.c.id,
                deliveries.c.subscriber == subscriber,
                deliveries.c.state == "pending",
            )
            .exists()
        )
        return select(outbox.c.id).where(wanted.where(), asked_for(patterns), ~on_its_way)

    async def _planned(
        self,
        connection: AsyncConnection,
        subscriber: str,
        patterns: tuple[str, ...],
        wanted: Wanted,
    ) -> ReplayPlan:
        now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        until: datetime = (wanted.until or now).astimezone(UTC)
        fixed = wanted.model_copy(update={"until": until})
        chosen = self._chosen(subscriber, patterns, fixed).subquery()
        digest = (
            await connection.execute(
                select(
                    func.md5(func.coalesce(text("string_agg(id, ',' ORDER BY id)"), ""))
                ).select_from(chosen)
            )
        ).scalar_one()
        by_type: dict[str, int] = {
            row[0]: row[1]
            for row in await connection.execute(
                select(outbox.c.type, func.count())
                .where(outbox.c.id.in_(select(chosen.c.id)))
                .group_by(outbox.c.type)
                .order_by(outbox.c.type)
            )
        }
        sample: Sequence[str] = (
            (
                await connection.execute(
                    select(outbox.c.id)
                    .where(outbox.c.id.in_(select(chosen.c.id)))
                    .order_by(outbox.c.created_at, outbox.c.id)
                    .limit(SAMPLE)
                )
            )
            .scalars()
            .all()
        )
        said = json.dumps([subscriber, fixed.model_dump(mode="json"), digest])
        token = f"{_micros(until)}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        return ReplayPlan(subscriber, sum(by_type.values()), until, by_type, list(sample), token)

    async def _on_record(
        self,
        connection: AsyncConnection,
        subscriber: str,
        wanted: Wanted,
        actor: str,
        planned: ReplayPlan,
        how: str,
    ) -> None:
        await audit.append(
            connection,
            stream_of(subscriber),
            "events.replay_planned" if how == "dry_run" else "events.replayed",
            key=how,
            actor=actor,
            detail={
                "wanted": wanted.model_dump(mode="json"),
                "count": planned.count,
                "dry_run": how == "dry_run",
            },
        )


def _micros(instant: datetime) -> int:
    """Exact, unlike a float of seconds."""
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _until_of(token: str) -> datetime | None:
    head = token.split("-")[0]
    if not (head.isascii() and head.isdigit() and len(head) <= 16):
        raise BadInput("unknown_token", field="token", action="give the token of a dry run")
    return datetime.fromtimestamp(int(head) // 1_000_000, UTC).replace(
        microsecond=int(head) % 1_000_000
    )
