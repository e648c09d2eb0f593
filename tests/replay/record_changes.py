"""What is recorded of changes: each kind of saga at its ends and waits.

A function a history, of the same name. The contract was sold already, on its start date; the change
is asked on the day that it needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import (
    AmendmentOrder,
    ChangeTiming,
    LineAction,
    LineOrder,
    RenewalDecision,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.money import UnitPrice
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import (
    renewal_notice_id,
    withdrawal_id,
)
from tests.fakes.world import Fault
from tests.support.change_lab import change, on, sold
from tests.support.change_orders import cancellation, renewal, seats, seats_of
from tests.support.deal_builder import d1
from tests.support.saga_lab import Lab, fresh

START, MARCH, JULY = date(2026, 1, 1), date(2026, 3, 1), date(2026, 7, 1)
NOTICE, OVER = date(2026, 11, 10), date(2027, 1, 2)


@dataclass(frozen=True)
class Recorded:
    """Where a history is; without a run id, the newest run's."""

    workflow_id: str
    run_id: str | None = None


async def running(it: Lab, day: date) -> Contract:
    on(it, START)
    contract = await sold(it, fresh(d1()))
    on(it, day)
    return contract


async def amendment_completed(it: Lab) -> Recorded:
    """50 to 70 seats, every step."""
    contract = await running(it, JULY)
    order = seats(contract, 70, JULY)
    await (await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)).result()
    return Recorded(order.change_id)


async def amendment_compensated(it: Lab) -> Recorded:
    """Refused by the biller, aborted, the draft cancelled."""
    contract = await running(it, JULY)
    order = seats(contract, 70, JULY)
    it.world.plan("billing.change_agreement", Fault.REJECTED, times=0)
    handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
    await it.decide(await it.case_of(contract.key), DecisionKind.ABORT)
    await handle.result()
    return Recorded(order.change_id)


async def amendment_waiting_for_a_person(it: Lab) -> Recorded:
    """Stuck after the pivot, still running."""
    contract = await running(it, JULY)
    order = seats(contract, 70, JULY)
    it.world.plan("entitlement.grant", Fault.REJECTED, times=0)
    handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
    await it.case_of(contract.key)
    await settled(handle)
    return Recorded(order.change_id)


async def amendment_waiting_for_approval(it: Lab) -> Recorded:
    """A discount above what policy allows, still running."""
    contract = await running(it, JULY)
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
    await settled(handle)
    return Recorded(order.change_id)


async def amendment_held(it: Lab) -> Recorded:
    """Accepted in March for July."""
    contract = await running(it, MARCH)
    order = seats(contract, 70, JULY, accepted_on=MARCH)
    await (await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)).result()
    return Recorded(order.change_id)


async def renewal_completed(it: Lab) -> Recorded:
    """Accepted for another year."""
    contract = await running(it, JULY)
    order = renewal(contract, JULY)
    await (await change(it, contract, ChangeKind.RENEWAL, order.change_id, order)).result()
    return Recorded(order.change_id)


async def renewal_declined(it: Lab) -> Recorded:
    """The CRM is told, nothing else happens."""
    contract = await running(it, JULY)
    order = renewal(contract, JULY, RenewalDecision.DECLINE)
    await (await change(it, contract, ChangeKind.RENEWAL, order.change_id, order)).result()
    return Recorded(order.change_id)


async def renewal_notice_completed(it: Lab) -> Recorded:
    """The calendar announces the end of the term."""
    contract = await running(it, NOTICE)
    assert contract.end_date is not None
    notice = renewal_notice_id(contract.key, contract.end_date)
    handle = await change(it, contract, ChangeKind.RENEWAL_NOTICE, notice, requested_by="calendar")
    await handle.result()
    return Recorded(notice)


async def cancellation_completed(it: Lab) -> Recorded:
    """Ended at once, approved, unused time credited."""
    contract = await running(it, JULY)
    return Recorded(await _cancelled(it, contract, ChangeTiming.NOW))


async def withdrawal_completed(it: Lab) -> Recorded:
    """A cancellation at the term's end is taken back before it."""
    contract = await running(it, JULY)
    back = withdrawal(contract, await _cancelled(it, contract, ChangeTiming.TERM_END))
    await (await change(it, contract, ChangeKind.WITHDRAWAL, back.change_id, back)).result()
    return Recorded(back.change_id)


async def _cancelled(it: Lab, contract: Contract, timing: ChangeTiming) -> str:
    order = cancellation(contract, JULY, timing=timing)
    handle = await change(it, contract, ChangeKind.CANCELLATION, order.change_id, order)
    case = await it.case_of(contract.key, kind="deal.approval")
    await it.decide(case, DecisionKind.APPROVE, actor="ben")
    await handle.result()
    return order.change_id


def withdrawal(contract: Contract, target: str) -> WithdrawalOrder:
    return WithdrawalOrder(
        change_id=withdrawal_id(target),
        contract_key=contract.key,
        accepted_on=START,
        target=target,
    )


async def settled(handle: WorkflowHandle[object, object]) -> None:
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
)
