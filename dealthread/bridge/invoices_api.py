"""The process API of invoices: what a credit on one would do, and giving it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.responses import JSONResponse

from activities.credit_inputs import AssessCredit, AssessedCredit
from dealthread.bridge.access import CREDIT, requires
from dealthread.bridge.asking import answer_to
from dealthread.bridge.credit_form import CreditBody
from dealthread.bridge.invoice_orders import asked_by, known_invoice, refused, unorderable
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import Ordered, business_day, ordered, placed
from dealthread.bridge.previewing import preview_of
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditedLine, CreditOrder, CreditRefusal
from dealthread.domain.documents import CreditMemo
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind
from dealthread.errors import BadInput, Conflict
from dealthread.naming import invoice_credit_id
from dealthread.settings import Principal
from workflows.credit_preview import CreditPreviewWorkflow

router = APIRouter(prefix="/v1/invoices", tags=["invoices"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Creditor = Annotated[Principal, Depends(requires(CREDIT))]
KEY_LENGTH = 120
"""What the store holds of a business key."""


class PreviewedCredit(BaseModel):
    """What a credit would do. `credit_memo` is the biller's own preview."""

    accepted: bool
    invoice_number: str
    refusals: list[CreditRefusal]
    approvals: list[str]
    left: dict[str, Money]
    """By line, the net that can still be credited."""
    lines: list[CreditedLine]
    credit_memo: CreditMemo | None


@router.post("/{invoice:path}/credits/preview", response_model=PreviewedCredit)
async def preview_credit(
    invoice: str, body: CreditBody, held: Held, who: Creditor
) -> PreviewedCredit:
    """What the credit would do, within a time budget; nothing is written."""
    bill, contract = await known_invoice(held, invoice)
    found = await _assessed(held, bill, contract, body, who)
    return PreviewedCredit(
        accepted=not found.refusals,
        invoice_number=found.invoice_number,
        refusals=list(found.refusals),
        approvals=[f"{reason.rule}: {reason.detail}" for reason in found.approvals],
        left=found.left,
        lines=list(found.lines),
        credit_memo=found.preview,
    )


@router.post("/{invoice:path}/credits", status_code=202, response_model=Ordered)
async def credit(
    invoice: str, body: CreditBody, held: Held, who: Creditor
) -> Ordered | JSONResponse:
    """Credit a part of an invoice. Asking twice changes nothing; a refusal writes nothing."""
    if why := unorderable(held, body.reason, "the ledger would not hear of it"):
        return why
    ask = body.ask()
    bill, contract = await known_invoice(held, invoice)
    change_id = _change_id(bill, body)
    stored = await held.changes.credit_order(change_id)
    if stored is not None and not body.again:
        if stored.asked != ask:
            raise _other_order()
        latest, _ = await held.runs.latest_generation(change_id)
        return ordered(stored, latest, created=False)
    found = await _assessed(held, bill, contract, body, who)
    if found.refusals:
        return refused(found.refusals)
    order = CreditOrder(
        change_id=change_id,
        contract_key=contract.key,
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        asked=ask,
        lines=found.lines,
        reason=body.reason.strip(),
        accepted_on=business_day(held),
    )
    kind = ChangeKind.INVOICE_CREDIT
    try:
        return await placed(held, order, kind, contract, who.actor, again=body.again)
    except Conflict:
        raise _other_order() from None


async def _assessed(
    held: Resources, bill: Bill, contract: Contract, body: CreditBody, who: Principal
) -> AssessedCredit:
    """What the biller says of it now, asked through a worker."""
    change_id = _change_id(bill, body)
    return await answer_to(
        held,
        CreditPreviewWorkflow.run,
        AssessCredit(
            context=asked_by(held, change_id, contract, who),
            billing_account=bill.ref.account,
            invoice_id=bill.ref.native_id,
            ask=body.ask(),
        ),
        preview_of(change_id, "credit-preview"),
    )


def _change_id(bill: Bill, body: CreditBody) -> str:
    change_id = invoice_credit_id(bill.ref.account, bill.ref.native_id, body.source())
    if len(change_id) > KEY_LENGTH:
        over = len(change_id) - KEY_LENGTH
        raise BadInput(
            "too_long", field="source_id", action=f"give an id that is {over} characters shorter"
        )
    return change_id


def _other_order() -> BadInput:
    return BadInput(
        "another_order_under_this_id",
        field="source_id",
        action="the credit of this id says something else: give another id",
    )
