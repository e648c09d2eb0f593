"""For every act and every undo: refused, answer lost, late effect, 429, business rejection, and
cancellation during it (RS-01…04). Each ends in exactly one subscription and booking, or stopped
before the pivot with nothing live, or in a case that names what is left.

The same table runs on the development server and on the time-skipping server.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.documents import EntitlementState
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key
from tests.fakes.world import Fault, settled
from tests.support.deal_builder import D1_TODAY, d1, d2
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

D2_TODAY = date(2026, 3, 15)
"""D2 starts today, under the review policy: agreement, then release (the pivot)."""

ACTS = (
    "erp.create_customer",
    "erp.draft_booking",
    "billing.create_customer",
    "billing.start_agreement",
    "billing.release_first_invoice",
    "entitlement.grant",
    "erp.confirm_booking",
    "crm.record_contract",
)
BEFORE_PIVOT = ACTS[:5]
UNDOS = (
    "billing.cancel_agreement",
    "billing.retire_customer",
    "erp.cancel_booking",
    "erp.retire_customer",
    "crm.withdraw_contract",
)
SCHEDULED_UNDOS = ("crm.withdraw_contract", "entitlement.revoke", *UNDOS[:4])
TRANSIENT = (Fault.REFUSED, Fault.LOST, Fault.LATE, Fault.RATE_LIMITED)
SELLER = "DE01"


def _quick(it: Lab) -> None:
    it.world.retry_after = timedelta(seconds=0.2)


async def _exactly_one(it: Lab, deal: Deal) -> None:
    await settled(it.world)
    assert (it.agreements(deal), it.bookings(deal, SELLER)) == (1, 1)
    key = contract_key(deal.org, deal.deal_id)
    made = Counter(it.did(deal))
    assert [made[act] for act in ACTS] == [1] * len(ACTS)
    assert it.entitlement.held[key].state is EntitlementState.ACTIVE
    assert key in it.crm.records


async def _nothing_live(it: Lab, deal: Deal) -> None:
    await settled(it.world)
    assert (it.agreements(deal), it.bookings(deal, SELLER)) == (0, 0)
    key = contract_key(deal.org, deal.deal_id)
    held = it.entitlement.held.get(key)
    assert held is None or held.state is EntitlementState.REVOKED
    assert key not in it.crm.records
    assert (await it.reading.find(deal.deal_id)).contract_state == "never_activated"


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_leaves_exactly_one(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: an answer lost or late at any write is found, never repeated blindly."""
    async with lab(client, engine, D2_TODAY) as it:
        _quick(it)
        for act in ACTS:
            deal = fresh(d2())
            it.world.plan(act, fault)
            result = await (await it.start(deal)).result()
            assert result.outcome is ChangeOutcome.COMPLETED, act
            assert it.world.calls[act] >= 1
            await _exactly_one(it, deal)
            it.world.heal()


async def test_a_rejection_before_the_pivot_is_aborted_and_leaves_nothing_live(
    client: Client, engine: AsyncEngine
) -> None:
    """RS-04: only reusable customer records remain, marked unused or inactive."""
    async with lab(client, engine, D2_TODAY) as it:
        for act in BEFORE_PIVOT:
            deal = fresh(d2())
            it.world.plan(act, Fault.REJECTED, times=0)
            handle = await it.start(deal)
            case = await it.case(deal)
            assert DecisionKind.ABORT in case.allowed
            assert case.blocked_steps
            assert case.money_at_risk is not None
            await it.decide(case, DecisionKind.ABORT)
            result = await handle.result()
            assert result.outcome is ChangeOutcome.COMPENSATED, act
            await _nothing_live(it, deal)
            it.world.heal()


async def test_a_rejection_after_the_pivot_goes_forward_once_corrected(
    client: Client, engine: AsyncEngine
) -> None:
    """S9: the deal stays billed; nothing that was done is done again; abort is not offered."""
    async with lab(client, engine, D2_TODAY) as it:
        for act in ACTS[5:]:
            deal = fresh(d2())
            it.world.plan(act, Fault.REJECTED)
            handle = await it.start(deal)
            case = await it.case(deal)
            assert DecisionKind.ABORT not in case.allowed
            assert it.agreements(deal) == 1
            await it.decide(case, DecisionKind.RETRY)
            assert (await handle.result()).outcome is ChangeOutcome.COMPLETED, act
            await _exactly_one(it, deal)
            it.world.heal()


