"""The process API of recognised revenue: run a month, show it, reverse it, roll it forward."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import JSONResponse
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.recognition import entry_of
from activities.recognition_inputs import (
    PlannedEntry,
    RecognitionInput,
    RecognitionPlan,
    RecognitionResult,
    RollForwardInput,
)
from dealthread.bridge.access import READ, RECOGNISE, requires
from dealthread.bridge.asking import Question, answer_to
from dealthread.bridge.free_text import Said
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import business_day
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.catalog import LegalEntity
from dealthread.domain.recognition.due import last_day
from dealthread.domain.recognition.roll_forward import RollForward
from dealthread.domain.recognition.rows import RecognisedRevenue, RecognitionState
from dealthread.errors import BadInput
from dealthread.naming import WORKFLOW_QUEUE, recognition_id
from dealthread.settings import Principal
from dealthread.store.recognition import PostgresRecognition
from dealthread.temporal import RPC_TIMEOUT
from workflows.recognition_questions import DeferredRollForwardWorkflow, RecognitionPreviewWorkflow
from workflows.recognition_run import RecognitionRunWorkflow

router = APIRouter(prefix="/v1/recognition", tags=["recognition"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Recogniser = Annotated[Principal, Depends(requires(RECOGNISE))]
BUDGET_SECONDS = 20.0
_MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)


class EntryOfRevenue(BaseModel):
    """One entry of the ledger; on request with the contract lines behind it."""

    entry: PlannedEntry
    state: RecognitionState
    document: str
    """The ledger's number, once it is posted."""
    requested_by: str
    lines: list[RecognisedRevenue] = []


class MonthOfRevenue(BaseModel):
    """What the runs of a month made."""

    seller: str
    period: str
    entries: list[EntryOfRevenue]


class RunOutcome(RecognitionResult):
    """How a run ended, or that it still runs."""


class ReversalBody(BaseModel):
    """Which entries, all that are posted where none is named, and why."""

    model_config = ConfigDict(extra="forbid")

    reason: Said
    documents: list[Annotated[str, StringConstraints(pattern=r"^DT[0-9A-Z]{14}$")]] = []


@router.get("/{seller}/{period}")
async def show(
    seller: str, period: str, held: Held, _: Reader, lines: bool = False
) -> MonthOfRevenue:
    """The entries of a month, those that were reversed among them."""
    entity_of(held, seller)
    found = await PostgresRecognition(held.engine).of_period(seller, month_of(period))
    return MonthOfRevenue(
        seller=seller,
        period=period,
        entries=[
            EntryOfRevenue(
                entry=entry_of(one),
                state=one.state,
                document=one.entry,
                requested_by=one.requested_by,
                lines=list(one.rows) if lines else [],
            )
            for one in found
        ],
    )


@router.post("/{seller}/{period}/runs", response_model=RunOutcome)
async def run(
    seller: str, period: str, held: Held, who: Recogniser
) -> RecognitionResult | JSONResponse:
    """Post what the month owes; asked again, what has come since. A run that takes longer than the
    answer may is told as running."""
    return await _carried_out(held, _order(held, seller, period, who))


@router.post("/{seller}/{period}/runs/preview", response_model=RecognitionPlan)
async def preview(
    seller: str, period: str, held: Held, who: Recogniser
) -> RecognitionPlan | JSONResponse:
    """What a run would post now; nothing is kept."""
    order = _order(held, seller, period, who)
    found = await answer_to(
        held,
        RecognitionPreviewWorkflow.run,
        order,
        _question(f"recognition-preview:{seller}:{period}", "What the run would post"),
    )
    if found.refused:
        return problem(409, found.refused, field="period", action=found.action)
    return found


@router.post("/{seller}/{period}/reversals", response_model=RunOutcome)
async def reverse(
    seller: str, period: str, body: ReversalBody, held: Held, who: Recogniser
) -> RecognitionResult | JSONResponse:
    """Undo entries by their opposites, on their own days; what they took is owed again."""
    order = _order(held, seller, period, who)
    made = await PostgresRecognition(held.engine).of_period(seller, order.period)
    posted = [one.document_key for one in made if one.state is RecognitionState.POSTED]
    if other := sorted(set(body.documents) - set(posted)):
        raise BadInput("entry_not_posted", field="documents", action=f"leave out {other[0]}")
    if not posted:
        raise BadInput("nothing_to_reverse", field="period", action="no entry of it is posted")
    keys = tuple(key for key in posted if not body.documents or key in body.documents)
    return await _carried_out(
        held, order.model_copy(update={"reverses": keys, "reason": body.reason})
    )


@router.get("/{seller}/{period}/roll-forward", response_model=RollForward)
async def roll_forward(
    seller: str, period: str, held: Held, _: Reader
) -> RollForward | JSONResponse:
    """Deferred revenue of a month, tied to the ledger's trial balance."""
    entity = entity_of(held, seller)
    order = RollForwardInput(
        seller=seller,
        period=month_of(period),
        erp=entity.erp_instance,
        company=entity.erp_company,
    )
    found = await answer_to(
        held,
        DeferredRollForwardWorkflow.run,
        order,
        _question(f"roll-forward:{seller}:{period}", "Deferred revenue of the month"),
    )
    if found.found is None:
        return problem(409, found.refused, field="seller", action=found.action)
    return found.found


# ------------------------------------------------------------ parts


def month_of(period: str) -> date:
    """First day of a month given as YYYY-MM. Raises BadInput."""
    if not _MONTH.fullmatch(period):
        raise BadInput("month_wrong", field="period", action="give YYYY-MM")
    return date(int(period[:4]), int(period[5:]), 1)


def _question(workflow_id: str, summary: str) -> Question:
    return Question(
        id=workflow_id, summary=summary, budget_seconds=BUDGET_SECONDS, slow="ledger_slow"
    )


def entity_of(held: Resources, seller: str) -> LegalEntity:
    """A legal entity of the configuration. Raises BadInput."""
    entities = held.config().legal_entities
    found = next((one for one in entities if one.code == seller), None)
    if found is None:
        known = ", ".join(sorted(one.code for one in entities))
        raise BadInput("entity_not_known", field="seller", action=f"use one of: {known}")
    return found


def _order(held: Resources, seller: str, period: str, who: Principal) -> RecognitionInput:
    entity, month = entity_of(held, seller), month_of(period)
    if last_day(month) > business_day(held):
        raise BadInput(
            "period_not_over", field="period", action=f"run it from {last_day(month)} on"
        )
    return RecognitionInput(
        seller=seller,
        period=month,
        erp=entity.erp_instance,
        company=entity.erp_company,
        requested_by=who.actor,
        tenant=held.settings.tenant,
        business_offset_seconds=held.settings.business_offset_seconds,
    )


async def _carried_out(
    held: Resources, order: RecognitionInput
) -> RecognitionResult | JSONResponse:
    workflow_id = recognition_id(order.seller, order.period)
    try:
        client = await held.temporal()
        handle = await client.start_workflow(
            RecognitionRunWorkflow.run,
            order,
            id=workflow_id,
            task_queue=WORKFLOW_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"Revenue of {order.seller}, {order.period:%Y-%m}",
            rpc_timeout=RPC_TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return problem(
            409,
            "recognition_runs",
            field="period",
            action=f"{workflow_id} is under way, or waits for a decision: see the cases",
        )
    except RPCError:
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            result: RecognitionResult = await handle.result()
    except TimeoutError:
        return RecognitionResult(outcome="running")
    if result.refused:
        return problem(409, result.refused, field="period", action=result.action)
    return result
