"""What was taken from the inbox is told, or told later: one that fails holds up no other."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

import structlog
from temporalio.service import RPCError

from dealthread.store.inbox import Inbox, InboxRow

log = structlog.get_logger()
LONGEST = 300.0
"""Seconds: how late after an outage the last message is told."""


def again_after(attempts: int) -> float:
    """Seconds until a message is told again that failed so often before: 2, 4, 8 up to five
    minutes."""
    return min(LONGEST, 2.0 ** min(attempts + 1, 9))


async def told_or_later(inbox: Inbox, rows: Sequence[InboxRow], telling: Awaitable[None]) -> None:
    """Whatever goes wrong, these rows are taken up again later, each after its own back-off.

    A start that timed out may have happened: who is told twice reads twice, and acts once.
    """
    try:
        await telling
    except Exception as error:  # noqa: BLE001 - an error of one message must not end the relay
        why = error.status.name.lower() if isinstance(error, RPCError) else type(error).__name__
        log.warning("message_told_later", rows=[row.id for row in rows], error=why)
        for row in rows:
            await inbox.postpone(row.id, again_after(row.attempts), f"waits: {why}"[:60])
