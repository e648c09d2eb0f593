"""What every system says of contracts now, beside the version that stands here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel

from dealthread.bridge.access import READ, requires
from dealthread.bridge.asking import Question, answer_to
from dealthread.bridge.contract_checking import BATCH, BUDGET_SECONDS, Comparison
from dealthread.bridge.free_text import storable
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import business_now
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.comparison.finding import ContractFinding
from dealthread.domain.comparison.reporting import case_of
from dealthread.domain.comparison.seen import SystemsSay
from dealthread.errors import BadInput, NotFound
from dealthread.settings import Principal
from workflows.contract_check import ContractCheckInput, ContractCheckWorkflow

router = APIRouter(prefix="/v1", tags=["contracts"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Key = Annotated[str, Query(max_length=20), AfterValidator(storable)]


class ContractChecked(ContractFinding):
    """One contract; its open case where there is one."""

    case_id: str = ""


class ChecksAnswer(BaseModel):
    """A page of contracts, by key."""

    checked_at: AwareDatetime
    """Business time."""
    contracts: list[ContractChecked]
    next: str
    """Ask with `after` set to it for the next page; "" where there is none."""


@router.get("/contract-check")
async def contract_check(
    held: Held,
    _: Reader,
    contract: Key = "",
    entity: Key = "",
    after: Key = "",
    limit: Annotated[int, Query(ge=1, le=BATCH)] = BATCH,
) -> ChecksAnswer:
    """Compare now: one contract, those of a legal entity, or all, a page at a time. Reads every
    system and writes to none; what does not answer is `unread`, never equal."""
    if contract and entity:
        raise BadInput("one_scope", field="entity", action="give contract or entity, not both")
    entities = sorted(one.code for one in held.config().legal_entities)
    if entity and entity not in entities:
        raise BadInput(
            "entity_not_known", field="entity", action=f"use one of: {', '.join(entities)}"
        )
    comparison = Comparison(held.settings, held.engine, lambda: business_now(held))
    keys = await comparison.standings.page(
        contract_key=contract, seller=entity, after=after, limit=limit + 1
    )
    if contract and not keys and not after:
        raise NotFound("contract_not_found", id=contract)
    asked, more = keys[:limit], keys[limit:]

    async def ask(order: ContractCheckInput) -> SystemsSay:
        question = Question(
            id=f"contract-check:{asked[0]}:{len(asked)}",
            summary=f"Compare {len(asked)} contracts with every system",
            budget_seconds=BUDGET_SECONDS,
            slow="contract_check_timed_out",
        )
        return await answer_to(held, ContractCheckWorkflow.run, order, question)

    found = await comparison.look(asked, ask) if asked else []
    return ChecksAnswer(
        checked_at=business_now(held),
        contracts=[
            ContractChecked(
                **dict(one.finding), case_id=await _open_case(comparison, one.standing.key)
            )
            for one in found
        ],
        next=asked[-1] if more else "",
    )


async def _open_case(comparison: Comparison, contract_key: str) -> str:
    case = await comparison.checks.case_of(case_of(contract_key))
    return case.case_id if case is not None and case.is_open else ""
