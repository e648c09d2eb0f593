"""What is recorded of contracts: while a change runs, after it, and at rest.

A function a history, of the same name. The contract's workflow is started as one whose deal was
sold already, on the day that the change needs, so that no history holds more than it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest, Environment
from dealthread.naming import (
    WORKFLOW_QUEUE,
    activation_id,
    contract_key,
    contract_workflow_id,
    quote_to_cash_id,
)
from tests.fakes.world import Fault
from tests.replay.record_changes import JULY, MARCH, START, Recorded, running, settled, withdrawal
from tests.support.change_lab import on
from tests.support.change_orders import renewal, seats
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.saga_lab import Lab, fresh
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import ContractMemory

OVER = date(2027, 1, 2)


async def contract_at_rest_until_its_start(it: Lab) -> Recorded:
    """Signed in December for January."""
    contract = await _signed_ahead(it)
    handle = await _life(it, contract, state=ContractState.SCHEDULED)
    await settled(handle)
    return Recorded(handle.id)


async def activation_completed(it: Lab) -> Recorded:
    """Its start date: the booking is confirmed, the CRM is told."""
    contract = await _signed_ahead(it)
    on(it, START)
    handle = await _life(it, contract, state=ContractState.SCHEDULED)
    await _at_rest(handle)
    return Recorded(activation_id(contract.key))


async def _signed_ahead(it: Lab) -> Contract:
    on(it, D1_TODAY)
    deal = fresh(d1())
    result = await (await it.start(deal)).result()
    assert result.outcome is ChangeOutcome.SCHEDULED
    found = await it.contracts.read(contract_key(deal.org, deal.deal_id))
    assert found is not None
    return found


async def contract_amending(it: Lab) -> Recorded:
    """Its amendment is stuck after the pivot: the child runs, the contract waits for it."""
    contract = await running(it, JULY)
    handle = await _life(it, contract)
    it.world.plan("entitlement.grant", Fault.REJECTED, times=0)
    await _ask(it, handle, contract, ChangeKind.AMENDMENT, seats(contract, 70, JULY))
    await it.case_of(contract.key)
    await settled(handle)
    return Recorded(handle.id)


async def contract_at_rest_with_a_held_change(it: Lab) -> Recorded:
    """One amendment waits for its day."""
    contract = await running(it, MARCH)
    handle = await _life(it, contract)
    order = seats(contract, 70, JULY, accepted_on=MARCH)
    await _ask(it, handle, contract, ChangeKind.AMENDMENT, order)
    await _at_rest(handle)
    return Recorded(handle.id)


async def contract_withdrew_a_held_change(it: Lab) -> Recorded:
    """The run in which a held amendment was taken back."""
    contract = await running(it, MARCH)
    handle = await _life(it, contract)
    order = seats(contract, 70, JULY, accepted_on=MARCH)
    await _ask(it, handle, contract, ChangeKind.AMENDMENT, order)
    held_in = await _at_rest(handle)
    back = withdrawal(contract, order.change_id)
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
    contract = await running(it, JULY)
    handle = await _life(it, contract)
    await _ask(it, handle, contract, ChangeKind.RENEWAL, renewal(contract, JULY))
    await _at_rest(handle)
    assert (await handle.query(ContractLifecycleWorkflow.status)).term_no == 2
    assert handle.first_execution_run_id is not None
    return handle.id, handle.first_execution_run_id


async def contract_ended_by_its_term(it: Lab) -> Recorded:
    """Declined before: the calendar ends it, and the CRM is told."""
    contract = await running(it, OVER)
    handle = await _life(it, contract, announced=True, answered=True)
    view = await handle.result()
    assert view.state is ContractState.ENDED
    return Recorded(handle.id)


Life = WorkflowHandle[ContractLifecycleWorkflow, object]


async def _life(it: Lab, contract: Contract, **more: object):
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


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


CONTRACTS: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    contract_at_rest_until_its_start,
    activation_completed,
    contract_amending,
    contract_at_rest_with_a_held_change,
    contract_withdrew_a_held_change,
    contract_renewing,
    contract_at_rest_in_its_second_term,
    contract_ended_by_its_term,
)
