"""The life of one contract on the time-skipping server: years in seconds."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.contract import ContractState
from dealthread.domain.deal import Deal
from dealthread.domain.documents import BookingState
from dealthread.domain.events import EventType
from dealthread.domain.transaction import Environment
from dealthread.naming import (
    WORKFLOW_QUEUE,
    contract_key,
    contract_workflow_id,
    erp_document_key,
)
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import ContractMemory

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


@pytest.mark.tells(
    EventType.CONTRACT_SCHEDULED, EventType.CONTRACT_ACTIVATED, EventType.CONTRACT_ENDED
)
async def test_a_deal_that_starts_later_is_scheduled_then_active_then_ended(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Booked as a draft when signed, confirmed on the start date, ended with the term. A contract
    whose workflow is thrown back adopts the activation, and the end of its term, that ran."""
    client = skipping_server.client
    async with lab(client, engine, D1_TODAY) as it:
        office = Office(it, database_url, client)
        await it.follow_the_server()
        async with office.pool:
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            await office.webhook(deal, "m-1")
            await office.relayed()
            assert await office.ended(deal) == "scheduled"
            key = contract_key(deal.org, deal.deal_id)
            document = erp_document_key("default", "US01", "booking", deal.deal_id, 1)
            assert [one.state for one in it.erp.live(document)] == [BookingState.QUOTATION]
            assert it.crm.statuses[deal.deal_id] == "scheduled"
            assert it.entitlement.held[key].grants[0].access_from == deal.start_date

            handle = client.get_workflow_handle(contract_workflow_id(key))
            await skipping_server.sleep(timedelta(days=20))
            await _until(handle, "active")
            assert [one.state for one in it.erp.live(document)] == [BookingState.CONFIRMED]
            assert it.crm.statuses[deal.deal_id] == "active"
            assert it.agreements(deal) == 1
            handle = await _thrown_back(client, handle, it, deal)
            await _until(handle, "active")
            await skipping_server.sleep(timedelta(days=370))
            view = await _until(handle, "ended")
            assert view["applied"] == [
                f"quote-to-cash:{deal.org}:{deal.deal_id}#1",
                f"activation:{key}#1",
                f"renewal-notice:{key}:2027-01-01#1",
            ]
            assert it.crm.recorded[key].status == "ended"
            assert (await it.reading.find(deal.deal_id)).contract_state == "ended"
            told = it.world.calls["crm.record_change"]
            handle = await _thrown_back(client, handle, it, deal, ContractState.ACTIVE)
            assert (await handle.result()).state == "ended"
            assert it.world.calls["crm.record_change"] == told


async def _thrown_back(
    client: Client,
    handle: WorkflowHandle[Any, Any],
    it: Lab,
    deal: Deal,
    state: ContractState = ContractState.SCHEDULED,
) -> WorkflowHandle[Any, Any]:
    """The contract's workflow as a reset leaves it: what it did since that state is done, and it
    does not know."""
    with contextlib.suppress(RPCError):  # it has ended
        await handle.terminate()
    memory = ContractMemory(
        contract_key=contract_key(deal.org, deal.deal_id),
        org=deal.org,
        deal_id=deal.deal_id,
        state=state,
        applied=(f"quote-to-cash:{deal.org}:{deal.deal_id}#1",),
        # One time for all: the service's and the contract's, the server's skips included.
        environment=Environment(business_offset_seconds=int(it.clock.offset.total_seconds())),
        start_at=datetime.combine(deal.start_date, time(0), UTC),
        end_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    return await client.start_workflow(
        ContractLifecycleWorkflow.run, memory, id=handle.id, task_queue=WORKFLOW_QUEUE
    )


async def _until(handle, state: str) -> dict[str, object]:
    for _ in range(400):
        try:
            view = await handle.query("status")
        except RPCError:
            view = {"state": "between runs"}
        if view["state"] == state:
            return view
        await asyncio.sleep(0.05)
    raise AssertionError(f"the contract is {view}, not {state}")
