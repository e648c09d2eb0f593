"""The process API of contracts that live: look, order a change, signal a risk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse
from temporalio.service import RPCError, RPCStatusCode

from dealthread.bridge.access import CHANGE, READ, SIGNAL, requires
from dealthread.bridge.contract_view import ContractView, view_of
from dealthread.bridge.free_text import Words
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.order_form import (
    AmendmentBody,
    CancellationBody,
    RenewalBody,
    WithdrawalBody,
)
from dealthread.bridge.ordering import Ordered, business_day, business_now, contract_of, place
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.bridge.risk_telling import risk_raised
from dealthread.domain.transaction import RiskLevel, RiskSignal
from dealthread.errors import NotFound
from dealthread.naming import contract_workflow_id
from dealthread.settings import Principal
from dealthread.temporal import RPC_TIMEOUT

router = APIRouter(prefix="/v1/contracts", tags=["contracts"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Changer = Annotated[Principal, Depends(requires(CHANGE))]
Signaller = Annotated[Principal, Depends(requires(SIGNAL))]


class SignalRisk(BaseModel):
    """How likely the customer is to leave, and why."""

    model_config = ConfigDict(extra="forbid")

    level: RiskLevel
    reason: Words = ""


class Signalled(BaseModel):
    """Whose risk was taken note of."""

    contract_key: str
    level: RiskLevel


@router.get("/{contract_key}")
async def contract(contract_key: str, held: Held, _: Reader) -> ContractView:
    """State, lines over time, versions, changes that wait, money, what is in collections."""
    today = business_day(held)
    snapshot = await held.contract_reading.snapshot(contract_key, today)
    if snapshot is None:
        raise NotFound("contract_not_found", id=contract_key[:40])
    pursuits = await held.pursuits.listing(contract_key=contract_key, closed=False, limit=100)
    return view_of(snapshot, today, pursuits)


@router.post("/{contract_key}/amendments", status_code=202, response_model=Ordered)
async def amend(
    contract_key: str, body: AmendmentBody, held: Held, who: Changer
) -> Ordered | JSONResponse:
    """Order a change of lines or terms within the running term."""
    return await place(held, contract_key, body, who)


@router.post("/{contract_key}/renewals", status_code=202, response_model=Ordered)
async def renew(
    contract_key: str, body: RenewalBody, held: Held, who: Changer
) -> Ordered | JSONResponse:
    """Accept or decline what follows the present term."""
    return await place(held, contract_key, body, who)


@router.post("/{contract_key}/cancellations", status_code=202, response_model=Ordered)
async def cancel(
    contract_key: str, body: CancellationBody, held: Held, who: Changer
) -> Ordered | JSONResponse:
    """End the contract: now, with a period, with its term, or on a day."""
    return await place(held, contract_key, body, who)


@router.post("/{contract_key}/withdrawals", status_code=202, response_model=Ordered)
async def withdraw(
    contract_key: str, body: WithdrawalBody, held: Held, who: Changer
) -> Ordered | JSONResponse:
    """Take back a change that was accepted and has not taken effect."""
    return await place(held, contract_key, body, who)


@router.post("/{contract_key}/signals/risk", status_code=202, response_model=Signalled)
async def signal_risk(
    contract_key: str, body: SignalRisk, held: Held, who: Signaller
) -> Signalled | JSONResponse:
    """Customer success says how likely the customer is to leave; it changes who must agree to an
    automatic renewal, never the contract."""
    contract, _ = await contract_of(held, contract_key)
    client = await held.temporal()
    try:
        await client.get_workflow_handle(contract_workflow_id(contract_key)).signal(
            "risk_signalled",
            RiskSignal(level=body.level, reason=body.reason),
            rpc_timeout=RPC_TIMEOUT,
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return problem(
                409, "contract_ended", field="contract_key", action="nothing follows its end"
            )
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    events = risk_raised(contract, body.level, business_now(held))
    await held.contract_reading.record_risk(contract_key, body.level, who.actor, events)
    return Signalled(contract_key=contract_key, level=body.level)
