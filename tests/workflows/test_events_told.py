"""EV-01: what the sagas tell is what the published schemas say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.store.schema import outbox
from tests.contracts.events import FOLDER
from tests.contracts.json_schema import breaches
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


def published(kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
    return schema


async def told(engine: AsyncEngine) -> dict[str, list[str]]:
    """Type → what its events break of their schema, from the outbox."""
    found: dict[str, list[str]] = {}
    async with engine.connect() as connection:
        bodies = list((await connection.execute(select(outbox.c.body))).scalars())
    for body in bodies:
        schema = published(body["type"])
        found.setdefault(body["type"], []).extend(breaches(body, schema, schema))
    return found


async def test_what_a_deal_tells_is_valid_by_its_schema(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, D1_TODAY) as it:
        await (await it.start(fresh(d1()))).result()
        assert await told(engine) == {
            "dealthread.subscription.started.v1": [],
            "dealthread.contract.scheduled.v1": [],
        }


async def test_what_a_stopped_deal_tells_is_valid_by_its_schema(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, D1_TODAY) as it:
        deal = fresh(d1())
        it.world.plan("crm.record_contract", Fault.REJECTED, times=0)
        handle = await it.start(deal)
        await it.decide(await it.case(deal), DecisionKind.ABORT)
        await handle.result()
        assert await told(engine) == {
            "dealthread.subscription.started.v1": [],
            "dealthread.case.opened.v1": [],
            "dealthread.contract.withdrawn.v1": [],
        }
