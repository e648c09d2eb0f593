"""The process API of adoption: propose, look, say what is not certain, approve."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.responses import JSONResponse
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.adoption_inputs import (
    AdoptionApproval,
    AdoptionProposed,
    AdoptionRequest,
    AdoptionResult,
)
from dealthread.bridge.access import ADOPT, APPROVE, READ, requires
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import business_day
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.adoption.book import Answer
from dealthread.domain.adoption.matching import Unmatched
from dealthread.domain.adoption.plan import OpeningTotal, Proposal
from dealthread.domain.money import Money
from dealthread.errors import BadInput
from dealthread.hub_adoption import KeptPlan
from dealthread.naming import WORKFLOW_QUEUE, adoption_run_id
from dealthread.settings import Principal
from dealthread.store.adoption import PostgresAdoption
from dealthread.temporal import RPC_TIMEOUT
from workflows.adoption import AdoptionProposalWorkflow, AdoptionRunWorkflow

router = APIRouter(prefix="/v1/adoption", tags=["adoption"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Adopter = Annotated[Principal, Depends(requires(ADOPT))]
Approver = Annotated[Principal, Depends(requires(APPROVE))]
BUDGET_SECONDS = 20.0
YEARS_BACK = 5
"""How far back won deals are looked for where nobody says."""
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{0,120}$")]


class ProposeBody(BaseModel):
    """Open with the first day of a month; deals that were won before `won_from` are left out."""

    model_config = ConfigDict(extra="forbid")

    as_of: date
    won_from: date | None = None


class Proposed(AdoptionProposed):
    """What was proposed; `outcome` running where it takes longer than the answer may."""

    outcome: str = "proposed"


class AnswerBody(BaseModel):
    """What a person says of a deal."""

    model_config = ConfigDict(extra="forbid")

    deal_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{18}$")]
    subscription_id: Id = ""
    party_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,18}$")] = ""
    done_lines: list[Id] = []
    waiting_lines: list[Id] = []
    deferred: Money | None = None


class ApproveBody(BaseModel):
    """The digest of the plan that was read."""

    model_config = ConfigDict(extra="forbid")

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class PlanView(BaseModel):
    """A plan and what became of it."""

    plan_id: str
    digest: str
    seller: str
    as_of: date
    state: str
    is_tied: bool
    contracts: int
    written: int
    active: int
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    totals: list[OpeningTotal]
    unmatched: list[Unmatched]
    proposals: list[Proposal] = []


@router.get("/plans")
async def plans(held: Held, _: Reader, seller: str = "") -> list[PlanView]:
    """The newest plans."""
    found = await PostgresAdoption(held.engine).listing(seller)
    return [_view(one) for one in found]


@router.get("/plans/{plan_id}")
async def show(plan_id: str, held: Held, _: Reader, proposals: bool = True) -> PlanView:
    """One plan with everything that it proposes."""
    store = PostgresAdoption(held.engine)
    return _view(await store.plan(plan_id, with_proposals=proposals))


@router.post("/{seller}/plans", response_model=Proposed)
async def propose(
    seller: str, body: ProposeBody, held: Held, who: Adopter
) -> Proposed | JSONResponse:
    """Read every system and propose. The same systems, the same plan."""
    _known(held, seller)
    today = business_day(held)
    if body.as_of.day != 1 or body.as_of > today:
        raise BadInput(
            "opening_wrong", field="as_of", action="give the first day of a month that has begun"
        )
    won_from = body.won_from or body.as_of.replace(year=body.as_of.year - YEARS_BACK)
    ask = AdoptionRequest(
        seller=seller, as_of=body.as_of, won_from=won_from, requested_by=who.actor
    )
    handle = await _started(
        held,
        AdoptionProposalWorkflow.run,
        ask,
        f"adoption-proposal:{seller}",
        f"Book of {seller} as of {body.as_of}",
    )
    if isinstance(handle, JSONResponse):
        return handle
    found = await _answer(handle)
    if found is None:
        return Proposed(outcome="running")
    if isinstance(found, JSONResponse):
        return found
    told = AdoptionProposed.model_validate(found)
    if told.refused:
        return problem(409, told.refused, field="seller", action=told.action)
    return Proposed.model_validate(told.model_dump())


@router.get("/{seller}/answers")
async def answers(seller: str, held: Held, _: Reader) -> list[Answer]:
    """What people said of deals of a company."""
    _known(held, seller)
    return list(await PostgresAdoption(held.engine).answers(seller))


@router.post("/{seller}/answers")
async def say(seller: str, body: AnswerBody, held: Held, who: Adopter) -> Answer:
    """What belongs to a deal, or what of it is done, where the systems do not tell. The next
    proposal goes by it."""
    _known(held, seller)
    try:
        answer = Answer(**body.model_dump(), said_by=who.actor)
    except ValidationError:
        raise BadInput(
            "answer_empty",
            field="subscription_id",
            action="name a subscription, a party, lines that are done or waiting, or an amount",
        ) from None
    if set(answer.done_lines) & set(answer.waiting_lines):
        raise BadInput(
            "line_done_and_waiting", field="done_lines", action="a line is one of the two"
        )
    return await PostgresAdoption(held.engine).say(seller, answer)


@router.post("/plans/{plan_id}/approvals", response_model=AdoptionResult)
async def approve(
    plan_id: str, body: ApproveBody, held: Held, who: Approver
) -> AdoptionResult | JSONResponse:
    """Carry out the plan with this digest, by somebody who neither asked for it nor answered for
    it; refused where the systems have changed since or the opening is not the ledger's. Asked
    again, it goes on where it stopped."""
    store = PostgresAdoption(held.engine)
    kept = await store.plan(plan_id)
    said = {one.said_by for one in await store.answers(kept.plan.seller)}
    if who.actor in (kept.proposed_by, *said):
        return problem(
            403,
            "second_person_needed",
            field="plan_id",
            action="somebody else approves: you asked for the plan, or answered for a deal of it",
        )
    handle = await _started(
        held,
        AdoptionRunWorkflow.run,
        AdoptionApproval(plan_id=plan_id, digest=body.digest, approved_by=who.actor),
        adoption_run_id(plan_id),
        f"Adoption of {kept.plan.seller}, {kept.contracts} contracts",
    )
    if isinstance(handle, JSONResponse):
        return handle
    found = await _answer(handle)
    if found is None:
        return AdoptionResult(plan_id=plan_id, outcome="running")
    if isinstance(found, JSONResponse):
        return found
    result = AdoptionResult.model_validate(found)
    if result.refused:
        return problem(409, result.refused, field="digest", action=result.action)
    return result


# ------------------------------------------------------------ parts


def _known(held: Resources, seller: str) -> None:
    codes = sorted(one.code for one in held.config().legal_entities)
    if seller not in codes:
        raise BadInput("entity_not_known", field="seller", action=f"use one of: {', '.join(codes)}")


async def _started(
    held: Resources, run: Any, order: BaseModel, workflow_id: str, summary: str
) -> WorkflowHandle[Any, Any] | JSONResponse:
    try:
        client = await held.temporal()
        return await client.start_workflow(
            run,
            order,
            id=workflow_id,
            task_queue=WORKFLOW_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=summary,
            rpc_timeout=RPC_TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return problem(
            409, "adoption_runs", field="plan_id", action=f"{workflow_id} is under way: look later"
        )
    except RPCError:
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)


async def _answer(handle: WorkflowHandle[Any, Any]) -> Any:
    """The workflow's result; None where it still runs, a problem where it failed."""
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            return await handle.result()
    except TimeoutError:
        return None
    except WorkflowFailureError:
        return problem(
            502,
            "adoption_failed",
            action=f"see {handle.id} in the Temporal UI and the worker's log; ask again",
        )


def _view(kept: KeptPlan) -> PlanView:
    plan = kept.plan
    return PlanView(
        plan_id=kept.plan_id,
        digest=kept.digest,
        seller=plan.seller,
        as_of=plan.as_of,
        state=kept.state,
        is_tied=plan.is_tied,
        contracts=kept.contracts,
        written=kept.written,
        active=kept.settled,
        proposed_by=kept.proposed_by,
        proposed_at=kept.proposed_at,
        approved_by=kept.approved_by,
        totals=list(plan.totals),
        unmatched=list(plan.unmatched),
        proposals=list(plan.proposals),
    )
