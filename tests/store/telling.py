"""A subscriber that answers as it is told, and the relay's part that asks it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Row, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.telling import Telling
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.settings import Settings, Subscriber
from dealthread.store.event_log import EventLog
from dealthread.store.outbox import Outbox, publish
from dealthread.store.schema import outbox as outbox_table
from dealthread.store.subscribers import Subscribers

DESK = Subscriber(
    name="desk", url="https://desk", secret_name="s", types=("*",), kind="communications"
)
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Desk:
    """The other side: what came, and how it answers."""

    answer: str = "taken"
    got: list[tuple[str, str]] = field(default_factory=list)
    """(event id, replay id)."""

    async def deliver(
        self,
        url: str,
        secret_name: str,
        event_id: str,
        event_type: str,
        body: bytes,
        *,
        replay_id: str = "",
    ) -> Outcome[str]:
        """One delivery."""
        assert json.loads(body)["id"] == event_id
        self.got.append((event_id, replay_id))
        match self.answer:
            case "down":
                raise VendorUnavailable("refused")
            case "lost":
                return Unknown("server_error")
            case "gone":
                return Rejected("integration.contract_drift", "subscriber_disabled")
            case "refuses":
                return Rejected("integration.contract_drift", "http_422")
        return Done("n-1")


@dataclass
class Office:
    """Everything on one store."""

    engine: AsyncEngine
    desk: Desk = field(default_factory=Desk)

    def __post_init__(self) -> None:
        """The parts."""
        settings = Settings.model_validate(
            {
                "database_url": "postgresql://unused",
                "codec_keys": json.dumps({"k": base64.b64encode(b"k" * 32).decode()}),
                "subscriber_disable_failures": 3,
                "subscriber_disable_hours": 1,
            }
        )
        self.outbox = Outbox(self.engine)
        self.log = EventLog(self.engine)
        self.subscribers = Subscribers(self.engine)
        self.telling = Telling(settings, self.outbox, self.log, self.subscribers, self.desk)

    async def told(
        self,
        *numbers: int,
        kind: EventType = EventType.CONTRACT_ACTIVATED,
        subject: str = "C-1",
    ) -> None:
        """Events, one an hour."""
        async with self.engine.begin() as connection:
            for number in numbers:
                await publish(
                    connection,
                    BusinessEvent(
                        id=f"evt_{number}", type=kind, subject=subject, time=START, data={}
                    ),
                )
                await connection.execute(
                    update(outbox_table)
                    .where(outbox_table.c.id == f"evt_{number}")
                    .values(created_at=START + timedelta(hours=number))
                )

    async def deliver(self) -> int:
        """A pass for first tellings; claims and pauses are over."""
        await self.sql("UPDATE deliveries SET next_attempt_at = now()")
        return await self.telling.deliver_events(DESK)

    async def replayed(self) -> int:
        """A pass for replays."""
        await self.sql("UPDATE deliveries SET next_attempt_at = now()")
        return await self.telling.deliver_replays(DESK)

    async def sql(self, statement: str) -> None:
        """For what only time does."""
        async with self.engine.begin() as connection:
            await connection.execute(text(statement))

    async def audited(self) -> list[Row[*tuple[object, ...]]]:
        """Actor, event and detail, in order."""
        async with self.engine.connect() as connection:
            return list(
                await connection.execute(
                    text("SELECT actor, event, detail FROM audit ORDER BY stream, seq")
                )
            )
