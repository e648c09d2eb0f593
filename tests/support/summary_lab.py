"""Self-service invoices in the laboratory, of a seller that summarises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities.invoice_inputs import InvoiceInput
from activities.posting_summary_inputs import SummaryInput
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.documents import ErpCustomer
from dealthread.domain.party import BuyerSnapshot, TaxId
from dealthread.domain.posting_policy import InvoicePosting, PostingPolicy
from dealthread.naming import WORKFLOW_QUEUE, invoice_id, summary_id
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of, mirrored, told, until
from tests.support.saga_lab import Lab, fresh
from workers.ports import Ports
from workflows.invoice_to_cash import InvoiceToCashWorkflow
from workflows.posting_summary import PostingSummaryWorkflow

JANUARY = date(2026, 1, 1)
CONTROL = "A-CARDCUSTOMERS"
"""Key of US01's control customer."""


def summarising(ports: Ports) -> Ports:
    """US01 posts a summary from the first invoice on."""
    config = with_policy(ports.config(), above=0)
    return replace(ports, config=lambda: config)


def above(count: int) -> Callable[[Ports], Ports]:
    """From so many invoices in the month before on."""
    return lambda ports: replace(ports, config=lambda: with_policy(ports.config(), count))


def with_policy(config: ConfigSet, above: int) -> ConfigSet:
    policy = PostingPolicy(
        invoices=InvoicePosting.DAILY_SUMMARY, above=above, summary_customer=CONTROL
    )
    entities = (
        one.model_copy(update={"posting": policy}) if one.code == "US01" else one
        for one in config.legal_entities
    )
    return config.model_copy(update={"legal_entities": tuple(entities)})


def control_customer(it: Lab) -> None:
    """The ERP has it: accounting made it there."""
    it.erp.customers["1", CONTROL] = ErpCustomer(
        ref=Ref(system=System.ERP, account="tryton.1", kind="customer", native_id="900"),
        customer_key=CONTROL,
    )


async def keyed(it: Lab, bill: Bill) -> WorkflowHandle:
    """News of an invoice, in the world's time."""
    account, native_id = bill.ref.account, bill.ref.native_id
    return await it.client.start_workflow(
        InvoiceToCashWorkflow.run,
        InvoiceInput(
            billing_account=account,
            invoice_id=native_id,
            business_offset_seconds=it.offset_seconds(),
        ),
        id=invoice_id(account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="news",
    )


async def billed(
    it: Lab, number: int, day: date = JANUARY, tax_ids: tuple[TaxId, ...] = ()
) -> tuple[Bill, WorkflowHandle]:
    """D1's first invoice, to be charged by card: the CRM shows it, the ledger has nothing."""
    contract: Contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{number}_{contract.key}", day)
    bill = bill.model_copy(
        update={
            "number": f"US01-{number:06d}",
            "buyer": BuyerSnapshot(name="Harborline", tax_ids=tax_ids),
        }
    )
    it.billing.bills[bill.ref.native_id] = bill
    handle = await keyed(it, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    return bill, handle


async def by_card(it: Lab, bill: Bill, day: date = JANUARY) -> Bill:
    """The card pays it whole; told."""
    after = it.billing.pay(bill.ref.native_id, bill.remaining, day, PaymentWay.PROCESSOR)
    await keyed(it, after)
    return after


async def post_now(it: Lab, part: int = 1, day: date = JANUARY) -> int:
    """The morning's run, at once: how many invoices it holds."""
    name = summary_id("US01", "USD", day, part)
    handle = it.client.get_workflow_handle_for(PostingSummaryWorkflow.run, name)
    await handle.signal(PostingSummaryWorkflow.now)
    return await handle.result()


async def rested(handle: WorkflowHandle) -> None:
    """The run has read what it was told, and waits."""
    for _ in range(200):
        events = (await handle.fetch_history()).events
        if events[-1].event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not rest")


async def summary_order(it: Lab, run: WorkflowHandle) -> SummaryInput:
    """With what a summary's run was begun."""
    begun = (await run.fetch_history()).events[0].workflow_execution_started_event_attributes
    (order,) = await it.client.data_converter.decode(begun.input.payloads, [SummaryInput])
    return order


async def heard(it: Lab, bill: Bill, kind: str) -> None:
    """Subscribers hear it, once."""
    for _ in range(200):
        found = await told(it, bill.contract_key, kind)
        if found:
            assert len(found) == 1
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{kind} was not told")
