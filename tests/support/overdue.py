"""An invoice that nobody pays, and the means to let time pass over it, on a server that skips."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from activities.collections_inputs import CollectionsInput, OrderKind, PursuitOrder
from activities.invoice_inputs import InvoiceInput
from dealthread.bridge.starting import tell_collections
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.documents import EntitlementState
from dealthread.domain.dunning import Pursuit
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.naming import WORKFLOW_QUEUE, collections_id, invoice_id
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.schema import outbox
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of
from tests.support.saga_lab import Lab, fresh, lab
from workflows.collections import CollectionsWorkflow
from workflows.invoice_to_cash import InvoiceToCashWorkflow

ISSUED = date(2026, 1, 1)
"""D1 is due when it is issued (terms DUE): stages of US01 are on 4, 11, 18 and 31 January."""


@dataclass
class Debt:
    """One unpaid invoice of one contract."""

    it: Lab
    server: WorkflowEnvironment
    contract: Contract
    invoice: str
    together: list[str] = field(default_factory=list)
    """The invoices of the test: time passes over all of them."""

    @property
    def account(self) -> str:
        return self.contract.billing_account

    @property
    def bill(self) -> Bill:
        return self.it.billing.bills[self.invoice]

    def offset(self) -> int:
        assert self.it.clock.offset is not None
        return int(self.it.clock.offset.total_seconds())

    def pursuing(self) -> WorkflowHandle[Any, Any]:
        return self.it.client.get_workflow_handle(collections_id(self.account, self.invoice))

    async def ended(self) -> str:
        """How the run ended."""
        return await ended(self.pursuing())

    async def pursue(self) -> None:
        """As InvoiceToCash does it."""
        await self.it.client.start_workflow(
            CollectionsWorkflow.run,
            CollectionsInput(
                billing_account=self.account,
                invoice_id=self.invoice,
                business_offset_seconds=self.offset(),
            ),
            id=collections_id(self.account, self.invoice),
            task_queue=WORKFLOW_QUEUE,
        )

    async def news(self) -> None:
        """As the relay tells it."""
        await self.it.client.start_workflow(
            InvoiceToCashWorkflow.run,
            InvoiceInput(
                billing_account=self.account,
                invoice_id=self.invoice,
                business_offset_seconds=self.offset(),
            ),
            id=invoice_id(self.account, self.invoice),
            task_queue=WORKFLOW_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="news",
        )
        await self.heard()

    async def heard(self) -> None:
        """The pursuit hears that there is news."""
        await tell_collections(self.it.client, self.account, self.invoice)

    async def order(self, kind: OrderKind, until: date | None = None, reason: str = "") -> str:
        order = PursuitOrder(kind=kind, actor="olga", reason=reason, until=until)
        return str(await self.pursuing().execute_update("order", order))

    def pay(self, amount: Money | None = None) -> None:
        day = self.it.world.today.date()
        self.it.billing.pay(self.invoice, amount or self.bill.remaining, day, PaymentWay.BANK)

    def becomes(self, status: InvoiceStatus) -> None:
        self.it.billing.bills[self.invoice] = self.bill.model_copy(update={"status": status})

    async def go_to(self, day: date) -> None:
        assert self.it.clock.offset is not None
        await go_to(self.server, day, self.it.clock.offset, self._runs())

    async def quiet(self) -> None:
        await quiet(self.it.client, self._runs())

    def _runs(self) -> list[str]:
        ids = (invoice_id, collections_id)
        return [of(self.account, invoice) for invoice in self.together for of in ids]

    async def stands(self) -> Pursuit | None:
        return await PostgresPursuits(self.it.engine).of_invoice(self.invoice)

    async def until(self, holds: Callable[[Pursuit], bool]) -> Pursuit:
        """Until the store shows it so, and the CRM the same."""
        found = None
        for _ in range(400):
            found = await self.stands()
            is_there = found is not None and holds(found)
            if found is not None and is_there and self.shown() == (found.outcome or found.state):
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"the pursuit is {found}, the CRM shows {self.shown()}")

    async def at_stage(self, stage: int) -> Pursuit:
        return await self.until(lambda found: found.stage == stage)

    def shown(self) -> str | None:
        """What the CRM says of it."""
        told = self.it.crm.collections.get(self.bill.ref)
        return None if told is None else told.state

    async def access(self) -> EntitlementState:
        found = await self.it.entitlement.find(self.contract.key, idempotency_key="")
        assert found is not None
        return found.state

    async def told(self, sort: str) -> list[dict[str, Any]]:
        """Data of the events of a sort about the contract, oldest first."""
        query = (
            select(outbox.c.body)
            .where(outbox.c.subject == self.contract.key, outbox.c.type.contains(f".{sort}."))
            .order_by(outbox.c.created_at)
        )
        async with self.it.engine.connect() as connection:
            bodies = (await connection.execute(query)).scalars()
            return [{"type": body["type"].split(".")[2], **body["data"]} for body in bodies]

    def another(self) -> Debt:
        """One more unpaid invoice of the same contract."""
        invoice = f"{self.together[0]}-{len(self.together) + 1}"
        self.it.billing.bills[invoice] = bill_of(self.contract, invoice, ISSUED)
        self.together.append(invoice)
        return Debt(self.it, self.server, self.contract, invoice, self.together)


async def ended(handle: WorkflowHandle[Any, Any]) -> str:
    """How a run ended. Not by awaiting its result: the server would skip meanwhile."""
    for _ in range(1500):
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            return str(await handle.result())
        await asyncio.sleep(0.02)
    raise AssertionError("the run did not end")


async def go_to(
    server: WorkflowEnvironment, day: date, offset: timedelta, runs: Sequence[str]
) -> None:
    """Until nine o'clock of a business day, and everything that is due then has been done.

    From midnight to midnight: timers of pursuits fire then, at the end of a skip. Where work is
    under way in the midst of one, the server may never come back from it.
    """
    there = datetime.combine(day, time(9), UTC)
    while (now := await server.get_current_time() + offset) < there:
        midnight = datetime.combine(now.date() + timedelta(days=1), time(0), UTC)
        await quiet(server.client, runs)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.sleep(min(midnight, there) - now), 10)
    await quiet(server.client, runs)


async def quiet(client: Client, runs: Sequence[str]) -> None:
    """Until each of the runs does nothing but wait."""
    for workflow_id in runs:
        for _ in range(400):
            if await _waits(client, workflow_id):
                break
            await asyncio.sleep(0.01)


async def _waits(client: Client, workflow_id: str) -> bool:
    try:
        told = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return True
        raise
    raw = told.raw_description
    busy = raw.pending_activities or raw.HasField("pending_workflow_task")
    return told.status is not WorkflowExecutionStatus.RUNNING or not busy


@asynccontextmanager
async def owed(server: WorkflowEnvironment, engine: AsyncEngine) -> AsyncIterator[Debt]:
    """D1's first invoice, issued and due on 1 January, open."""
    async with lab(server.client, engine, ISSUED) as it:
        # While a result is awaited the server may skip: time passes from the sale on.
        contract = await sold(it, fresh(d1()))
        await it.follow_the_server()
        assert it.clock.offset is not None
        it.clock.offset = timedelta(seconds=int(it.clock.offset.total_seconds()))
        invoice = f"in_{contract.key}"
        it.billing.bills[invoice] = bill_of(contract, invoice, ISSUED)
        yield Debt(it, server, contract, invoice, [invoice])
