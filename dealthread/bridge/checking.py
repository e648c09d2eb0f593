"""The synchronous question before a quote is submitted: accepted or not, and why."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError
from temporalio.service import RPCError

from activities.inputs import Assessment, Finding
from dealthread.bridge.access import READ, requires
from dealthread.bridge.api import Held, org_of
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources
from dealthread.domain.corrections import parse_corrections
from dealthread.domain.transaction import ChangeKind, ChangeRequest, Environment, QuoteToCashInput
from dealthread.errors import BadInput, ErrorKind
from dealthread.failure import problem_of
from dealthread.naming import (
    WORKFLOW_QUEUE,
    contract_key,
    is_salesforce_id,
    salesforce_id_18,
)
from dealthread.settings import Principal
from dealthread.temporal import RPC_TIMEOUT
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
) -> Checked | JSONResponse:
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
    try:
        async with asyncio.timeout(body.budget_seconds):
            client = await held.temporal()
            assessment = await _ask(client, held, order)
    except TimeoutError:
        return problem(
            504, "check_timed_out", action="a system is slow: ask again later, or submit the deal"
        )
    except RPCError:
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    except WorkflowFailureError as failure:
        return _failed(failure)
    return _answer(assessment)


async def _ask(client: Client, held: Resources, order: QuoteToCashInput) -> Assessment:
    del held
    handle = await client.start_workflow(
        DealCheckWorkflow.run,
        order,
        id=order.request.change_id,
        task_queue=WORKFLOW_QUEUE,
        # A check under way is shared only by who asks the same; a new question ends it.
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"Check of deal {order.request.deal_id}",
        rpc_timeout=RPC_TIMEOUT,
    )
    return await handle.result()


def _failed(failure: WorkflowFailureError) -> JSONResponse:
    cause = failure.cause
    if isinstance(cause, ActivityError):
        found = problem_of(cause)
        if found.kind is ErrorKind.NOT_FOUND:
            return problem(404, found.details.code, field="deal_id", action="check the id")
        if found.is_unavailable or found.is_uncertain:
            return problem(
                504,
                "check_timed_out",
                action="a system does not answer: ask again later, or submit the deal",
            )
        return problem(502, found.details.code, action="see the bridge's and the worker's logs")
    return problem(504, "check_timed_out", action="ask again later")


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
