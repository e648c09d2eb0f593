"""EV-01: what the sagas tell is what the published schemas say."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.events import EventType
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.events_told import told
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


@pytest.mark.tells(
    EventType.OPPORTUNITY_CLOSED, EventType.SUBSCRIPTION_STARTED, EventType.ENTITLEMENT_ACTIVATED
)
async def test_what_a_deal_tells_is_valid_by_its_schema(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, D1_TODAY) as it:
        await (await it.start(fresh(d1()))).result()
        assert await told(engine) == {
            "dealthread.opportunity.closed.v1": [],
            "dealthread.subscription.started.v1": [],
            "dealthread.entitlement.activated.v1": [],
            "dealthread.service_status.changed.v1": [],
            "dealthread.contract.scheduled.v1": [],
        }


@pytest.mark.tells(EventType.CASE_OPENED, EventType.CONTRACT_WITHDRAWN)
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
            "dealthread.opportunity.closed.v1": [],
            "dealthread.subscription.started.v1": [],
            "dealthread.entitlement.activated.v1": [],
            "dealthread.service_status.changed.v1": [],
            "dealthread.case.opened.v1": [],
            "dealthread.contract.withdrawn.v1": [],
        }
