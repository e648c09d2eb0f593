"""An invoice of D1 in the laboratory, and a person's credit on it."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from temporalio.client import WorkflowHandle

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditAsk, CreditedLine, CreditOrder, CreditReason
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeInput, ChangeKind, ChangeRequest, Environment
from dealthread.naming import WORKFLOW_QUEUE, invoice_credit_id
from dealthread.store.schema import outbox, runs
from tests.support.change_lab import sold
from tests.support.change_orders import seats_of
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of
from tests.support.overdue import ISSUED
from tests.support.saga_lab import Lab, fresh
from workflows.invoice_credit import InvoiceCreditWorkflow


async def invoiced(it: Lab, *, is_paid: bool = True) -> tuple[Contract, Bill]:
    """D1's first invoice: 15,000.00 and 891.00, of it 13,500.00 for seats, paid by card."""
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", ISSUED)
    bill = bill.model_copy(update={"due_date": date(2026, 3, 1)})
    it.billing.bills[bill.ref.native_id] = bill
    if is_paid:
        bill = it.billing.pay(bill.ref.native_id, bill.gross, ISSUED, PaymentWay.PROCESSOR)
    return contract, bill


async def credit(
    it: Lab,
    contract: Contract,
    bill: Bill,
    net: str,
    source: str = "s-1",
    *,
    refund: bool = False,
    generation: int = 1,
) -> WorkflowHandle[Any, str]:
    """Olaf asks for a credit on the seats; as the bridge stores it and the relay starts it."""
    line = CreditedLine(line_key=seats_of(contract).line_key, net=Money.of(net, bill.currency))
    ask = CreditAsk(lines=(line,), refund=refund, cause=CreditReason.SERVICE)
    change_id = invoice_credit_id(bill.ref.account, bill.ref.native_id, source)
    request = ChangeRequest(
        change_id=change_id,
        kind=ChangeKind.INVOICE_CREDIT,
        generation=generation,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="olaf",
    )
    order = CreditOrder(
        change_id=change_id,
        contract_key=contract.key,
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        asked=ask,
        lines=(line,),
        accepted_on=ISSUED,
    )
    assert await it.changes.place(order, request, contract.key)
    return await it.client.start_workflow(
        InvoiceCreditWorkflow.run,
        ChangeInput(
            request=request,
            contract_key=contract.key,
            environment=Environment(business_offset_seconds=it.offset_seconds()),
        ),
        id=change_id,
        task_queue=WORKFLOW_QUEUE,
    )


def balances(it: Lab, company: str) -> dict[str, Decimal]:
    """What the company's accounts hold, those with nothing left out."""
    rows = it.erp.ledger.trial_balance(company, date(2100, 1, 1))
    return {row.account: row.balance.amount for row in rows if row.balance}


async def outcome_of(it: Lab, handle: WorkflowHandle[Any, str]) -> str | None:
    """How the store says that the run ended."""
    async with it.engine.connect() as connection:
        query = select(runs.c.outcome).where(runs.c.business_key == handle.id)
        return (await connection.execute(query)).scalar_one()


async def told_of_credits(it: Lab, contract: Contract) -> list[dict[str, Any]]:
    """Data of the events about credits on the contract, as soon as there are any: the invoice's run
    tells them after the ledger has the memo."""
    query = select(outbox.c.body).where(
        outbox.c.subject == contract.key, outbox.c.type.contains("credit_memo")
    )
    for _ in range(400):
        async with it.engine.connect() as connection:
            found = [body["data"] for body in (await connection.execute(query)).scalars()]
        if found:
            return found
        await asyncio.sleep(0.02)
    return []
