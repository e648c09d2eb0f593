"""The process API of giving up an invoice: what it would do, and doing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from activities.write_off_inputs import AssessedWriteOff, AssessWriteOff
from dealthread.bridge.access import WRITE_OFF, requires
from dealthread.bridge.asking import answer_to
from dealthread.bridge.free_text import Words
from dealthread.bridge.invoice_orders import asked_by, known_invoice, refused, unorderable
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import Ordered, business_day, ordered, placed
from dealthread.bridge.previewing import preview_of
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditRefusal
from dealthread.domain.money import Money
from dealthread.domain.receipts import WriteOffPart
from dealthread.domain.transaction import ChangeKind
from dealthread.domain.write_off_order import WriteOffOrder
from dealthread.errors import BadInput, Conflict
from dealthread.naming import write_off_id
from dealthread.settings import Principal
from workflows.write_off_preview import WriteOffPreviewWorkflow

router = APIRouter(prefix="/v1/invoices", tags=["invoices"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Writer = Annotated[Principal, Depends(requires(WRITE_OFF))]


class WriteOffBody(BaseModel):
    """All that is open of the invoice is given up; the biller knows no part of one."""

    model_config = ConfigDict(extra="forbid")

    without_relief: bool = False
    """The tax is an expense too, whatever the law would give back later."""
    reason: Words = ""
    again: bool = False
    """Run anew one that ended stopped or cancelled."""


class PreviewedWriteOff(BaseModel):
    """What a write-off would do. `parts` bear what is open, in their accounts."""

    accepted: bool
    invoice_number: str
    open: Money | None
    refusals: list[CreditRefusal]
    approvals: list[str]
    parts: list[WriteOffPart]


@router.post("/{invoice:path}/write-off/preview", response_model=PreviewedWriteOff)
async def preview_write_off(
    invoice: str, body: WriteOffBody, held: Held, who: Writer
) -> PreviewedWriteOff:
    """What it would do, within a time budget; nothing is written."""
    bill, contract = await known_invoice(held, invoice)
    found = await _assessed(held, bill, contract, body, who)
    return PreviewedWriteOff(
        accepted=not found.refusals,
        invoice_number=found.invoice_number,
        open=found.open,
        refusals=list(found.refusals),
        approvals=[f"{reason.rule}: {reason.detail}" for reason in found.approvals],
        parts=list(found.command.parts) if found.command is not None else [],
    )


@router.post("/{invoice:path}/write-off", status_code=202, response_model=Ordered)
async def write_off(
    invoice: str, body: WriteOffBody, held: Held, who: Writer
) -> Ordered | JSONResponse:
    """Give up what is open. Asking twice changes nothing; a refusal writes nothing."""
    if why := unorderable(held, body.reason, "the ledger would not have the invoice"):
        return why
    bill, contract = await known_invoice(held, invoice)
    change_id = write_off_id(bill.ref.account, bill.ref.native_id)
    stored = await held.changes.write_off_order(change_id)
    if stored is not None and not body.again:
        if stored.without_relief != body.without_relief:
            raise _other_order()
        latest, _ = await held.runs.latest_generation(change_id)
        return ordered(stored, latest, created=False)
    found = await _assessed(held, bill, contract, body, who)
    if found.refusals:
        return refused(found.refusals)
    order = WriteOffOrder(
        change_id=change_id,
        contract_key=contract.key,
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        without_relief=body.without_relief,
        reason=body.reason.strip(),
        accepted_on=business_day(held),
    )
    kind = ChangeKind.INVOICE_WRITE_OFF
    try:
        return await placed(held, order, kind, contract, who.actor, again=body.again)
    except Conflict:
        raise _other_order() from None


async def _assessed(
    held: Resources, bill: Bill, contract: Contract, body: WriteOffBody, who: Principal
) -> AssessedWriteOff:
    """What the biller says of it now, asked through a worker."""
    change_id = write_off_id(bill.ref.account, bill.ref.native_id)
    return await answer_to(
        held,
        WriteOffPreviewWorkflow.run,
        AssessWriteOff(
            context=asked_by(held, change_id, contract, who),
            billing_account=bill.ref.account,
            invoice_id=bill.ref.native_id,
            without_relief=body.without_relief,
        ),
        preview_of(change_id, "write-off-preview"),
    )


def _other_order() -> BadInput:
    return BadInput(
        "another_order_under_this_id",
        field="without_relief",
        action="the invoice is given up otherwise already: once that ended stopped, ask `again`",
    )
