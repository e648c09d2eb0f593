"""SN-9, EV-03, DM-03: the same webhook, at once and after every kind of end, makes one run.

Over the real inbox, the real relay and the real contract workflow; only an operator makes a new
generation.
"""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.errors import BadInput
from dealthread.naming import contract_key, contract_workflow_id, quote_to_cash_id
from dealthread.store.schema import inbox
from tests.fakes.world import Fault
from tests.support.deal_builder import d1
from tests.support.office import Office
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


JANUARY = date(2026, 1, 5)
"""D1 started a few days ago."""


async def test_ten_deliveries_at_once_and_ten_after_the_end_make_one_of_each(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Same message id: stored once. Another id for the same deal: one run all the same."""
    async with lab(dev_server, engine, JANUARY) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            created = await asyncio.gather(*(office.webhook(deal, "m-1") for _ in range(10)))
            assert sum(created) == 1
            await asyncio.gather(*(office.webhook(deal, f"m-{n}") for n in range(2, 6)))
            await asyncio.gather(office.relayed(), office.relayed())
            assert await office.ended(deal) == "completed"
            for number in range(10):
                await office.webhook(deal, f"again-{number}")
            await office.relayed()
            assert await office.run_count(deal) == 1
            assert (it.agreements(deal), it.bookings(deal, "US01")) == (1, 1)
            async with engine.connect() as connection:
                outcomes = (await connection.execute(select(inbox.c.outcome))).scalars().all()
            assert sorted(outcomes) == ["accepted"] + ["duplicate"] * 14


async def test_a_redelivery_after_a_stop_starts_nothing_until_an_operator_asks_again(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Compensated: the webhook stays a duplicate; generation 2 is a person's decision and gets
    keys of its own, so that no vendor replays the object that generation 1 undid."""
    async with lab(dev_server, engine, JANUARY) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            it.world.plan("billing.start_agreement", Fault.REJECTED, times=0)
            await office.webhook(deal, "m-1")
            await office.relayed()
            await it.decide(await it.case(deal), DecisionKind.ABORT)
            assert await office.ended(deal) == "compensated"
            it.world.heal()
            await office.webhook(deal, "m-2")
            await office.relayed()
            assert await office.run_count(deal) == 1
            assert it.agreements(deal) == 0

            key = quote_to_cash_id(deal.org, deal.deal_id)
            again = ChangeRequest(
                change_id=key,
                kind=ChangeKind.QUOTE_TO_CASH,
                generation=await it.runs.next_generation(key),
                org=deal.org,
                deal_id=deal.deal_id,
                requested_by="olga",
            )
            assert again.generation == 2
            await it.runs.claim(again, contract_key(deal.org, deal.deal_id))
            await office.relayed()
            assert await office.ended(deal) == "completed"
            assert (it.agreements(deal), it.bookings(deal, "US01", 2)) == (1, 1)
            with pytest.raises(BadInput, match="not_ended_undone"):
                await it.runs.next_generation(key)


async def test_a_redelivery_after_a_cancellation_starts_nothing(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """A cancelled run is not restarted by a webhook (a failed-only reuse policy would)."""
    async with lab(dev_server, engine, JANUARY) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            it.world.plan("erp.draft_booking", Fault.REJECTED, times=0)
            await office.webhook(deal, "m-1")
            await office.relayed()
            await it.case(deal)
            handle = dev_server.get_workflow_handle(quote_to_cash_id(deal.org, deal.deal_id))
            await handle.cancel()
            assert await office.ended(deal) == "cancelled"
            await office.webhook(deal, "m-2")
            await office.relayed()
            assert await office.run_count(deal) == 1
            assert (it.agreements(deal), it.bookings(deal, "US01")) == (0, 0)


async def test_a_contract_at_rest_is_small_and_refuses_to_be_cancelled(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """At most 10 events and 4 kB at rest; cancelling the workflow does not cancel the contract."""
    async with lab(dev_server, engine, JANUARY) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            await office.webhook(deal, "m-1")
            await office.relayed()
            assert await office.ended(deal) == "completed"
            key = contract_key(deal.org, deal.deal_id)
            handle = dev_server.get_workflow_handle(contract_workflow_id(key))
            history = await _at_rest(handle)
            assert len(history.events) <= 10
            assert sum(event.ByteSize() for event in history.events) <= 4096
            view = await handle.query("status")
            assert (view["state"], view["running"], view["queued"]) == ("active", "", [])
            await handle.cancel()
            await asyncio.sleep(0)
            assert (await handle.query("status"))["state"] == "active"
            assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def _at_rest(handle):
    for _ in range(200):
        try:
            view = await handle.query("status")
        except RPCError:
            view = {"running": "yes"}
        history = await handle.fetch_history()
        first = history.events[0].workflow_execution_started_event_attributes
        if not view["running"] and first.continued_execution_run_id:
            return history
        await asyncio.sleep(0.05)
    raise AssertionError("the contract did not come to rest")
