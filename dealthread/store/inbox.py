"""Inbound messages: one durable row each, for ever unique by (source, account, message id)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.store.schema import inbox


class InboxState(StrEnum):
    NEW = "new"
    HANDLED = "handled"
    HELD = "held"
    """Verified and stored; its own consumer takes it, where that is switched on."""
    REFUSED = "refused"
    """Verified, but not understood: visible, never lost."""


def waiting_state(source: str) -> InboxState:
    """In which state a message of a sender waits to be consumed."""
    return InboxState.NEW if source == "salesforce" else InboxState.HELD


@dataclass(frozen=True)
class InboxMessage:
    """A verified message to store."""

    source: str
    account: str
    message_id: str
    content_type: str
    body: bytes
    state: InboxState = InboxState.NEW


@dataclass(frozen=True)
class InboxRow:
    """A stored message to act on."""

    id: int
    source: str
    account: str
    message_id: str
    body: bytes
    attempts: int


class Inbox:
    """The relay's view of the inbox."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def due(self, limit: int) -> list[InboxRow]:
        """Claim messages that are due, oldest first; a claim lapses after half a minute."""
        return await self._claim(limit, inbox.c.state == InboxState.NEW)

    async def due_held(self, source: str, limit: int) -> list[InboxRow]:
        """The same for messages of a source that are held until somebody consumes them."""
        return await self._claim(limit, inbox.c.state == InboxState.HELD, inbox.c.source == source)

    async def _claim(self, limit: int, *which: ColumnElement[bool]) -> list[InboxRow]:
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    select(inbox)
                    .where(*which, inbox.c.next_attempt_at <= func.now())
                    .order_by(inbox.c.id)
                    .limit(limit)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            if rows:
                await connection.execute(
                    update(inbox)
                    .where(inbox.c.id.in_([row.id for row in rows]))
                    .values(
                        attempts=inbox.c.attempts + 1,
                        next_attempt_at=datetime.now(UTC) + timedelta(seconds=30),
                    )
                )
            return [
                InboxRow(row.id, row.source, row.account, row.message_id, row.body, row.attempts)
                for row in rows
            ]

    async def finish(
        self, row_id: int, state: InboxState, outcome: str, business_key: str = ""
    ) -> None:
        """The message has its outcome."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(inbox)
                .where(inbox.c.id == row_id)
                .values(
                    state=state, outcome=outcome, business_key=business_key, handled_at=func.now()
                )
            )

    async def postpone(self, row_id: int, seconds: float, why: str) -> None:
        """Nothing happened; try again later."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(inbox)
                .where(inbox.c.id == row_id)
                .values(next_attempt_at=datetime.now(UTC) + timedelta(seconds=seconds), outcome=why)
            )

    async def counts(self) -> dict[str, int]:
        """Messages by state."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(inbox.c.state, func.count()).group_by(inbox.c.state)
            )
            return {row[0]: row[1] for row in rows}
