"""A plan of several contracts, and everybody dies among them."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.adoption.book import Answer
from dealthread.domain.adoption.plan import Proposal
from dealthread.hub import ContractVersionRecord
from dealthread.store.adoption import PostgresAdoption
from dealthread.store.amount_sources import AmountSources
from dealthread.store.schema_adoption import adopted_openings
from tests.support.deal_builder import d1
from tests.support.old_book import (
    ACCOUNT,
    bill,
    customer,
    item,
    party,
    seats,
    subscription,
    usd,
)
from tests.support.old_company import Old, old_company
from tests.support.saga_lab import fresh

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_killed_between_two_contracts_it_goes_on_with_the_second(
    dev_server: Client,
    engine: AsyncEngine,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three deals; every worker dies while the second is written. Each is written
    once, and each is put on the systems once."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        for number in (2, 3):
            await _one_more_deal(old, number)
        plan = await old.propose()
        assert (plan.contracts, plan.unmatched_count, plan.is_tied) == (3, 0, True)
        write, written = PostgresAdoption.write, list[str]()
        is_dying, never = asyncio.Event(), asyncio.Event()

        async def dies(
            self: PostgresAdoption, plan_id: str, one: Proposal, version: ContractVersionRecord
        ) -> None:
            if len(written) == 1:
                is_dying.set()
                await never.wait()
            await write(self, plan_id, one, version)
            written.append(version.contract.key)

        monkeypatch.setattr(PostgresAdoption, "write", dies)
        run = asyncio.create_task(old.approve(plan))
        await asyncio.wait_for(is_dying.wait(), 30)
        await it.workers.stop()
        assert await old.counted() == 1
        kept = await old.store.plan(plan.plan_id)
        assert (kept.state, kept.written) == ("approved", 1)
        monkeypatch.undo()
        await it.workers.start()
        await run
        assert await old.counted() == 3
        await old.office.relayed()
        for _ in range(400):
            kept = await old.store.plan(plan.plan_id)
            if kept.settled == 3:
                break
            await asyncio.sleep(0.05)
        assert (kept.state, kept.written, kept.settled) == ("done", 3, 3)
        async with engine.connect() as connection:
            openings = (await connection.execute(select(adopted_openings.c.contract_key))).all()
        assert len(openings) == 3
        assert sorted(
            method for method, _ in it.world.effects if method != "erp.take_over_customer"
        ) == [
            *["billing.take_over"] * 3,
            *["crm.record_contract"] * 3,
        ]
        assert await AmountSources(engine).missing() == []
        assert (await old.approve(plan)).written == 3
        assert (await old.propose()).contracts == 0


async def _one_more_deal(old: Old, number: int) -> None:
    """Of another customer, with an invoice of its own."""
    it, deal, name = old.it, fresh(d1()), f"AL-100{number}"
    it.world.deals[deal.deal_id] = deal
    account, owner = it.billing.account(ACCOUNT), customer(f"cus_{number}")
    account.customers[f"cus_{number}"] = owner
    account.subscriptions[f"sub_{number}"] = subscription(
        f"sub_{number}",
        customer=owner.ref,
        named=(deal.deal_id,),
        items=(seats(native_id=f"si_{number}"),),
    )
    account.open_bills[f"in_{name}"] = bill(name, customer=owner.ref, subscription=f"sub_{number}")
    payer = party(f"2{number}", f"1002{number}")
    it.erp.old.parties["1", f"2{number}"] = payer
    it.erp.old.items["1", f"9-{name}"] = item(name, party=payer.ref)
    for day, debit, credit, amount in (
        (date(2026, 1, 1), "1100", "2300", "15000.00"),
        (date(2026, 1, 1), "1100", "2110", "891.00"),
        (date(2026, 8, 31), "2300", "4000", "8321.90"),
        (date(2026, 2, 13), "2300", "4200", "2500.00"),
    ):
        it.erp.enter_by_hand("1", day, debit, credit, usd(amount))
    accepted = Answer(deal_id=deal.deal_id, done_lines=("L2",), said_by="rita")
    await old.store.say("US01", accepted)
