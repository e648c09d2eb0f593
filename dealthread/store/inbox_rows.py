"""Stored messages for people: what was refused or is held, and taking a refused one up again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.errors import BadInput, NotFound
from dealthread.store import audit
from dealthread.store.inbox import InboxState, waiting_state
from dealthread.store.schema import inbox

OWNERS = {"salesforce": "sales operations", "stripe": "billing", "bank": "cash application"}
"""Sender → who owns its interface (docs/interfaces.md)."""


@dataclass(frozen=True)
class InboxEntry:
    """One message without its body, which may name people."""

    id: int
    source: str
    account: str
    message_id: str
    received_at: datetime
    state: str
    outcome: str
    business_key: str
    attempts: int
    owner: str


_COLUMNS = (
    inbox.c.id,
    inbox.c.source,
    inbox.c.account,
    inbox.c.message_id,
    inbox.c.received_at,
    inbox.c.state,
    inbox.c.outcome,
    inbox.c.business_key,
    inbox.c.attempts,
)


class InboxRows:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def listing(self, state: InboxState, limit: int) -> list[InboxEntry]:
        """Oldest first."""
        query = select(*_COLUMNS).where(inbox.c.state == state).order_by(inbox.c.id).limit(limit)
        async with self._engine.connect() as connection:
            return [_entry(row) for row in await connection.execute(query)]

    async def replay(self, row_id: int, actor: str, reason: str) -> InboxEntry:
        """A refused message waits again for whoever consumes its sender's. Raises NotFound, or
        BadInput when it is not refused."""
        async with self._engine.begin() as connection:
            before = (
                await connection.execute(
                    select(*_COLUMNS).where(inbox.c.id == row_id).with_for_update()
                )
            ).first()
            if before is None:
                raise NotFound("message_not_found", message=str(row_id))
            if before.state != InboxState.REFUSED:
                raise BadInput(
                    "not_refused", field="id", action=f"it is {before.state}; nothing was done"
                )
            row = (
                await connection.execute(
                    update(inbox)
                    .where(inbox.c.id == row_id)
                    .values(
                        state=waiting_state(before.source),
                        outcome="",
                        attempts=0,
                        next_attempt_at=func.now(),
                        handled_at=None,
                    )
                    .returning(*_COLUMNS)
                )
            ).one()
            await audit.append(
                connection,
                f"inbox:{row_id}",
                "inbox.replayed",
                key=str(row_id),
                actor=actor,
                detail={"was": before.outcome, "source": before.source, "reason": reason},
            )
            return _entry(row)


def _entry(row: Row[*tuple[Any, ...]]) -> InboxEntry:
    known: dict[str, Any] = dict(row._mapping)
    return InboxEntry(**known, owner=OWNERS.get(row.source, "platform"))
