"""For every act: refused, answer lost, late effect, 429, business rejection, and cancellation
during it (RS-01…04). Each ends in exactly one subscription and booking, or stopped before the pivot
with nothing live. The undos have a file of their own: test_fault_undos.py.

The same table runs on the development server and on the time-skipping server.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeOutcome
from tests.fakes.world import Fault
from tests.support.deal_builder import d2
from tests.support.saga_ends import (
    ACTS,
    TRANSIENT,
    all_met,
    called,
    cancel,
    exactly_one,
    nothing_live,
)
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

D2_TODAY = date(2026, 3, 15)
"""D2 starts today, under the review policy: agreement, then release (the pivot)."""
STEP_OF = dict(zip(ACTS[:5], ("booking", "booking", "billing", "billing", "release"), strict=True))
"""The acts before the pivot and at it, and the step that each stops."""
SELLER = "DE01"


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_leaves_exactly_one(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: an answer lost or late at any write is found, never repeated blindly."""
    async with lab(client, engine, D2_TODAY) as it:
        it.world.retry_after = timedelta(seconds=0.2)
        for act in ACTS:
            deal = fresh(d2())
            it.world.plan(act, fault)
            result = await (await it.start(deal)).result()
            assert result.outcome is ChangeOutcome.COMPLETED, act
            all_met(it)
            if fault in (Fault.REFUSED, Fault.RATE_LIMITED):
                assert it.world.calls[act] == 2, act
            await exactly_one(it, deal, SELLER)
            it.world.heal()


async def test_a_rejection_before_the_pivot_is_aborted_and_leaves_nothing_live(
    client: Client, engine: AsyncEngine
) -> None:
    """RS-04: asked once and never again before a person decides; only reusable customer records
    remain, marked unused or inactive."""
    async with lab(client, engine, D2_TODAY) as it:
        for act, step in STEP_OF.items():
            deal = fresh(d2())
            it.world.plan(act, Fault.REJECTED, times=0)
            handle = await it.start(deal)
            case = await it.case(deal)
            assert DecisionKind.ABORT in case.allowed
            assert case.step == step
            assert case.blocked_steps
            assert case.money_at_risk is not None
            await it.decide(case, DecisionKind.ABORT)
            result = await handle.result()
            assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ()), act
            assert it.world.calls[act] == 1, act
            all_met(it)
            await nothing_live(it, deal, SELLER, step)
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
            assert it.world.calls[act] == 1, act
            await it.decide(case, DecisionKind.RETRY)
            assert (await handle.result()).outcome is ChangeOutcome.COMPLETED, act
            assert it.world.calls[act] == 2, act
            all_met(it)
            await exactly_one(it, deal, SELLER)
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
            await cancel(handle)
            it.world.let_go.set()
            if act in ACTS[:4]:
                with pytest.raises(WorkflowFailureError) as failure:
                    await handle.result()
                assert isinstance(failure.value.cause, CancelledError), act
                assert it.did(deal).count(act) == 1, "the act was awaited to its end"
                await nothing_live(it, deal, SELLER, "cancelled")
            else:
                assert (await handle.result()).outcome is ChangeOutcome.COMPLETED, act
                await exactly_one(it, deal, SELLER)
            all_met(it)
            it.world.heal()


async def test_an_undo_that_finds_nothing_looks_again_for_the_late_effect(
    client: Client, engine: AsyncEngine
) -> None:
    """Fact: a timed-out attempt may act after its undo looked. The agreement that appears late is
    found and cancelled; nothing stays behind."""
    async with lab(client, engine, D2_TODAY) as it:
        deal = fresh(d2())
        late = it.world.plan("billing.start_agreement", Fault.LATE, times=0)
        it.world.plan("billing.find_agreement", Fault.REFUSED, times=1)
        handle = await it.start(deal)
        await called(it, "billing.start_agreement")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert late.met > 0
        await nothing_live(it, deal, SELLER, "cancelled")
