"""The process API: submit a deal, look at a transaction, decide a case."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, JsonValue

from dealthread.bridge.access import APPROVE, DECIDE, READ, SUBMIT, acting_role, may, requires
from dealthread.bridge.free_text import Reason
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.case import Case, CaseState, Decision, DecisionKind
from dealthread.domain.corrections import parse_corrections
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.errors import BadInput
from dealthread.naming import contract_key, is_salesforce_id, quote_to_cash_id, salesforce_id_18
from dealthread.settings import Principal, Settings
from dealthread.store.reading import TraceEntry, Transaction

router = APIRouter(prefix="/v1", tags=["process"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Submitter = Annotated[Principal, Depends(requires(SUBMIT))]


class SubmitDeal(BaseModel):
    """Body of a submission. `again` runs a deal anew that ended compensated or cancelled."""

    model_config = ConfigDict(extra="forbid")

    org: str = ""
    again: bool = False


class Submitted(BaseModel):
    """The run that exists now, new or not."""

    business_key: str
    generation: int
    contract_key: str
    created: bool


class TransactionView(BaseModel):
    """One transaction with every native id."""

    transaction: dict[str, Any]
    refs: list[dict[str, Any]]
    contract: dict[str, Any] | None
    ui_url: str


class DecideCase(BaseModel):
    """One decision on one version of a case."""

    model_config = ConfigDict(extra="forbid")

    version: int
    decision: DecisionKind
    reason: Reason
    correction: dict[str, JsonValue] = {}
    link_to: str = ""
    until: date | None = None


@router.post("/deals/{deal_id}/quote-to-cash", status_code=202)
async def quote_to_cash(deal_id: str, body: SubmitDeal, held: Held, who: Submitter) -> Submitted:
    """Ask for a deal's quote-to-cash. Asking twice changes nothing."""
    if not is_salesforce_id(deal_id):
        raise BadInput(
            "not_a_salesforce_id", field="deal_id", action="give the opportunity's 18-character id"
        )
    org, deal = org_of(body.org, held.settings), salesforce_id_18(deal_id)
    business_key = quote_to_cash_id(org, deal)
    if body.again:
        generation = await held.runs.next_generation(business_key)
    else:
        latest, _ = await held.runs.latest_generation(business_key)
        generation = latest or 1
    request = ChangeRequest(
        change_id=business_key,
        kind=ChangeKind.QUOTE_TO_CASH,
        generation=generation,
        org=org,
        deal_id=deal,
        requested_by=who.actor,
    )
    key = contract_key(org, deal)
    created, _ = await held.runs.claim(request, key)
    return Submitted(
        business_key=business_key, generation=generation, contract_key=key, created=created
    )


def org_of(given: str, settings: Settings) -> str:
    """The Salesforce organisation meant; it may be left out where there is only one."""
    """The 18-character id, as in the business keys that webhooks make."""
    known = sorted({salesforce_id_18(org) for org in settings.orgs()})
    if given and not (is_salesforce_id(given) and salesforce_id_18(given) in known):
        raise BadInput("unknown_org", field="org", action="use one of: " + ", ".join(known))
    if not given and len(known) != 1:
        raise BadInput("org_needed", field="org", action="name the Salesforce organisation")
    return salesforce_id_18(given) if given else known[0]


@router.get("/transactions")
async def transactions(
    held: Held,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    stage: str = "",
    stuck: bool = False,
) -> list[Transaction]:
    """Newest first."""
    return await held.reading.listing(limit, stage, stuck)


@router.get("/transactions/{any_id:path}/trace")
async def trace(any_id: str, held: Held, _: Reader) -> list[TraceEntry]:
    """Everything that happened to a deal, in order."""
    return await held.reading.trace(await held.reading.find(any_id))


@router.get("/transactions/{any_id:path}")
async def transaction(any_id: str, held: Held, _: Reader) -> TransactionView:
    """By deal, contract, customer, case or any native id."""
    found = await held.reading.find(any_id)
    refs = await held.reading.refs(found.contract_key)
    return TransactionView(
        transaction=_plain(found),
        refs=[ref.model_dump(mode="json") for ref in refs],
        contract=await held.reading.contract_body(found.contract_key),
        ui_url=workflow_url(held.settings, found.business_key),
    )


def _plain(found: Transaction) -> dict[str, Any]:
    plain = dict(found.__dict__)
    plain["tcv"] = found.tcv.model_dump(mode="json") if found.tcv else None
    return plain


def workflow_url(settings: Settings, workflow_id: str) -> str:
    """Where the Temporal UI shows a workflow; empty without a UI."""
    if not settings.ui_url:
        return ""
    namespace = settings.temporal_namespace
    return f"{settings.ui_url}/namespaces/{namespace}/workflows/{workflow_id}"


@router.get("/outcomes")
async def outcomes(held: Held, _: Reader) -> dict[str, int]:
    """Runs by outcome."""
    return await held.reading.outcomes()


@router.get("/uncertain")
async def uncertain(held: Held, _: Reader) -> list[dict[str, Any]]:
    """Writes whose effect is not known, oldest first."""
    return [_write(row) for row in await held.reading.uncertain()]


@router.get("/writes/{business_key:path}")
async def writes(business_key: str, held: Held, _: Reader) -> list[dict[str, Any]]:
    """Journal rows of a run."""
    return [_write(row) for row in await held.reading.writes_of(business_key)]


def _write(row: Any) -> dict[str, Any]:
    plain = dict(row.__dict__)
    plain["money"] = row.money.model_dump(mode="json") if row.money else None
    return plain


@router.get("/cases")
async def cases(
    held: Held,
    _: Reader,
    state: CaseState = CaseState.OPEN,
    any_state: bool = False,
    queue: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Case]:
    """Open cases, oldest first; with `any_state`, those of every state."""
    return await held.cases.listing(None if any_state else state, queue, limit)


@router.get("/cases/{case_id}")
async def case(case_id: str, held: Held, _: Reader) -> Case:
    """One case with everything a person needs to decide."""
    return await held.cases.show(case_id)


@router.post("/cases/{case_id}/decisions", status_code=201)
async def decide(case_id: str, body: DecideCase, held: Held, who: Reader) -> Case:
    """Decide one version of a case: the first decision wins, a stale one is refused."""
    approval = body.decision in (DecisionKind.APPROVE, DecisionKind.REJECT)
    action = APPROVE if approval else DECIDE
    if not may(who, action):
        await held.cases.record_denied(case_id, who.actor, body.decision)
        raise BadInput(
            "not_allowed",
            field="actor",
            action=f"the roles {', '.join(who.roles) or 'none'} may not {body.decision}",
        )
    if not body.reason.strip():
        raise BadInput("reason_needed", field="reason", action="say why, for the audit log")
    if (body.decision is DecisionKind.RETRY_WITH) != bool(body.correction):
        raise BadInput(
            "correction_with_retry",
            field="correction",
            action="give a correction with retry_with, and with no other decision",
        )
    parse_corrections(body.correction)
    if body.decision is DecisionKind.LINK and not body.link_to:
        raise BadInput("link_needed", field="link_to", action="name the document to adopt")
    if (body.decision is DecisionKind.EXTEND) != (body.until is not None):
        raise BadInput(
            "until_with_extend",
            field="until",
            action="give the last day of it with extend, and with no other decision",
        )
    return await held.cases.decide(
        Decision(
            case_id=case_id,
            version=body.version,
            decision=body.decision,
            actor=who.actor,
            role=acting_role(who, action),
            reason=body.reason,
            correction=body.correction,
            link_to=body.link_to,
            until=body.until,
        )
    )
