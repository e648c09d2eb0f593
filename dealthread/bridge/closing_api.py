"""The process API of closed months: begin one, show it, sign it, take its evidence."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from starlette.responses import JSONResponse, PlainTextResponse
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.closing_inputs import CloseInput, CloseResult
from dealthread.bridge.access import APPROVE, CLOSE, READ, acting_role, requires
from dealthread.bridge.free_text import Said
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import business_day
from dealthread.bridge.problems import problem
from dealthread.bridge.recognition_api import entity_of, month_of
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.case import Case, CaseState, Decision, DecisionKind
from dealthread.domain.closing.checklist import ChecklistItem, Evidence
from dealthread.domain.recognition.due import last_day
from dealthread.errors import BadInput, NotFound
from dealthread.hub_closing import FINAL, Close, CloseState
from dealthread.naming import WORKFLOW_QUEUE, close_id, close_key
from dealthread.settings import Principal
from dealthread.store.closing import PostgresClosing
from dealthread.store.schema import cases
from dealthread.temporal import RPC_TIMEOUT
from workflows.period_close import PeriodCloseWorkflow

router = APIRouter(prefix="/v1/closes", tags=["close"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Closer = Annotated[Principal, Depends(requires(CLOSE))]
BUDGET_SECONDS = 3.0
"""How long who begins waits: a month that cannot be closed is refused by then."""
Signer = Annotated[Principal, Depends(requires(APPROVE))]


class MonthClose(BaseModel):
    """The latest attempt to close a month, and what it waits for."""

    seller: str
    period: str
    number: int
    state: CloseState
    begun_by: str
    begun_at: datetime | None = None
    fingerprint: str = ""
    """Of the evidence: what is signed."""
    signed_by: str = ""
    signed_at: datetime | None = None
    reason: str = ""
    closed_at: datetime | None = None
    ledger_period: str = ""
    case_id: str = ""
    """Where it waits for a person."""
    waits_for: str = ""
    """Kind of that case."""
    items: list[ChecklistItem] = []


class SignBody(BaseModel):
    """What is signed, and why; or why it is not."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str
    reason: Said
    reject: bool = False


@router.get("/{seller}/{period}", response_model=MonthClose)
async def show(seller: str, period: str, held: Held, _: Reader) -> MonthClose | JSONResponse:
    """Where the closing of a month stands."""
    entity_of(held, seller)
    found = await _store(held).latest(seller, month_of(period))
    if found is None:
        begin_it = f"begin it: dealthread close {seller} {period}"
        return problem(404, "close_not_begun", field="period", action=begin_it)
    return await _told(held, found)


@router.post("/{seller}/{period}", status_code=202, response_model=MonthClose)
async def begin(seller: str, period: str, held: Held, who: Closer) -> MonthClose | JSONResponse:
    """Begin to close a month. Asked again while it is under way, where it stands."""
    entity, month = entity_of(held, seller), month_of(period)
    if last_day(month) > business_day(held):
        raise BadInput(
            "period_not_over", field="period", action=f"close it from {last_day(month)} on"
        )
    latest = await _store(held).latest(seller, month)
    if latest is not None and latest.state is CloseState.CLOSED:
        return problem(
            409,
            "month_closed",
            field="period",
            action=f"{latest.signed_by} signed it: read its evidence",
        )
    ended = latest is None or latest.state in FINAL
    number = (0 if latest is None else latest.number) + (1 if ended else 0)
    order = CloseInput(
        seller=seller,
        period=month,
        erp=entity.erp_instance,
        company=entity.erp_company,
        number=number,
        # Who began it stays who began it.
        requested_by=who.actor if latest is None or ended else latest.begun_by,
        tenant=held.settings.tenant,
        business_offset_seconds=held.settings.business_offset_seconds,
    )
    try:
        client = await held.temporal()
        handle = await client.start_workflow(
            PeriodCloseWorkflow.run,
            order,
            id=close_id(seller, month),
            task_queue=WORKFLOW_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"Close {seller}, {period}",
            rpc_timeout=RPC_TIMEOUT,
        )
        async with asyncio.timeout(BUDGET_SECONDS):
            result: CloseResult = await handle.result()
        if result.refused:
            return problem(409, result.refused, field="period", action=result.action)
    except (WorkflowAlreadyStartedError, TimeoutError):
        pass
    except RPCError:
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    stands = await _store(held).latest(seller, month)
    if stands is not None:
        return await _told(held, stands)
    return MonthClose(
        seller=seller,
        period=period,
        number=number,
        state=CloseState.BEGUN,
        begun_by=order.requested_by,
    )