async def test_cancelling_during_any_act_awaits_it_and_then_undoes_or_goes_on(
    client: Client, engine: AsyncEngine
) -> None:
    """Before the pivot: cancelled and undone. From the pivot on: refused, the deal completes."""
    async with lab(client, engine, D2_TODAY) as it:
        for act in ACTS:
            deal = fresh(d2())
            it.world.plan(act, Fault.HANG)
            handle = await it.start(deal)
            await it.world.hanging.wait()
            await handle.cancel()
            await handle.cancel()
            await _cancel_arrived(handle)
            it.world.let_go.set()
            if act in BEFORE_PIVOT[:-1]:
                with pytest.raises(WorkflowFailureError) as failure:
                    await handle.result()
                assert isinstance(failure.value.cause, CancelledError), act
                await _nothing_live(it, deal)
            else:
                assert (await handle.result()).outcome is ChangeOutcome.COMPLETED, act
                await _exactly_one(it, deal)
            it.world.heal()


async def _cancel_arrived(handle) -> None:
    """The request is in the history; the workflow has seen it when it answers a query after."""
    for _ in range(200):
        history = await handle.fetch_history()
        if any(
            event.HasField("workflow_execution_cancel_requested_event_attributes")
            for event in history.events
        ):
            await handle.query("ledger")
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the cancel request never arrived")


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_undo_still_undoes_everything(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """The undo is repeated until it is done, and never undoes twice."""
    async with lab(client, engine, D2_TODAY) as it:
        _quick(it)
        for undo in UNDOS:
            deal = fresh(d2())
            it.world.plan("billing.release_first_invoice", Fault.REJECTED, times=0)
            it.world.plan(undo, fault)
            handle = await it.start(deal)
            await it.decide(await it.case(deal), DecisionKind.ABORT)
            assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED, undo
            assert it.world.calls[undo] >= 1, undo
            await _nothing_live(it, deal)
            it.world.heal()


async def test_an_undo_that_is_refused_becomes_a_case_and_loses_nothing_else(
    client: Client, engine: AsyncEngine
) -> None:
    """The other undos are done meanwhile; one decision finishes the refused one."""
    async with lab(client, engine, D2_TODAY) as it:
        for undo in UNDOS[:4]:
            deal = fresh(d2())
            it.world.plan("billing.release_first_invoice", Fault.REJECTED, times=0)
            it.world.plan(undo, Fault.REJECTED)
            handle = await it.start(deal)
            first = await it.case(deal)
            await it.decide(first, DecisionKind.ABORT)
            case = await it.case(deal)
            assert case.kind == "integration.undo_failed"
            await it.decide(case, DecisionKind.RETRY)
            assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED, undo
            await _nothing_live(it, deal)
            it.world.heal()


async def test_a_scheduled_deal_cancelled_at_its_last_step_is_undone_in_every_system(
    client: Client, engine: AsyncEngine
) -> None:
    """A deal that starts in the future has no pivot behind it yet: ending it compensates."""
    async with lab(client, engine, D1_TODAY) as it:
        for undo in (None, *SCHEDULED_UNDOS):
            deal = fresh(d1())
            it.world.plan("crm.record_contract", Fault.HANG)
            if undo is not None:
                it.world.plan(undo, Fault.LOST)
            handle = await it.start(deal)
            await it.world.hanging.wait()
            await handle.cancel()
            await _cancel_arrived(handle)
            it.world.let_go.set()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            await _nothing_live(it, deal)
            it.world.heal()


async def test_an_undo_that_finds_nothing_looks_again_for_the_late_effect(
    client: Client, engine: AsyncEngine
) -> None:
    """Fact: a timed-out attempt may act after its undo looked. The agreement that appears late is
    found and cancelled; nothing stays behind."""
    async with lab(client, engine, D2_TODAY) as it:
        deal = fresh(d2())
        it.world.plan("billing.start_agreement", Fault.LATE, times=0)
        it.world.plan("billing.find_agreement", Fault.REFUSED, times=1)
        handle = await it.start(deal)
        await _started(it, "billing.start_agreement")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        await _nothing_live(it, deal)


async def _started(it: Lab, method: str) -> None:
    for _ in range(500):
        if it.world.calls[method]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{method} was never called")
