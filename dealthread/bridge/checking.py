"""The synchronous question before a quote is submitted: accepted or not, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from activities.inputs import Assessment, Finding
from dealthread.bridge.access import READ, requires
from dealthread.bridge.api import Held, org_of
from dealthread.bridge.asking import Question, answer_to
from dealthread.bridge.limits import LimitedRoute
from dealthread.domain.corrections import parse_corrections
from dealthread.domain.transaction import ChangeKind, ChangeRequest, Environment, QuoteToCashInput
from dealthread.errors import BadInput
from dealthread.naming import (
    contract_key,
    is_salesforce_id,
    salesforce_id_18,
)
from dealthread.settings import Principal
from workflows.deal_check import DealCheckWorkflow

BUDGET_SECONDS = 8.0
"""Longest a caller waits for an answer, unless he gives a shorter time."""

router = APIRouter(prefix="/v1", tags=["process"], route_class=LimitedRoute)


class CheckDeal(BaseModel):
    """Body of a check. `correction` asks "what if"."""

    model_config = ConfigDict(extra="forbid")

    org: str = ""
    correction: dict[str, JsonValue] = {}
    budget_seconds: Annotated[float, Field(gt=0, le=BUDGET_SECONDS)] = BUDGET_SECONDS


class Checked(BaseModel):
    """`accepted` with nothing in `reasons`; `approvals` would be asked for."""

    accepted: bool
    reasons: list[Finding]
    warnings: list[Finding]
    approvals: list[str]
    net: str | None = None
    tax: str | None = None
    gross: str | None = None
    currency: str | None = None


@router.post("/deals/{deal_id}/check", response_model=Checked)
async def check(
    deal_id: str,
    body: CheckDeal,
    held: Held,
    who: Annotated[Principal, Depends(requires(READ))],
) -> Checked:
    """Accept or reject with reasons inside a time budget; 504 when a system is too slow."""
    if not is_salesforce_id(deal_id):
        raise BadInput(
            "not_a_salesforce_id", field="deal_id", action="give the opportunity's 18-character id"
        )
    corrections = parse_corrections(body.correction)
    org, deal = org_of(body.org, held.settings), salesforce_id_18(deal_id)
    order = QuoteToCashInput(
        request=ChangeRequest(
            change_id=f"deal-check:{org}:{deal}",
            kind=ChangeKind.QUOTE_TO_CASH,
            org=org,
            deal_id=deal,
            requested_by=who.actor,
        ),
        contract_key=contract_key(org, deal),
        environment=Environment(
            tenant=held.settings.tenant,
            business_offset_seconds=held.settings.business_offset_seconds,
        ),
        corrections=corrections,
    )
    assessment = await answer_to(
        held,
        DealCheckWorkflow.run,
        order,
        Question(
            id=order.request.change_id,
            summary=f"Check of deal {deal}",
            budget_seconds=body.budget_seconds,
            slow="check_timed_out",
            otherwise=", or submit the deal",
            names="deal_id",
        ),
    )
    return _answer(assessment)


def _answer(assessment: Assessment) -> Checked:
    preview = assessment.preview
    return Checked(
        accepted=not assessment.stopping,
        reasons=list(assessment.stopping),
        warnings=list(assessment.warnings),
        approvals=[f"{reason.rule}: {reason.detail}" for reason in assessment.approvals],
        net=str(preview.net.amount) if preview else None,
        tax=str(preview.tax.amount) if preview else None,
        gross=str(preview.gross.amount) if preview else None,
        currency=preview.currency if preview else None,
    )
