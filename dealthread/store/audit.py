"""Tamper-evident audit: one hash chain per contract, written in the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.store.schema import audit

GENESIS = "0" * 64


def entry_hash(previous: str, entry: dict[str, Any]) -> str:
    """SHA-256 over the previous hash and the entry in canonical JSON."""
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256((previous + canonical).encode()).hexdigest()


async def append(
    connection: AsyncConnection,
    stream: str,
    event: str,
    *,
    key: str,
    actor: str,
    detail: dict[str, Any],
) -> None:
    """Add an entry. The advisory lock makes the sequence of a stream gapless."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:stream, 0))"), {"stream": stream}
    )
    last = (
        await connection.execute(
            select(audit.c.seq, audit.c.hash)
            .where(audit.c.stream == stream)
            .order_by(audit.c.seq.desc())
            .limit(1)
        )
    ).first()
    previous = last.hash if last else GENESIS
    at = datetime.now(UTC)
    entry = {
        "stream": stream,
        "seq": (last.seq if last else 0) + 1,
        "at": at.isoformat(),
        "actor": actor,
        "event": event,
        "key": key,
        "detail": detail,
    }
    await connection.execute(
        insert(audit).values(
            stream=stream,
            seq=entry["seq"],
            at=at,
            actor=actor,
            event=event,
            key=key,
            detail=detail,
            previous_hash=previous,
            hash=entry_hash(previous, entry),
        )
    )


async def first_broken(connection: AsyncConnection, stream: str) -> int | None:
    """Sequence number of the first entry that does not continue the chain; None when whole."""
    rows = await connection.execute(
        select(audit).where(audit.c.stream == stream).order_by(audit.c.seq)
    )
    previous, expected = GENESIS, 1
    for row in rows:
        entry = {
            "stream": row.stream,
            "seq": row.seq,
            "at": row.at.astimezone(UTC).isoformat(),
            "actor": row.actor,
            "event": row.event,
            "key": row.key,
            "detail": row.detail,
        }
        if row.seq != expected or row.previous_hash != previous:
            return int(row.seq)
        if row.hash != entry_hash(previous, entry):
            return int(row.seq)
        previous, expected = row.hash, expected + 1
    return None
