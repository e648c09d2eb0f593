"""An undo whose system stays away becomes a person's case; the others go on meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import ChangeOutcome
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, d1, d2
from tests.support.saga_ends import UNDO_OF, called, cancel, nothing_live
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
UNDO_FAILED = "integration.undo_failed"
WITHDRAW = "crm.withdraw_contract"


@dataclass(frozen=True)
class Away:
    """An undo whose system does not answer, and the step it belongs to."""

    undo: str
    step: str

    def __str__(self) -> str:
        return self.undo


async def stopped_at_the_last_step(it: Lab) -> tuple[Deal, WorkflowHandle[object, object]]:
    """It starts later, so everything but the record in the CRM is there to be undone."""
    deal = fresh(d1())
    it.world.plan("crm.record_contract", Fault.REJECTED, times=0)
    handle = await it.start(deal)
    await it.decide(await it.case(deal), DecisionKind.ABORT)
    return deal, handle


@pytest.mark.parametrize(
    "away",
    [
        Away("entitlement.revoke", "entitlement"),
        Away("billing.cancel_agreement", "billing"),
        Away("erp.cancel_booking", "booking"),
        Away(WITHDRAW, "crm"),
    ],
    ids=str,
)
async def test_an_undo_whose_system_stays_away_becomes_a_case_and_is_resumed(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, away: Away
) -> None:
    """Within half an hour; everything else is undone by then. A cancellation does not lose the run,
    and one decision ends it once the system is back."""
    async with lab(skipping_server.client, engine, D1_TODAY) as it:
        planned = it.world.plan(away.undo, Fault.REFUSED, times=0)
        deal, handle = await stopped_at_the_last_step(it)
        await skipping_server.sleep(timedelta(minutes=30))
        case = await it.case(deal, kind=UNDO_FAILED)
        assert (case.step, case.code) == (away.step, "refused")
        assert case.allowed == (DecisionKind.RETRY,), "nobody can look there now"
        attempts = planned.met
        assert attempts > 6
        others = {one for one in UNDO_OF.values() if one.split(".")[0] != away.undo.split(".")[0]}
        assert others <= set(it.did(deal))

        await cancel(handle)
        await skipping_server.sleep(timedelta(hours=30))
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        assert (await it.case(deal)).version == case.version
        assert planned.met == attempts, "while a person is asked nothing is tried"

        it.world.faults.clear()
        await it.decide(case, DecisionKind.RETRY)
        result = await handle.result()
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
        await nothing_live(it, deal, "US01", "crm")


async def test_two_systems_that_stay_away_are_asked_about_one_after_the_other(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """One case is open per run; a retry that fails again asks again."""
    async with lab(skipping_server.client, engine, D1_TODAY) as it:
        for undo in ("entitlement.revoke", "erp.cancel_booking"):
            it.world.plan(undo, Fault.REFUSED, times=0)
        deal, handle = await stopped_at_the_last_step(it)
        asked = []
        for _ in range(3):
            await skipping_server.sleep(timedelta(hours=1))
            case = await it.case(deal, kind=UNDO_FAILED)
            asked.append(case.step)
            assert "billing.cancel_agreement" in it.did(deal)
            if len(asked) == 3:
                it.world.faults.clear()
            await it.decide(case, DecisionKind.RETRY)
        assert asked == ["entitlement", "booking", "entitlement"]
        await it.decide(await it.case(deal, kind=UNDO_FAILED), DecisionKind.RETRY)
        result = await handle.result()
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
        await nothing_live(it, deal, "US01", "crm")


async def test_a_crm_that_stays_away_when_it_is_to_be_told_becomes_a_case(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Nothing was written there: what is missing is the word that the deal stopped. A refusal is a
    residue; an absence is waited for, and a person sees it."""
    async with lab(skipping_server.client, engine, date(2026, 3, 15)) as it:
        it.world.plan("billing.release_first_invoice", Fault.REJECTED, times=0)
        it.world.plan(WITHDRAW, Fault.REFUSED, times=0)
        deal = fresh(d2())
        handle = await it.start(deal)
        await it.decide(await it.case(deal), DecisionKind.ABORT)
        await skipping_server.sleep(timedelta(minutes=30))
        case = await it.case(deal, kind=UNDO_FAILED)
        assert (case.step, case.allowed) == ("crm", (DecisionKind.RETRY,))
        it.world.faults.clear()
        await it.decide(case, DecisionKind.RETRY)
        result = await handle.result()
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
        await nothing_live(it, deal, "DE01", "release")


HOLD = "billing.hold_first_invoice"


@pytest.mark.parametrize("decision", [DecisionKind.RETRY, DecisionKind.ABORT])
async def test_a_first_draft_that_cannot_be_held_is_a_case_that_retries_or_undoes(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, decision: DecisionKind
) -> None:
    """The agreement exists. Somebody is asked before the biller finalises its draft."""
    async with lab(skipping_server.client, engine, date(2026, 3, 15)) as it:
        it.billing.holds_at_start = False
        refused = it.world.plan(HOLD, Fault.REJECTED, times=0, case_kind="billing.rejected")
        deal = fresh(d2())
        handle = await it.start(deal)
        case = await it.case(deal)
        assert (case.kind, case.step) == ("billing.rejected", "billing")
        assert (case.code, refused.met) == ("first_invoice_not_held", 1)
        assert case.evidence["refusal"] == "planned_refusal"
        assert case.evidence["agreement"]
        assert it.agreements(deal) == 1
        if decision is DecisionKind.RETRY:
            it.world.faults.clear()
        await it.decide(case, decision)
        result = await handle.result()
        if decision is DecisionKind.RETRY:
            assert result.outcome is ChangeOutcome.COMPLETED
            assert it.did(deal).count("billing.start_agreement") == 1
            assert it.did(deal).count(HOLD) == 1
            assert await it.reading.uncertain() == []
        else:
            assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
            await nothing_live(it, deal, "DE01", "billing")


async def test_a_biller_that_stays_away_before_the_draft_is_held_is_a_case_in_time(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Within the hour after which a draft is finalised, not after the day of other writes."""
    async with lab(skipping_server.client, engine, date(2026, 3, 15)) as it:
        it.billing.holds_at_start = False
        it.world.plan(HOLD, Fault.REFUSED, times=0)
        deal = fresh(d2())
        handle = await it.start(deal)
        await called(it, HOLD)
        await skipping_server.sleep(timedelta(minutes=50))
        case = await it.case(deal)
        assert (case.kind, case.step) == ("integration.outcome_unknown", "billing")
        assert DecisionKind.ABORT in case.allowed
        await it.decide(case, DecisionKind.ABORT)
        result = await handle.result()
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
        await nothing_live(it, deal, "DE01", "billing")
