"""The life of one contract on the time-skipping server: years in seconds."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.documents import BookingState
from dealthread.naming import contract_key, contract_workflow_id, erp_document_key
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.office import Office
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_a_deal_that_starts_later_is_scheduled_then_active_then_ended(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Booked as a draft when signed, confirmed on the start date, ended with the term."""
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
            await skipping_server.sleep(timedelta(days=370))
            view = await _until(handle, "ended")
            assert view["applied"] == [
                f"quote-to-cash:{deal.org}:{deal.deal_id}#1",
                f"activation:{key}#1",
                f"renewal-notice:{key}:2027-01-01#1",
            ]
            assert it.crm.recorded[key].status == "ended"
            assert (await it.reading.find(deal.deal_id)).contract_state == "ended"


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
