"""What was told, held to its published schema."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.store.schema import outbox
from tests.contracts.events import FOLDER
from tests.contracts.json_schema import breaches


def breaches_of(body: dict[str, Any]) -> list[str]:
    """What an event's body breaks of the schema of its type."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{body['type']}.json").read_text("utf-8"))
    return breaches(body, schema, schema)


async def told(engine: AsyncEngine) -> dict[str, list[str]]:
    """Type → what its events break of their schema, from the outbox."""
    found: dict[str, list[str]] = {}
    async with engine.connect() as connection:
        bodies = list((await connection.execute(select(outbox.c.body))).scalars())
    for body in bodies:
        found.setdefault(body["type"], []).extend(breaches_of(body))
    return found
