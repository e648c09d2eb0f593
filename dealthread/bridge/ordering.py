"""Orders of changes by people: checked against the contract, stored, handed to the relay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel
from starlette.responses import JSONResponse

from dealthread.bridge.order_form import OrderBody
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources
from dealthread.domain.change_order import ChangeOrder, WithdrawalOrder
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.domain.versions.refusal import OrderRefusal
from dealthread.domain.versions.rules import refusals
from dealthread.errors import BadInput, Conflict, NotFound
from dealthread.settings import Principal

_OVER = ("contract_ended", "contract_never_activated", "contract_pending")
_TAKEN_BACK = (ChangeOutcome.SCHEDULED, ChangeOutcome.COMPLETED)
"""How a change that can be taken back has ended so far; one that still runs has not."""


class Ordered(BaseModel):
    """The run that exists now, new or not."""

    business_key: str
    generation: int
    contract_key: str
    created: bool


async def contract_of(held: Resources, contract_key: str) -> tuple[Contract, ContractState]:
    """The contract and its state. Raises NotFound."""
    contract = await held.contracts.read(contract_key)
    state = await held.contracts.state(contract_key)
    if contract is None or state is None:
        raise NotFound("contract_not_found", id=contract_key[:40])
    return contract, state


def business_day(held: Resources) -> date:
    """Today in business time."""
    offset = timedelta(seconds=held.settings.business_offset_seconds)
    return (datetime.fromtimestamp(held.now(), UTC) + offset).date()


async def place(
    held: Resources, contract_key: str, body: OrderBody, who: Principal
) -> Ordered | JSONResponse:
    """Store an order and claim its run; asking twice changes nothing, a refusal writes nothing."""
    contract, state = await contract_of(held, contract_key)
    order = body.order(contract, business_day(held))
    order, is_known = await _known(held, order, dated=body.accepted_on is not None)
    latest, _ = await held.runs.latest_generation(order.change_id)
    if is_known and latest and not body.again:
        return _answer(order, latest, created=False)
    refused = await _refused(held, contract, state, order)
    if refused is not None:
        return refused
    generation = await held.runs.next_generation(order.change_id) if body.again else latest or 1
    try:
        await held.changes.record_order(order, who.actor)
    except Conflict:
        raise _other_order() from None
    created = await held.changes.claim(
        ChangeRequest(
            change_id=order.change_id,
            kind=ChangeKind(order.kind),
            generation=generation,
            org=contract.org,
            deal_id=contract.deal_id,
            requested_by=who.actor,
        ),
        contract.key,
    )
    return _answer(order, generation, created=created)


def _answer(order: ChangeOrder, generation: int, *, created: bool) -> Ordered:
    return Ordered(
        business_key=order.change_id,
        generation=generation,
        contract_key=order.contract_key,
        created=created,
    )


async def _known(held: Resources, order: ChangeOrder, *, dated: bool) -> tuple[ChangeOrder, bool]:
    """The order, dated as it was when it was asked first; and whether it was asked before."""
    stored = await held.changes.order(order.change_id)
    if stored is None:
        return order, False
    if not dated:
        order = order.model_copy(update={"accepted_on": stored.accepted_on})
    if stored != order:
        raise _other_order()
    return order, True


def _other_order() -> BadInput:
    return BadInput(
        "another_order_under_this_id",
        field="source_id",
        action="the order of this id says something else: give another id",
    )


async def _refused(
    held: Resources, contract: Contract, state: ContractState, order: ChangeOrder
) -> JSONResponse | None:
    if isinstance(order, WithdrawalOrder):
        await _check_target(held, order)
    return refusal_problem(reasons_against(held, contract, state, order))


def reasons_against(
    held: Resources, contract: Contract, state: ContractState, order: ChangeOrder
) -> tuple[OrderRefusal, ...]:
    """What the rules have against an order today."""
    return refusals(contract, state, order, business_day(held), held.config())


def refusal_problem(reasons: tuple[OrderRefusal, ...]) -> JSONResponse | None:
    """The first reason as the problem, all of them in `refusals`; None without any."""
    if not reasons:
        return None
    first = reasons[0]
    return problem(
        409 if first.code in _OVER else 400,
        first.code,
        field=first.field,
        action=first.action,
        refusals=[reason.model_dump() for reason in reasons],
    )


async def _check_target(held: Resources, order: WithdrawalOrder) -> None:
    target = await held.changes.order(order.target)
    if target is None or target.contract_key != order.contract_key:
        raise NotFound("change_not_found", id=order.target[:60])
    generation, outcome = await held.runs.latest_generation(order.target)
    if not generation or (outcome is not None and outcome not in _TAKEN_BACK):
        raise BadInput(
            "nothing_to_withdraw",
            field="change_id",
            action=f"the change is {outcome or 'not asked'}: there is nothing to take back",
        )
