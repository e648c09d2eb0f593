"""The biller's events of one look: each thing that they are about is told once (PF-07)."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from dealthread.bridge.bill_duty import BillDuty
from dealthread.naming import invoice_id, payout_id
from dealthread.settings import Settings
from dealthread.store.schema import inbox
from tests.support.saga_lab import settings_for

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
ACCOUNT = "acct_of_one_look"
TOLD = (
    ("invoice.finalized", {"id": "in_one"}),
    ("invoice.paid", {"id": "in_one"}),
    ("invoice_payment.paid", {"id": "inpay_1", "invoice": "in_one"}),
    ("invoice.paid", {"id": "in_other"}),
    ("invoice.paid", {"id": 7}),
    ("payout.paid", {"id": "po_1"}),
    ("customer.updated", {"id": "cus_1"}),
)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, "{}")


async def test_several_events_of_an_invoice_are_one_message_and_each_has_its_outcome(
    dev_server: Client, engine: AsyncEngine, settings: Settings
) -> None:
    """Nobody works here: what was sent is read from the runs' histories."""
    async with engine.begin() as connection:
        await connection.execute(
            insert(inbox),
            [
                {
                    "source": "stripe",
                    "account": ACCOUNT,
                    "message_id": f"evt_{number}",
                    "content_type": "application/json",
                    "body": json.dumps({"type": kind, "data": {"object": about}}).encode(),
                    "state": "held",
                }
                for number, (kind, about) in enumerate(TOLD)
            ],
        )
    runs = [
        invoice_id(ACCOUNT, "in_one"),
        invoice_id(ACCOUNT, "in_other"),
        payout_id(ACCOUNT, "po_1"),
    ]
    duty = BillDuty(settings, dev_server, engine, asyncio.Semaphore(2))
    assert await duty.take(50) == len(TOLD)
    handles = [dev_server.get_workflow_handle(run) for run in runs]
    assert [await _signals(one) for one in handles] == [1, 1, 1]
    for one in handles:
        await one.terminate()
    async with engine.connect() as connection:
        query = select(inbox.c.outcome, inbox.c.business_key).order_by(inbox.c.message_id)
        rows = (await connection.execute(query.where(inbox.c.account == ACCOUNT))).all()
    assert [tuple(row) for row in rows] == [
        *[("accepted", runs[0])] * 3,
        ("accepted", runs[1]),
        ("not_an_invoice_id: data.object", ""),
        ("accepted", runs[2]),
        ("ignored: not about an invoice", ""),
    ]
    assert await duty.take(50) == 0


async def _signals(handle: WorkflowHandle[object, object]) -> int:
    history = await handle.fetch_history()
    signaled = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    return sum(1 for event in history.events if event.event_type == signaled)
