"""Bills of the worked deals, and what the systems of the laboratory hold of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import select
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities.invoice_inputs import InvoiceInput
from dealthread.config import load_config
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.standing import Standing, standing_of
from dealthread.naming import WORKFLOW_QUEUE, invoice_id
from dealthread.store.money_reading import MoneyReading
from dealthread.store.schema import outbox
from tests.support.deal_builder import CONFIG_DIR
from tests.support.saga_lab import Lab
from workflows.invoice_to_cash import InvoiceToCashWorkflow

START = date(2026, 1, 1)


def ref_of(account: str, kind: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account=account, kind=kind, native_id=native_id)


def number_of(native_id: str) -> str:
    """The legal number of an invoice in the laboratory: the first of a series of its own."""
    return f"N-{native_id}-0001"


def bill_of(contract: Contract, native_id: str, day: date) -> Bill:
    """The first invoice of a contract, with the biller's own amounts from the fact sheet."""
    lines = tuple(
        InvoiceLine(
            line_key=line.line_key,
            description=line.product_name,
            net=line.net_per_period,
            tax=line.tax.amount,
            tax_rate=line.tax.code,
            period_start=line.start_date,
            period_end=line.end_date,
        )
        for line in contract.lines
    )
    net = Money.total((line.net for line in lines), contract.currency)
    tax = Money.total((line.tax for line in lines), contract.currency)
    return Bill(
        ref=ref_of(contract.billing_account, "invoice", native_id),
        number=number_of(native_id),
        status=InvoiceStatus.OPEN,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency=contract.currency,
        lines=lines,
        net=net,
        tax=tax,
        gross=net + tax,
        balance_used=Money.zero(contract.currency),
        remaining=net + tax,
        issue_date=day,
        due_date=day,
        finalised_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
    )


def paid_bill(bill: Bill, amount: Money, day: date, way: PaymentWay) -> Bill:
    left = bill.remaining - amount
    native_id = f"py_{len(bill.payments) + 1}_{bill.ref.native_id}"
    payment = BillPayment(
        ref=ref_of(bill.ref.account, "payment", native_id),
        amount=amount,
        paid_on=day,
        way=way,
        processor_id=f"pi_{native_id}" if way is PaymentWay.PROCESSOR else "",
    )
    return bill.model_copy(
        update={
            "payments": (*bill.payments, payment),
            "remaining": left,
            "status": InvoiceStatus.OPEN if left else InvoiceStatus.PAID,
        }
    )


async def news(client: Client, bill: Bill) -> WorkflowHandle:
    """As the relay tells it."""
    account, native_id = bill.ref.account, bill.ref.native_id
    return await client.start_workflow(
        InvoiceToCashWorkflow.run,
        InvoiceInput(billing_account=account, invoice_id=native_id),
        id=invoice_id(account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="news",
    )


async def standing(it: Lab, contract: Contract, day: date) -> Standing:
    """The money view of one contract."""
    async for (facts,) in MoneyReading(it.engine).facts(day, contract_key=contract.key):
        return standing_of(facts, day, load_config(CONFIG_DIR))
    raise AssertionError("the contract is not known")


def balances(it: Lab, company: str) -> dict[str, Decimal]:
    rows = it.erp.ledger.trial_balance(company, date(2100, 1, 1))
    return {row.account: row.balance.amount for row in rows if row.balance}


async def told(it: Lab, key: str, kind: str) -> list[dict[str, str]]:
    query = select(outbox.c.body).where(outbox.c.subject == key, outbox.c.type.contains(kind))
    async with it.engine.connect() as connection:
        return [row["data"] for row in (await connection.execute(query)).scalars()]


def mirrored(it: Lab):
    return {ref.native_id: mirror for ref, mirror in it.crm.invoices.items()}


async def until(holds, within: float = 20.0) -> None:
    for _ in range(int(within / 0.05)):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")
