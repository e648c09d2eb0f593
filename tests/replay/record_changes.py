"""What is recorded of changes: each kind at its ends and waits, and the contract around them.

A function a history, of the same name. The contract is started as one that was sold already, on
the day that the change needs, so that no history holds more than it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import (
    AmendmentOrder,
    ChangeOrder,
    ChangeTiming,
    LineAction,
    LineOrder,
    RenewalDecision,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.money import UnitPrice
from dealthread.domain.transaction import ChangeKind, ChangeRequest, Environment
from dealthread.naming import (
    WORKFLOW_QUEUE,
    contract_workflow_id,
    quote_to_cash_id,
    renewal_notice_id,
    withdrawal_id,
)
from tests.fakes.world import Fault
from tests.support.change_lab import change, on, sold
from tests.support.change_orders import cancellation, renewal, seats, seats_of
from tests.support.deal_builder import d1
from tests.support.saga_lab import Lab, fresh
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import ContractMemory

START, MARCH, JULY = date(2026, 1, 1), date(2026, 3, 1), date(2026, 7, 1)
NOTICE, OVER = date(2026, 11, 10), date(2027, 1, 2)


@dataclass(frozen=True)
class Recorded:
    """Where a history is; without a run id, the newest run's."""

    workflow_id: str
    run_id: str | None = None


async def _running(it: Lab, day: date) -> Contract:
    on(it, START)
    contract = await sold(it, fresh(d1()))
    on(it, day)
    return contract


# ------------------------------------------------------------ the sagas of changes


async def amendment_completed(it: Lab) -> Recorded:
    """50 to 70 seats, every step."""
    contract = await _running(it, JULY)
    order = seats(contract, 70, JULY)
    await (await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)).result()
    return Recorded(order.change_id)


async def amendment_compensated(it: Lab) -> Recorded:
    """Refused by the biller, aborted, the draft cancelled."""
    contract = await _running(it, JULY)
    order = seats(contract, 70, JULY)
    it.world.plan("billing.change_agreement", Fault.REJECTED, times=0)
    handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
    await it.decide(await it.case_of(contract.key), DecisionKind.ABORT)
    await handle.result()
    return Recorded(order.change_id)


async def amendment_waiting_for_a_person(it: Lab) -> Recorded:
    """Stuck after the pivot, still running."""
    contract = await _running(it, JULY)
    order = seats(contract, 70, JULY)
    it.world.plan("entitlement.grant", Fault.REJECTED, times=0)
    handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
    await it.case_of(contract.key)
    await _settled(handle)
    return Recorded(order.change_id)


async def amendment_waiting_for_approval(it: Lab) -> Recorded:
    """A discount above what policy allows, still running."""
    contract = await _running(it, JULY)
    line = LineOrder(
        action=LineAction.PRICE,
        line_key=seats_of(contract).line_key,
        unit_price=UnitPrice.of(Decimal("150.00"), "USD"),
    )
    order = AmendmentOrder.model_validate(
        seats(contract, 50, JULY).model_dump() | {"lines": (line,)}
    )
    handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
    await it.case_of(contract.key, kind="deal.approval")
    await _settled(handle)
    return Recorded(order.change_id)


async def amendment_held(it: Lab) -> Recorded:
    """Accepted in March for July."""
    contract = await _running(it, MARCH)
    order = seats(contract, 70, JULY, accepted_on=MARCH)
    await (await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)).result()
    return Recorded(order.change_id)


async def renewal_completed(it: Lab) -> Recorded:
    """Accepted for another year."""
    contract = await _running(it, JULY)
    order = renewal(contract, JULY)
    await (await change(it, contract, ChangeKind.RENEWAL, order.change_id, order)).result()
    return Recorded(order.change_id)


async def renewal_declined(it: Lab) -> Recorded:
    """The CRM is told, nothing else happens."""
    contract = await _running(it, JULY)
    order = renewal(contract, JULY, RenewalDecision.DECLINE)
    await (await change(it, contract, ChangeKind.RENEWAL, order.change_id, order)).result()
    return Recorded(order.change_id)


async def renewal_notice_completed(it: Lab) -> Recorded:
    """The calendar announces the end of the term."""
    contract = await _running(it, NOTICE)
    assert contract.end_date is not None
    notice = renewal_notice_id(contract.key, contract.end_date)
    handle = await change(it, contract, ChangeKind.RENEWAL_NOTICE, notice, requested_by="calendar")
    await handle.result()
    return Recorded(notice)


async def cancellation_completed(it: Lab) -> Recorded:
    """Ended at once, approved, unused time credited."""
    contract = await _running(it, JULY)
    return Recorded(await _cancelled(it, contract, ChangeTiming.NOW))


async def withdrawal_completed(it: Lab) -> Recorded:
    """A cancellation at the term's end is taken back before it."""
    contract = await _running(it, JULY)
    back = _withdrawal(contract, await _cancelled(it, contract, ChangeTiming.TERM_END))
    await (await change(it, contract, ChangeKind.WITHDRAWAL, back.change_id, back)).result()
    return Recorded(back.change_id)


async def _cancelled(it: Lab, contract: Contract, timing: ChangeTiming) -> str:
    order = cancellation(contract, JULY, timing=timing)
    handle = await change(it, contract, ChangeKind.CANCELLATION, order.change_id, order)
    case = await it.case_of(contract.key, kind="deal.approval")
    await it.decide(case, DecisionKind.APPROVE, actor="ben")
    await handle.result()
    return order.change_id


