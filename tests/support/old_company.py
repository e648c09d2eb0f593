"""A company that sold and billed before us, in the laboratory of sagas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from activities.adoption_inputs import (
    AdoptionApproval,
    AdoptionProposed,
    AdoptionRequest,
    AdoptionResult,
)
from dealthread.domain.adoption.book import Answer
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.deal import Deal
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.naming import WORKFLOW_QUEUE, adoption_run_id, contract_key, contract_workflow_id
from dealthread.store.adoption import PostgresAdoption
from dealthread.store.schema import contracts
from tests.support.deal_builder import d1
from tests.support.office import Office
from tests.support.old_book import ACCOUNT, OPENING, bill, customer, item, party, subscription, usd
from tests.support.saga_lab import Lab, fresh, lab
from workflows.adoption import AdoptionProposalWorkflow, AdoptionRunWorkflow

SEPTEMBER = OPENING


@dataclass
class Old:
    """A company that sold and billed one deal before us, and the means to adopt it."""

    it: Lab
    office: Office
    deal: Deal
    store: PostgresAdoption

    @property
    def key(self) -> str:
        """Of the contract that it becomes."""
        return contract_key(self.deal.org, self.deal.deal_id)

    async def propose(self) -> AdoptionProposed:
        """As `adopt propose`."""
        result: AdoptionProposed = await self.it.client.execute_workflow(
            AdoptionProposalWorkflow.run,
            AdoptionRequest(
                seller="US01", as_of=OPENING, won_from=date(2025, 1, 1), requested_by="anna"
            ),
            id=f"adoption-proposal:{self.key}",
            task_queue=WORKFLOW_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
        return result

    async def approve(self, plan: AdoptionProposed) -> AdoptionResult:
        """As `adopt approve`, by a second person."""
        result: AdoptionResult = await self.it.client.execute_workflow(
            AdoptionRunWorkflow.run,
            AdoptionApproval(plan_id=plan.plan_id, digest=plan.digest, approved_by="ben"),
            id=adoption_run_id(plan.plan_id),
            task_queue=WORKFLOW_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
        return result

    async def active(self) -> Contract:
        """Its references are put on: the contract runs."""
        await self.office.relayed()
        for _ in range(400):
            if await self.it.contracts.state(self.key) is ContractState.ACTIVE:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(await self.it.contracts.state(self.key))
        found = await self.it.contracts.read(self.key)
        assert found is not None
        return found

    async def rests(self) -> dict[str, Any]:
        """What its workflow says once the adoption's run is over, which is after its last write."""
        handle = self.it.client.get_workflow_handle(contract_workflow_id(self.key))
        view: dict[str, Any] = {}
        for _ in range(400):
            view = await handle.query("status")
            if view["state"] == "active" and not view["running"]:
                return view
            await asyncio.sleep(0.05)
        raise AssertionError(view)

    async def counted(self) -> int:
        """Contracts in our store."""
        async with self.it.engine.connect() as connection:
            query = select(func.count()).select_from(contracts)
            return int((await connection.execute(query)).scalar_one())


@asynccontextmanager
async def old_company(
    client: Client,
    engine: AsyncEngine,
    url: str,
    change_deal: Callable[[Deal], Deal] = lambda deal: deal,
) -> AsyncIterator[Old]:
    """D1 as it stands on the first of September: eight months recognised, the invoice unpaid."""
    async with lab(client, engine, SEPTEMBER) as it:
        deal = change_deal(fresh(d1()))
        it.world.deals[deal.deal_id] = deal
        account = it.billing.account(ACCOUNT)
        account.customers["cus_1"] = customer()
        account.subscriptions["sub_1"] = subscription(named=(deal.deal_id,))
        account.open_bills["in_AL-0007"] = bill()
        it.erp.old.parties["1", "17"] = party()
        it.erp.old.items["1", "9-AL-0007"] = item()
        day = date(2026, 1, 1)
        it.erp.enter_by_hand("1", day, "1100", "2300", usd("15000.00"))
        it.erp.enter_by_hand("1", day, "1100", "2110", usd("891.00"))
        it.erp.enter_by_hand("1", date(2026, 8, 31), "2300", "4000", usd("8321.90"))
        it.erp.enter_by_hand("1", date(2026, 2, 13), "2300", "4200", usd("2500.00"))
        office = Office(it, url, client)
        store = PostgresAdoption(engine)
        await store.say("US01", Answer(deal_id=deal.deal_id, done_lines=("L2",), said_by="rita"))
        async with office.pool:
            yield Old(it, office, deal, store)


def old_bill(contract: Contract) -> Bill:
    """The old invoice as the biller tells it, its lines by the items that are marked now."""
    seats, onboarding = contract.lines
    lines = tuple(
        InvoiceLine(
            line_key=line.line_key,
            net=usd(net),
            tax=usd(tax),
            period_start=line.start_date,
            period_end=line.end_date,
        )
        for line, net, tax in ((seats, "13500.00", "891.00"), (onboarding, "1500.00", "0.00"))
    )
    old = bill()
    return Bill(
        ref=old.ref,
        number=old.number,
        status=InvoiceStatus.OPEN,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency="USD",
        lines=lines,
        net=usd("15000.00"),
        tax=usd("891.00"),
        gross=usd("15891.00"),
        balance_used=usd("0.00"),
        remaining=usd("15891.00"),
        issue_date=date(2026, 1, 1),
        due_date=date(2026, 9, 30),
        finalised_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
