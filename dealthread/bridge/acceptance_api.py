"""The process API of services that customers accept: their revenue waits for it."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from dealthread.bridge.free_text import Code, Said
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.milestone_telling import service_accepted
from dealthread.bridge.order_form import Day
from dealthread.bridge.ordering import business_day, business_now, contract_of, not_after
from dealthread.bridge.recognition_api import Held, Recogniser
from dealthread.bridge.resources import Resources
from dealthread.domain.money import Money
from dealthread.domain.versions.revenue import Unscheduled, unscheduled
from dealthread.errors import BadInput
from dealthread.hub_recognition import ServiceAcceptance
from dealthread.store.recognition import PostgresRecognition

router = APIRouter(prefix="/v1/contracts", tags=["recognition"], route_class=LimitedRoute)


class AcceptanceBody(BaseModel):
    """Which service, when, and how we know."""

    model_config = ConfigDict(extra="forbid")

    obligation: Code
    """As the contract's line, or `<line>/<product>` of a bundle."""
    accepted_on: Day
    evidence: Said


class Accepted(BaseModel):
    """Revenue that has a month now."""

    contract_key: str
    obligation: str
    accepted_on: date
    amount: Money
    is_new: bool


@router.post("/{contract_key}/acceptances")
async def accept(contract_key: str, body: AcceptanceBody, held: Held, who: Recogniser) -> Accepted:
    """The customer has accepted a service: the run of that month recognises it."""
    contract, _ = await contract_of(held, contract_key)
    if body.accepted_on > business_day(held):
        raise BadInput("day_to_come", field="accepted_on", action=not_after(held))
    if body.accepted_on < contract.start_date:
        raise BadInput(
            "before_the_contract", field="accepted_on", action=f"from {contract.start_date} on"
        )
    waiting = await _waiting(held, contract_key, contract.version)
    found = next((one for one, _ in waiting if one.obligation == body.obligation), None)
    version = next((at for one, at in waiting if one.obligation == body.obligation), 0)
    if found is None:
        known = ", ".join(one.obligation for one, _ in waiting) or "none"
        raise BadInput(
            "not_an_accepted_service",
            field="obligation",
            action=f"services of this contract that wait for acceptance: {known}",
        )
    acceptance = ServiceAcceptance(
        contract_key=contract_key,
        version=version,
        obligation=found.obligation,
        line_key=found.line_key,
        account=found.account,
        amount=found.amount,
        accepted_on=body.accepted_on,
        evidence=body.evidence,
        actor=who.actor,
    )
    told = service_accepted(acceptance, contract.customer_key, business_now(held))
    is_new = await PostgresRecognition(held.engine).accept_service(acceptance, told)
    return Accepted(
        contract_key=contract_key,
        obligation=found.obligation,
        accepted_on=body.accepted_on,
        amount=found.amount,
        is_new=is_new,
    )


async def _waiting(
    held: Resources, contract_key: str, present: int
) -> list[tuple[Unscheduled, int]]:
    """Services of each version that it added, with the version's number: their price is what they
    were allocated when they were sold."""
    found: list[tuple[Unscheduled, int]] = []
    before = None
    for number in range(1, present + 1):
        version = await held.contracts.version(contract_key, number)
        if version is not None:
            found += [(one, number) for one in unscheduled(version, held.config(), before)]
            before = version
    return found