@router.post("/{seller}/{period}/signature", status_code=201)
async def sign(seller: str, period: str, body: SignBody, held: Held, who: Signer) -> MonthClose:
    """Sign what was found, or refuse to. Who began it may not."""
    entity_of(held, seller)
    month = month_of(period)
    found = await _store(held).latest(seller, month)
    case = None if found is None else await _case(held, seller, month)
    if found is None or case is None or case.kind != "close.sign_off":
        raise BadInput(
            "close_waits_for_no_signature",
            field="period",
            action=f"see where it stands: dealthread close {seller} {period}",
        )
    if body.fingerprint != case.evidence.get("fingerprint", ""):
        raise BadInput(
            "evidence_is_another",
            field="fingerprint",
            action="the books were looked at anew: read the checklist again",
        )
    await held.cases.decide(
        Decision(
            case_id=case.case_id,
            version=case.version,
            decision=DecisionKind.REJECT if body.reject else DecisionKind.APPROVE,
            actor=who.actor,
            role=acting_role(who, APPROVE),
            reason=body.reason,
        )
    )
    return await _told(held, found)


@router.get("/{seller}/{period}/evidence")
async def evidence(seller: str, period: str, held: Held, _: Reader) -> Evidence:
    """Everything that was found, with the trial balances and both sides of each identity."""
    return (await _evidence(held, seller, month_of(period)))[1]


@router.get("/{seller}/{period}/journal", response_class=PlainTextResponse)
async def journal(seller: str, period: str, held: Held, _: Reader) -> PlainTextResponse:
    """The month's entries as text for hledger."""
    return PlainTextResponse((await _evidence(held, seller, month_of(period)))[2])


# ------------------------------------------------------------ parts


def _store(held: Resources) -> PostgresClosing:
    return PostgresClosing(held.engine, held.settings.tenant)


async def _evidence(held: Resources, seller: str, month: date) -> tuple[Close, Evidence, str]:
    entity_of(held, seller)
    found = await _store(held).evidence(seller, month)
    if found is None:
        raise NotFound("close_has_no_evidence", id=f"{seller} {month:%Y-%m}")
    return found


async def _case(held: Resources, seller: str, month: date) -> Case | None:
    query = select(cases.c.case_id).where(
        cases.c.contract_key == close_key(seller, month), cases.c.state == CaseState.OPEN
    )
    async with held.engine.connect() as connection:
        case_id = (await connection.execute(query)).scalar()
    return None if case_id is None else await held.cases.show(case_id)


async def _told(held: Resources, found: Close) -> MonthClose:
    case = await _case(held, found.seller, found.period)
    return MonthClose(
        seller=found.seller,
        period=f"{found.period:%Y-%m}",
        number=found.number,
        state=found.state,
        begun_by=found.begun_by,
        begun_at=found.begun_at,
        fingerprint=found.fingerprint,
        signed_by=found.signed_by,
        signed_at=found.signed_at,
        reason=found.reason,
        closed_at=found.closed_at,
        ledger_period=found.ledger_period,
        case_id="" if case is None else case.case_id,
        waits_for="" if case is None else case.kind,
        items=[] if found.checklist is None else list(found.checklist.items),
    )
