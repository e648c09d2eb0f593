"""For every act of an amendment: refused, answer lost, late effect, 429, business rejection, and
cancellation during it (PF-10, RS-01…04). Each ends in one change everywhere, or in the contract as
it was. On the development server and on the time-skipping one.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeKind, ChangeOutcome
from tests.fakes.world import Fault
from tests.support.change_ends import ACTS, PIVOT, adjustments, as_it_was, changed_once
from tests.support.change_lab import change, on, sold
from tests.support.change_orders import seats
from tests.support.deal_builder import d1
from tests.support.saga_ends import TRANSIENT, all_met, cancel
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

D1_START, A1 = date(2026, 1, 1), date(2026, 7, 1)
"""D1 of facts/domain.md §9.6 and its amendment: 50 to 70 seats."""


async def _running(it: Lab):
    on(it, D1_START)
    contract = await sold(it, fresh(d1()))
    on(it, A1)
    order = seats(contract, 70, A1)
    return contract, order, it.world.did(contract.key, contract.customer_key)


async def _amend(it: Lab, contract, order):
    return await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_changes_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: an answer lost or late at any write is found, never repeated blindly."""
    async with lab(client, engine, D1_START) as it:
        it.world.retry_after = timedelta(seconds=0.2)
        for act in ACTS:
            contract, order, before = await _running(it)
            it.world.calls.clear()
            it.world.plan(act, fault)
            result = await (await _amend(it, contract, order)).result()
            assert result.outcome is ChangeOutcome.COMPLETED, act
            all_met(it)
            await changed_once(it, contract, order.change_id, before)
            it.world.heal()


async def test_a_rejection_before_the_pivot_is_aborted_and_leaves_the_contract_as_it_was(
    client: Client, engine: AsyncEngine
) -> None:
    """RS-04: nothing of the change is live, in any system."""
    async with lab(client, engine, D1_START) as it:
        for act in ACTS[: PIVOT + 1]:
            contract, order, before = await _running(it)
            it.world.calls.clear()
            it.world.plan(act, Fault.REJECTED, times=0)
            handle = await _amend(it, contract, order)
            case = await it.case_of(contract.key)
            assert DecisionKind.ABORT in case.allowed, act
            assert case.money_at_risk is not None
            await it.decide(case, DecisionKind.ABORT)
            result = await handle.result()
            assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ()), act
            await as_it_was(it, contract, order.change_id, before)
            it.world.heal()


async def test_a_rejection_after_the_pivot_goes_forward_once_corrected(
    client: Client, engine: AsyncEngine
) -> None:
    """SN-8: what was billed stays billed; done steps are not done again; abort is not offered."""
    async with lab(client, engine, D1_START) as it:
        for act in ACTS[PIVOT + 1 :]:
            contract, order, before = await _running(it)
            it.world.calls.clear()
            it.world.plan(act, Fault.REJECTED)
            handle = await _amend(it, contract, order)
            case = await it.case_of(contract.key)
            assert DecisionKind.ABORT not in case.allowed, act
            await it.decide(case, DecisionKind.RETRY)
            assert (await handle.result()).outcome is ChangeOutcome.COMPLETED, act
            await changed_once(it, contract, order.change_id, before)
            it.world.heal()


async def test_cancelling_during_any_act_awaits_it_and_then_undoes_or_goes_on(
    client: Client, engine: AsyncEngine
) -> None:
    """Before the pivot the draft goes; from the pivot on the change completes all the same."""
    async with lab(client, engine, D1_START) as it:
        for act in ACTS:
            contract, order, before = await _running(it)
            it.world.calls.clear()
            it.world.plan(act, Fault.HANG)
            handle = await _amend(it, contract, order)
            await it.world.hanging.wait()
            await cancel(handle)
            it.world.let_go.set()
            if act in ACTS[:PIVOT]:
                with pytest.raises(WorkflowFailureError) as failure:
                    await handle.result()
                assert isinstance(failure.value.cause, CancelledError), act
                await as_it_was(it, contract, order.change_id, before)
            else:
                assert (await handle.result()).outcome is ChangeOutcome.COMPLETED, act
                await changed_once(it, contract, order.change_id, before)
            it.world.heal()


@pytest.mark.parametrize("fault", [*TRANSIENT, Fault.REJECTED])
async def test_an_undo_that_meets_a_fault_still_cancels_the_draft(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """A refused undo becomes a case and is tried again; the contract is what it was."""
    async with lab(client, engine, D1_START) as it:
        it.world.retry_after = timedelta(seconds=0.2)
        contract, order, before = await _running(it)
        it.world.calls.clear()
        it.world.plan("billing.change_agreement", Fault.REJECTED, times=0)
        it.world.plan("erp.cancel_booking", fault)
        handle = await _amend(it, contract, order)
        await it.decide(await it.case_of(contract.key), DecisionKind.ABORT)
        if fault is Fault.REJECTED:
            case = await it.case_of(contract.key, kind="integration.undo_failed")
            await it.decide(case, DecisionKind.RETRY)
        assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED
        assert adjustments(it, contract, order.change_id)
        await as_it_was(it, contract, order.change_id, before)