def _withdrawal(contract: Contract, target: str) -> WithdrawalOrder:
    return WithdrawalOrder(
        change_id=withdrawal_id(target),
        contract_key=contract.key,
        accepted_on=START,
        target=target,
    )


# ------------------------------------------------------------ the contract around them


async def contract_amending(it: Lab) -> Recorded:
    """Its amendment is stuck after the pivot: the child runs, the contract waits for it."""
    contract = await _running(it, JULY)
    handle = await _life(it, contract)
    it.world.plan("entitlement.grant", Fault.REJECTED, times=0)
    await _ask(it, handle, contract, ChangeKind.AMENDMENT, seats(contract, 70, JULY))
    await it.case_of(contract.key)
    await _settled(handle)
    return Recorded(handle.id)


async def contract_at_rest_with_a_held_change(it: Lab) -> Recorded:
    """One amendment waits for its day."""
    contract = await _running(it, MARCH)
    handle = await _life(it, contract)
    order = seats(contract, 70, JULY, accepted_on=MARCH)
    await _ask(it, handle, contract, ChangeKind.AMENDMENT, order)
    await _at_rest(handle)
    return Recorded(handle.id)


async def contract_withdrew_a_held_change(it: Lab) -> Recorded:
    """The run in which a held amendment was taken back."""
    contract = await _running(it, MARCH)
    handle = await _life(it, contract)
    order = seats(contract, 70, JULY, accepted_on=MARCH)
    await _ask(it, handle, contract, ChangeKind.AMENDMENT, order)
    held_in = await _at_rest(handle)
    back = _withdrawal(contract, order.change_id)
    await _ask(it, handle, contract, ChangeKind.WITHDRAWAL, back)
    await _at_rest(handle, after=held_in)
    return Recorded(handle.id, held_in)


async def contract_renewing(it: Lab) -> Recorded:
    """The run that carried out a renewal and continued as new."""
    return Recorded(*await _renewed(it))


async def contract_at_rest_in_its_second_term(it: Lab) -> Recorded:
    """Renewed; it waits for what the calendar asks of the next term."""
    workflow_id, _ = await _renewed(it)
    return Recorded(workflow_id)


async def _renewed(it: Lab) -> tuple[str, str]:
    contract = await _running(it, JULY)
    handle = await _life(it, contract)
    await _ask(it, handle, contract, ChangeKind.RENEWAL, renewal(contract, JULY))
    await _at_rest(handle)
    assert (await handle.query(ContractLifecycleWorkflow.status)).term_no == 2
    assert handle.first_execution_run_id is not None
    return handle.id, handle.first_execution_run_id


async def contract_ended_by_its_term(it: Lab) -> Recorded:
    """Declined before: the calendar ends it, and the CRM is told."""
    contract = await _running(it, OVER)
    handle = await _life(it, contract, announced=True, answered=True)
    view = await handle.result()
    assert view.state is ContractState.ENDED
    return Recorded(handle.id)


Life = WorkflowHandle[ContractLifecycleWorkflow, object]


async def _life(it: Lab, contract: Contract, **more: bool):
    assert contract.end_date is not None
    sold_by = quote_to_cash_id(contract.org, contract.deal_id)
    memory = ContractMemory(
        contract_key=contract.key,
        org=contract.org,
        deal_id=contract.deal_id,
        state=ContractState.ACTIVE,
        environment=Environment(business_offset_seconds=it.offset_seconds()),
        start_at=_midnight(contract.start_date),
        end_at=_midnight(contract.end_date),
        auto_renew=contract.auto_renew,
        renewal=contract.renewal,
        applied=(f"{sold_by}#1",),
    )
    return await it.client.start_workflow(
        ContractLifecycleWorkflow.run,
        memory.model_copy(update=dict(more)),
        id=contract_workflow_id(contract.key),
        task_queue=WORKFLOW_QUEUE,
    )


async def _ask(
    it: Lab, handle: Life, contract: Contract, kind: ChangeKind, order: ChangeOrder
) -> None:
    await it.changes.record_order(order, "anna")
    request = ChangeRequest(
        change_id=order.change_id,
        kind=kind,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="anna",
    )
    await it.runs.claim(request, contract.key)
    newest = it.client.get_workflow_handle(handle.id)
    await newest.signal("change_requested", request)


async def _at_rest(handle: Life, after: str = "") -> str:
    """Run id of the run that rests: continued as new, and its timer set."""
    for _ in range(400):
        history = await handle.fetch_history()
        first = history.events[0].workflow_execution_started_event_attributes
        kinds = [event.event_type for event in history.events]
        waits = kinds[-1] == EventType.EVENT_TYPE_TIMER_STARTED
        run_id = first.original_execution_run_id
        if first.continued_execution_run_id and waits and run_id != after:
            return run_id
        await asyncio.sleep(0.05)
    raise AssertionError("the contract did not come to rest")


async def _settled(handle: WorkflowHandle[object, object]) -> None:
    """Until the run has nothing to do but wait for others: its last task is over."""
    for _ in range(100):
        history = await handle.fetch_history()
        tasks = [event.event_type for event in history.events if event.event_type in _TASK]
        if tasks[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the run did not settle")


_TASK = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


CHANGES: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    amendment_completed,
    amendment_compensated,
    amendment_waiting_for_a_person,
    amendment_waiting_for_approval,
    amendment_held,
    renewal_completed,
    renewal_declined,
    renewal_notice_completed,
    cancellation_completed,
    withdrawal_completed,
    contract_amending,
    contract_at_rest_with_a_held_change,
    contract_withdrew_a_held_change,
    contract_renewing,
    contract_at_rest_in_its_second_term,
    contract_ended_by_its_term,
)
