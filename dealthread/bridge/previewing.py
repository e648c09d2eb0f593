"""What a change of a contract would do: amounts, documents, approvals; nothing is written."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse

from activities.change_inputs import AssessedChange, ChangedAmount
from activities.inputs import Finding
from dealthread.bridge.asking import Question, answer_to
from dealthread.bridge.checking import BUDGET_SECONDS
from dealthread.bridge.contracts_api import Changer, Held
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.order_form import (
    AmendmentBody,
    CancellationBody,
    OrderBody,
    RenewalBody,
)
from dealthread.bridge.ordering import business_day, contract_of, reasons_against, refusal_problem
from dealthread.bridge.resources import Resources
from dealthread.domain.documents import CreditMemo
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, Environment
from dealthread.settings import Principal
from workflows.change_preview import ChangePreviewInput, ChangePreviewWorkflow

router = APIRouter(prefix="/v1/contracts", tags=["contracts"], route_class=LimitedRoute)


class Previewed(BaseModel):
    """What a change would do. `amounts` are ours, `invoice` and `credit_memos` the biller's."""

    accepted: bool
    reasons: list[Finding]
    approvals: list[str]
    effective_from: date | None
    held_until: date | None
    amounts: list[ChangedAmount]
    invoice: BillingInvoice | None
    credit_memos: list[CreditMemo]
    tcv_before: Money | None
    tcv_after: Money | None
    end_date_after: date | None
    renewal_price: Money | None


@router.post("/{contract_key}/amendments/preview", response_model=Previewed)
async def preview_amendment(
    contract_key: str, body: AmendmentBody, held: Held, who: Changer
) -> Previewed | JSONResponse:
    """What the amendment would do, within a time budget."""
    return await _preview(held, contract_key, body, who)


@router.post("/{contract_key}/renewals/preview", response_model=Previewed)
async def preview_renewal(
    contract_key: str, body: RenewalBody, held: Held, who: Changer
) -> Previewed | JSONResponse:
    """What the renewal would do, within a time budget."""
    return await _preview(held, contract_key, body, who)


@router.post("/{contract_key}/cancellations/preview", response_model=Previewed)
async def preview_cancellation(
    contract_key: str, body: CancellationBody, held: Held, who: Changer
) -> Previewed | JSONResponse:
    """What the cancellation would do, within a time budget."""
    return await _preview(held, contract_key, body, who)


async def _preview(
    held: Resources, contract_key: str, body: OrderBody, who: Principal
) -> Previewed | JSONResponse:
    contract, state = await contract_of(held, contract_key)
    order = body.order(contract, business_day(held))
    refused = refusal_problem(reasons_against(held, contract, state, order))
    if refused is not None:
        return refused
    found = await answer_to(
        held,
        ChangePreviewWorkflow.run,
        ChangePreviewInput(
            order=order.model_dump_json(),
            kind=ChangeKind(order.kind),
            contract_key=contract.key,
            org=contract.org,
            deal_id=contract.deal_id,
            change_id=order.change_id,
            requested_by=who.actor,
            environment=Environment(
                tenant=held.settings.tenant,
                business_offset_seconds=held.settings.business_offset_seconds,
            ),
        ),
        preview_of(order.change_id, "change-preview"),
    )
    return _answer(found)


def preview_of(change_id: str, kind: str) -> Question:
    """What a change would do, asked of the systems."""
    return Question(
        id=f"{kind}:{change_id}",
        summary=f"Preview of {change_id}",
        budget_seconds=BUDGET_SECONDS,
        slow="preview_timed_out",
    )


def _answer(found: AssessedChange) -> Previewed:
    billed = found.preview
    return Previewed(
        accepted=not found.stopping,
        reasons=list(found.stopping),
        approvals=[f"{reason.rule}: {reason.detail}" for reason in found.approvals],
        effective_from=found.effective_from,
        held_until=found.hold_until,
        amounts=list(found.amounts),
        invoice=billed.invoice if billed else None,
        credit_memos=list(billed.credit_memos) if billed else [],
        tcv_before=found.before.tcv() if found.before else None,
        tcv_after=found.contract.tcv() if found.contract else None,
        end_date_after=found.contract.end_date if found.contract else None,
        renewal_price=found.renewal_price,
    )
