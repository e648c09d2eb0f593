"""EV-09: events are told by acts, never by rows: a row that changes by itself tells nothing, a
state that is written twice tells one event, one that nobody approved none, and what a row holds
is not what is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from typing import Any

import pytest
from sqlalchemy import DateTime, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key
from dealthread.store.schema import metadata, outbox
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d1, d2
from tests.support.events_told import breaches_of
from tests.support.invoice_lab import bill_of, mirrored, news, told
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

JANUARY = date(2026, 1, 5)
DUE = date(2026, 12, 1)
LATE = date(2026, 4, 20)
"""D2 started 36 days before: a second person has to approve it."""
CORE = ("contracts", "contract_versions", "bills", "runs", "journal", "cases")


async def _bodies(engine: AsyncEngine, key: str = "") -> list[dict[str, Any]]:
    query = select(outbox.c.body).order_by(outbox.c.created_at, outbox.c.id)
    if key:
        query = query.where(outbox.c.subject == key)
    async with engine.connect() as connection:
        return list((await connection.execute(query)).scalars())


async def _types(engine: AsyncEngine, deal: Deal) -> Counter[str]:
    """How often each type was told of a deal's contract."""
    bodies = await _bodies(engine, contract_key(deal.org, deal.deal_id))
    return Counter(body["type"] for body in bodies)


async def _billed(it: Lab, deal: Deal) -> None:
    """Sold, and its first invoice is in the ledger and due much later."""
    contract = await sold(it, deal)
    bill = bill_of(contract, f"in_{contract.key}", JANUARY)
    bill = bill.model_copy(update={"due_date": DUE})
    it.billing.bills[bill.ref.native_id] = bill
    await news(it.client, bill)
    for _ in range(600):
        if bill.ref.native_id in mirrored(it) and await told(it, contract.key, "invoice.posted"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the invoice was not posted")


async def test_a_row_that_changes_by_itself_tells_nothing(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Each row of every table is written anew with later instants, as a restore or a migration
    does; then every loop of the relay looks. No new event, no other one."""
    async with lab(dev_server, engine, JANUARY) as it:
        await _billed(it, fresh(d1()))
        before = await _bodies(engine)
        assert len(before) > 4
        written = 0
        async with engine.begin() as connection:
            for table in metadata.sorted_tables:
                if table is outbox:
                    continue
                instants = [
                    column.name for column in table.columns if isinstance(column.type, DateTime)
                ]
                column = instants[0] if instants else table.columns.keys()[0]
                value = f"{column} + interval '1 second'" if instants else column
                changed = await connection.execute(
                    text(f"UPDATE {table.name} SET {column} = {value}")  # noqa: S608 our own names
                )
                written += changed.rowcount
        assert written > 20
        office = Office(it, database_url, dev_server)
        async with office.pool:
            await office.relayed()
            await office.relay.take_bills()
            await office.relay.deliver_decisions()
            await it.cases.escalate(50)
        assert await _bodies(engine) == before


async def test_a_state_that_is_written_twice_tells_one_event(
    client: Client, engine: AsyncEngine
) -> None:
    """The answer of every act is lost once, so that each is looked up and its end written again;
    what is told is what an undisturbed deal tells."""
    async with lab(client, engine, JANUARY) as it:
        undisturbed, disturbed = fresh(d1()), fresh(d1())
        assert (await (await it.start(undisturbed)).result()).outcome is ChangeOutcome.COMPLETED
        acts = it.did(undisturbed)
        assert len(acts) > 4
        it.world.calls.clear()
        lost = [it.world.plan(act, Fault.LOST) for act in acts]
        assert (await (await it.start(disturbed)).result()).outcome is ChangeOutcome.COMPLETED
        assert [one.met for one in lost] == [1] * len(lost)
        twice = await _types(engine, disturbed)
        assert set(twice.values()) == {1}
        assert twice == await _types(engine, undisturbed)


async def test_what_nobody_approved_is_told_as_nothing_but_a_case(
    client: Client, engine: AsyncEngine
) -> None:
    """No state of a contract is told while a deal waits for a second person, nor once it is
    rejected; approved, all of it is."""
    async with lab(client, engine, LATE) as it:
        rejected, approved = fresh(d2()), fresh(d2())
        for deal, decision in (
            (rejected, DecisionKind.REJECT),
            (approved, DecisionKind.APPROVE),
        ):
            handle = await it.start(deal)
            case = await it.case(deal)
            assert case.kind == "deal.approval"
            assert await _types(engine, deal) == {"dealthread.case.opened.v1": 1}
            await it.decide(case, decision, actor="anna")
            await handle.result()
        assert await _types(engine, rejected) == {"dealthread.case.opened.v1": 1}
        assert await _types(engine, approved) == {
            "dealthread.case.opened.v1": 1,
            "dealthread.opportunity.closed.v1": 1,
            "dealthread.subscription.started.v1": 1,
            "dealthread.entitlement.activated.v1": 1,
            "dealthread.service_status.changed.v1": 1,
            "dealthread.contract.activated.v1": 1,
        }


async def test_a_table_that_changes_changes_no_event(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """With another column in each of the core tables, filled in every row, the same acts tell the
    same fields."""
    async with lab(dev_server, engine, JANUARY) as it:
        old, new = fresh(d1()), fresh(d1())
        await _billed(it, old)
        async with engine.begin() as connection:
            for table in CORE:
                await connection.execute(
                    text(f"ALTER TABLE {table} ADD COLUMN shadow text NOT NULL DEFAULT 'shadow'")
                )
        await _billed(it, new)
        fields = {}
        for deal in (old, new):
            bodies = await _bodies(engine, contract_key(deal.org, deal.deal_id))
            assert [breaches_of(body) for body in bodies] == [[]] * len(bodies)
            assert "shadow" not in str(bodies)
            fields[deal.deal_id] = sorted((body["type"], sorted(body["data"])) for body in bodies)
        assert fields[old.deal_id] == fields[new.deal_id]
        assert len(fields[new.deal_id]) == 7
