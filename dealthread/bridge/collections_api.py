"""The process API of pursuits of overdue invoices: look, hold, stop."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import JSONResponse
from temporalio.client import (
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.collections_inputs import OrderKind, PursuitOrder
from dealthread.bridge.access import COLLECT, READ, requires
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.dunning import Pursuit
from dealthread.errors import NotFound
from dealthread.settings import Principal
from dealthread.temporal import RPC_TIMEOUT

router = APIRouter(prefix="/v1/collections", tags=["collections"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Collector = Annotated[Principal, Depends(requires(COLLECT))]


class OrderPursuit(BaseModel):
    """What is asked of a pursuit: promise, pause, resume or stop."""

    model_config = ConfigDict(extra="forbid")

    kind: OrderKind
    until: date | None = None
    reason: Annotated[str, StringConstraints(max_length=500)] = ""


class PursuitOrdered(BaseModel):
    """Whose pursuit was told what."""

    business_key: str
    invoice_number: str
    kind: OrderKind


@router.get("")
async def pursuits(
    held: Held,
    _: Reader,
    contract_key: str = "",
    customer_key: str = "",
    closed: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Pursuit]:
    """Pursuits under way, oldest due date first; with `closed`, ended ones too."""
    return await held.pursuits.listing(
        contract_key=contract_key, customer_key=customer_key, closed=closed, limit=limit
    )


@router.get("/{invoice:path}")
async def pursuit(invoice: str, held: Held, _: Reader) -> Pursuit:
    """The newest pursuit of an invoice, by its number, its id or the business key."""
    return await _found(held, invoice)


@router.post("/{invoice:path}/orders", status_code=202, response_model=PursuitOrdered)
async def order(
    invoice: str, body: OrderPursuit, held: Held, who: Collector
) -> PursuitOrdered | JSONResponse:
    """Tell a pursuit of a promise, hold it, let it go on, or stop it. The same again in the same
    place changes nothing."""
    found = await _found(held, invoice)
    needs_reason = body.kind in (OrderKind.PAUSE, OrderKind.STOP)
    if needs_reason and not body.reason.strip():
        return problem(400, "reason_needed", field="reason", action="say why, for the audit log")
    if body.until is not None and body.kind not in (OrderKind.PROMISE, OrderKind.PAUSE):
        return problem(400, "no_date_needed", field="until", action="leave it out")
    client = await held.temporal()
    asked = PursuitOrder(
        kind=body.kind, actor=who.actor, reason=body.reason.strip(), until=body.until
    )
    try:
        await client.get_workflow_handle(found.business_key).execute_update(
            "order",
            asked,
            id=f"{body.kind}:{body.until or ''}:{found.generation}.{found.sequence}",
            rpc_timeout=RPC_TIMEOUT,
        )
    except WorkflowUpdateFailedError as refused:
        return _refused(refused)
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        return problem(503, "temporal_unavailable", action="ask again: it is taken once")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return problem(409, "pursuit_over", field="invoice", action="it is not pursued")
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    return PursuitOrdered(
        business_key=found.business_key, invoice_number=found.invoice_number, kind=body.kind
    )


def _refused(refused: WorkflowUpdateFailedError) -> JSONResponse:
    """The pursuit's own words: a code, and what to do instead."""
    cause = refused.cause
    if not isinstance(cause, ApplicationError) or cause.type != "pursuit_refused":
        raise refused
    code = str(cause.details[0]) if cause.details else "refused"
    return problem(409, code, field="until" if "date" in code else "", action=cause.message)


async def _found(held: Resources, invoice: str) -> Pursuit:
    found = await held.pursuits.of_invoice(invoice)
    if found is None:
        raise NotFound("pursuit_not_found", id=invoice[:40])
    return found
