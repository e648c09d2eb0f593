"""What people ask of a contract that runs, as the bridge stores it and the relay starts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from temporalio.client import WorkflowHandle

from activities.closing_inputs import CloseInput
from dealthread.domain.change_order import ChangeTiming
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditAsk, CreditedLine, CreditOrder, CreditReason
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeInput, ChangeKind, ChangeRequest, Environment
from dealthread.domain.write_off_order import WriteOffOrder
from dealthread.naming import WORKFLOW_QUEUE, close_id, invoice_credit_id, write_off_id
from tests.month.house import House
from tests.month.plan import Plan
from tests.support.change_orders import seats, seats_of
from workflows.amendment import AmendmentWorkflow
from workflows.invoice_credit import InvoiceCreditWorkflow
from workflows.invoice_write_off import InvoiceWriteOffWorkflow
from workflows.period_close import PeriodCloseWorkflow

OPERATOR, APPROVER = "olga", "anna"
Handle = WorkflowHandle[Any, Any]


@dataclass
class Lived:
    """A contract of the month."""

    plan: Plan
    contract: Contract
    customer: str = ""
    """Its id at the biller."""


async def amend(house: House, one: Lived, day: date) -> Handle:
    """Another number of seats, from now on."""
    assert one.plan.amended is not None
    now = {"timing": ChangeTiming.NOW, "effective_from": None}
    order = seats(one.contract, one.plan.amended[1], day, **now)  # type: ignore[arg-type]
    await house.it.changes.record_order(order, OPERATOR)
    request = _request(one, ChangeKind.AMENDMENT, order.change_id)
    await house.it.runs.claim(request, one.contract.key)
    return await house.it.client.start_workflow(
        AmendmentWorkflow.run,
        _input(house, one, request),
        id=order.change_id,
        task_queue=WORKFLOW_QUEUE,
    )


async def credit(house: House, one: Lived, invoice: str, day: date) -> Handle:
    """A part of the seats of an invoice, to the customer's balance or off what is open."""
    assert one.plan.credited is not None
    account, line = one.contract.billing_account, seats_of(one.contract)
    net = min(Money.of(one.plan.credited[1], one.contract.currency), line.net_per_period)
    lines = (CreditedLine(line_key=line.line_key, net=net),)
    change_id = invoice_credit_id(account, invoice, "month")
    request = _request(one, ChangeKind.INVOICE_CREDIT, change_id)
    order = CreditOrder(
        change_id=change_id,
        contract_key=one.contract.key,
        billing_account=account,
        invoice_id=invoice,
        asked=CreditAsk(lines=lines, cause=CreditReason.SERVICE),
        lines=lines,
        accepted_on=day,
    )
    assert await house.it.changes.place(order, request, one.contract.key)
    return await house.it.client.start_workflow(
        InvoiceCreditWorkflow.run,
        _input(house, one, request),
        id=change_id,
        task_queue=WORKFLOW_QUEUE,
    )


async def give_up(house: House, one: Lived, invoice: str, day: date) -> Handle:
    """What is open of an invoice is written off; the tax is an expense too."""
    account = one.contract.billing_account
    change_id = write_off_id(account, invoice)
    request = _request(one, ChangeKind.INVOICE_WRITE_OFF, change_id)
    order = WriteOffOrder(
        change_id=change_id,
        contract_key=one.contract.key,
        billing_account=account,
        invoice_id=invoice,
        without_relief=True,
        reason="insolvent",
        accepted_on=day,
    )
    assert await house.it.changes.place(order, request, one.contract.key)
    return await house.it.client.start_workflow(
        InvoiceWriteOffWorkflow.run,
        _input(house, one, request),
        id=change_id,
        task_queue=WORKFLOW_QUEUE,
    )


async def close(house: House, seller: str, period: date) -> Handle:
    """The month of a company is closed; the approver signs."""
    entity = house.config.legal_entity(seller)
    return await house.it.client.start_workflow(
        PeriodCloseWorkflow.run,
        CloseInput(
            seller=seller,
            period=period,
            erp=entity.erp_instance,
            company=entity.erp_company,
            number=1,
            requested_by=OPERATOR,
            business_offset_seconds=house.settings.business_offset_seconds,
        ),
        id=close_id(seller, period),
        task_queue=WORKFLOW_QUEUE,
    )


def _request(one: Lived, kind: ChangeKind, change_id: str) -> ChangeRequest:
    return ChangeRequest(
        change_id=change_id,
        kind=kind,
        org=one.contract.org,
        deal_id=one.contract.deal_id,
        requested_by=OPERATOR,
    )


def _input(house: House, one: Lived, request: ChangeRequest) -> ChangeInput:
    offset = house.settings.business_offset_seconds
    return ChangeInput(
        request=request,
        contract_key=one.contract.key,
        environment=Environment(business_offset_seconds=offset),
    )
