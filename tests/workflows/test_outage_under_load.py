"""RS-07, RS-08, RS-11: an ERP that is away under load, and two worker processes of which one dies
meanwhile. Deals and invoices are accepted, access is not delayed, nothing knocks at the ERP, and
when it is back everything is posted once, serially for each company, the money first."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle

from dealthread.domain.bill import Bill
from dealthread.domain.circuit import CircuitState
from dealthread.domain.deal import Deal
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key, erp_task_queue
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d1, d2
from tests.support.invoice_lab import bill_of, mirrored, news, told, until
from tests.support.outage import ERP, outage_lab
from tests.support.saga_lab import Lab, fresh

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
TODAY = date(2026, 1, 5)
KINDS = (d1, lambda: d2().model_copy(update={"start_date": TODAY, "end_date": date(2027, 1, 5)}))
"""A deal of the US company, one of the German company."""
PATIENCE = 120.0
"""Seconds until a wait is given up. The CRM is told of an invoice in pauses that double."""
WRITES = ("erp.create_customer", "erp.draft_booking", "erp.confirm_booking", "erp.post_invoice")


def deals(of_each: int) -> list[Deal]:
    return [fresh(kind()) for _ in range(of_each) for kind in KINDS]


async def billed(it: Lab, deal: Deal) -> Bill:
    """The biller has finalised the deal's first invoice, and we have heard of it."""
    contract = await it.contracts.read(contract_key(deal.org, deal.deal_id))
    assert contract is not None
    bill = bill_of(contract, f"in_{contract.key}", TODAY)
    it.billing.bills[bill.ref.native_id] = bill
    await news(it.client, bill)
    return bill


async def waits_with(handle: WorkflowHandle[object, object], kind: str) -> None:
    """Until a run has an activity of a kind in its queue."""
    for _ in range(int(PATIENCE / 0.05)):
        pending = (await handle.describe()).raw_description.pending_activities
        if any(one.activity_type.name == kind for one in pending):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{kind} was not asked for")


async def test_thirty_deals_and_their_invoices_wait_for_the_ledger_and_go_the_money_first(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with outage_lab(dev_server, engine, TODAY) as away:
        it = away.it
        old = deals(3)
        await asyncio.gather(*(sold(it, deal) for deal in old))
        # Booked and billed, and about to be confirmed: the plain work that waits first.
        hang = it.world.plan("entitlement.grant", Fault.HANG, times=0)
        begun = deals(3)
        handles = [await it.start(deal) for deal in begun]
        await until(lambda: hang.met == len(begun), PATIENCE)

        await away.begins()
        opened = away.circuit
        assert opened.state is CircuitState.OPEN
        it.world.faults.clear()
        it.world.let_go.set()
        granted = it.world.calls["entitlement.grant"]
        before = len(away.ledgers.done)
        assert away.switch.knocked.total() == 3, "the calls that found out"
        probes = await away.lasts(timedelta(minutes=20))
        new = deals(9)
        late = [await it.start(deal) for deal in new]
        handles += late
        await until(lambda: it.world.calls["entitlement.grant"] == granted + len(new), PATIENCE)
        await asyncio.gather(*(waits_with(one, "erp.prepare_booking") for one in late))
        bills = [await billed(it, deal) for deal in old + new]
        await away.first_process_dies()
        probes += await away.lasts(timedelta(minutes=40))
        assert away.switch.knocked.total() == 3 + probes, "one process probes, nobody else knocks"
        assert len(away.ledgers.done) == before
        assert await it.cases.listing(None, "", 100) == []
        assert len(await away.circuits.incidents(closed=True, limit=10)) == 1

        await away.ends()
        results = await asyncio.gather(*(handle.result() for handle in handles))
        assert {one.outcome for one in results} == {ChangeOutcome.COMPLETED}
        await until(lambda: all(bill.ref.native_id in mirrored(it) for bill in bills), PATIENCE)
        assert await it.cases.listing(None, "", 100) == []

        # Once each, in one process, one at a time for each company.
        effects = Counter((method, key) for method, key in it.world.effects if method in WRITES)
        assert set(effects.values()) == {1}
        assert Counter(method for method, _ in effects) == {
            "erp.create_customer": 30,
            "erp.draft_booking": 30,
            "erp.confirm_booking": 30,
            "erp.post_invoice": 24,
        }
        assert set(away.ledgers.most.values()) == {1}
        drained = away.ledgers.done[before:]
        assert {process for process, _, _ in drained} == {"second"}
        for company in ("1", "2"):
            queue = erp_task_queue(ERP, company)
            order = [kind for _, name, kind in drained if name == queue]
            money = {"invoice.post", "erp.prepare_booking"}
            assert Counter(order) == {
                "invoice.post": 12,
                "erp.prepare_booking": 9,
                "erp.confirm_booking": 12,
            }
            first_plain = order.index("erp.confirm_booking")
            assert set(order[:first_plain]) == money
            assert len(order[:first_plain]) == 21, order

        # One outage, told twice: that it began, that it is over.
        (outage,) = await away.circuits.incidents(closed=True, limit=10)
        assert (outage.incident, outage.closed_by) == (opened.incident, "breaker")
        for kind in (EventType.CIRCUIT_OPENED, EventType.CIRCUIT_CLOSED):
            assert len(await told(it, outage.incident, kind)) == 1
