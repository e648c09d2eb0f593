"""Orders of changes by people: checked against the contract, stored, handed to the relay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel
from starlette.responses import JSONResponse

from dealthread.bridge.order_form import OrderBody
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources
from dealthread.domain.change_order import ChangeOrder, RenewalOrder, WithdrawalOrder
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.credit_order import CreditOrder
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.domain.versions.refusal import OrderRefusal, OrderRefused
from dealthread.domain.versions.rules import refusals
from dealthread.domain.versions.withdrawn import withdrawn
from dealthread.domain.write_off_order import WriteOffOrder
from dealthread.errors import BadInput, Conflict, NotFound
from dealthread.naming import renewal_id
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


def business_now(held: Resources) -> datetime:
    """Business time."""
    offset = timedelta(seconds=held.settings.business_offset_seconds)
    return datetime.fromtimestamp(held.now(), UTC) + offset


def business_day(held: Resources) -> date:
    """Today in business time."""
    return business_now(held).date()


def not_after(held: Resources) -> str:
    """What to do about a day that has not come: the system's own day may be another than the
    caller's."""
    return f"give {business_day(held)}, which is today there, or a day before"


async def place(
    held: Resources, contract_key: str, body: OrderBody, who: Principal
) -> Ordered | JSONResponse:
    """Store an order and claim its run; asking twice changes nothing, a refusal writes nothing."""
    contract, state = await contract_of(held, contract_key)
    order = body.order(contract, business_day(held))
    # Looked for before its order: a run that is there was stored with it, if by a person.
    asked, _ = await held.runs.latest_generation(order.change_id)
    stored = await _stored(held, contract, order)
    if stored is None and asked and not body.again:
        raise _asked_elsewhere(order.change_id)
    if stored is not None:
        order = _as_dated_first(order, stored, dated=body.accepted_on is not None)
        if order != stored and not body.again:
            raise _other_order()
        latest, _ = await held.runs.latest_generation(order.change_id)
        if latest and not body.again:
            return ordered(order, latest, created=False)
    refused = await _refused(held, contract, state, order)
    if refused is not None:
        return refused
    try:
        return await placed(
            held, order, ChangeKind(order.kind), contract, who.actor, again=body.again
        )
    except Conflict:
        raise _other_order() from None


async def placed(
    held: Resources,
    order: ChangeOrder | CreditOrder | WriteOffOrder,
    kind: ChangeKind,
    contract: Contract,
    actor: str,
    *,
    again: bool,
) -> Ordered:
    """An order with the run that carries it out, in one transaction. Raises Conflict where another
    order has this id, BadInput where the last run did not end undone."""
    generation = await held.runs.next_generation(order.change_id) if again else 1
    request = ChangeRequest(
        change_id=order.change_id,
        kind=kind,
        generation=generation,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by=actor,
    )
    created = await held.changes.place(order, request, contract.key)
    return ordered(order, generation, created=created)


def ordered(
    order: ChangeOrder | CreditOrder | WriteOffOrder, generation: int, *, created: bool
) -> Ordered:
    """The answer to an order."""
    return Ordered(
        business_key=order.change_id,
        generation=generation,
        contract_key=order.contract_key,
        created=created,
    )


async def _stored(held: Resources, contract: Contract, order: ChangeOrder) -> ChangeOrder | None:
    """The order under this id; of a renewal also the one that agreed the term to come: the end
    that names a renewal has moved since."""
    stored = await held.changes.order(order.change_id)
    if stored is not None or not isinstance(order, RenewalOrder):
        return stored
    if not contract.later_terms or business_day(held) >= contract.later_terms[-1]:
        return None
    return await held.changes.order(renewal_id(contract.key, contract.later_terms[-1]))


def _as_dated_first(order: ChangeOrder, stored: ChangeOrder, *, dated: bool) -> ChangeOrder:
    """As it was asked first, if it says the same: without a date it is agreed on that day."""
    update: dict[str, object] = {"change_id": stored.change_id}
    if not dated:
        update["accepted_on"] = stored.accepted_on
    same = order.model_copy(update=update)
    return same if same == stored else order


def _asked_elsewhere(change_id: str) -> BadInput:
    return BadInput(
        "asked_elsewhere",
        field="source_id",
        action=f"{change_id} is asked by the CRM or the calendar and its order is theirs: "
        "change it there, or wait for its end",
    )


def _other_order() -> BadInput:
    return BadInput(
        "another_order_under_this_id",
        field="source_id",
        action="the order of this id says something else: give another id; or, once it ended "
        "compensated or cancelled, order it with `again`",
    )


async def _refused(
    held: Resources, contract: Contract, state: ContractState, order: ChangeOrder
) -> JSONResponse | None:
    if isinstance(order, WithdrawalOrder):
        await _check_target(held, contract, order)
    return refusal_problem(reasons_against(held, contract, state, order))


def reasons_against(
    held: Resources, contract: Contract, state: ContractState, order: ChangeOrder
) -> tuple[OrderRefusal, ...]:
    """What the rules have against an order today."""
    today = business_day(held)
    found = refusals(contract, state, order, today, held.config())
    if order.accepted_on > today:
        early = OrderRefusal(
            code="not_agreed_yet", field="accepted_on", action="give today or a day before"
        )
        return (*found, early)
    return found


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


async def _check_target(held: Resources, contract: Contract, order: WithdrawalOrder) -> None:
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
    if outcome == ChangeOutcome.COMPLETED:
        await _check_not_in_effect(held, contract, order)


async def _check_not_in_effect(held: Resources, contract: Contract, order: WithdrawalOrder) -> None:
    """The saga asks this again in its turn; whoever asks now need not wait for it."""
    number = await held.changes.version_of(order.target)
    earlier = await held.contracts.version(contract.key, number - 1) if number else None
    try:
        if number is None or earlier is None:
            raise OrderRefused("nothing_to_withdraw", "target", "it left the contract as it was")
        withdrawn(contract, earlier, number, business_day(held))
    except OrderRefused as refused:
        raise BadInput("nothing_to_withdraw", field="change_id", action=refused.action) from None
