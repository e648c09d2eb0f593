"""For every undo: refused, answer lost, late effect, 429, business rejection, and cancellation
during it (RS-04). The undo is done in the end, or the residue is said.

The same table runs on the development server and on the time-skipping server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from dealthread.domain.base import Ref, System
from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.documents import BillingCustomer
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key
from dealthread.store.schema import audit
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, d1, d2
from tests.support.saga_ends import (
    TRANSIENT,
    UNDO_OF,
    all_met,
    called,
    cancel,
    customers_in_use,
    nothing_live,
)
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

WITHDRAW = "crm.withdraw_contract"
UNDOS = (*UNDO_OF.values(), WITHDRAW)


@dataclass(frozen=True)
class Stop:
    """Where a deal is refused, and then aborted by a person."""

    today: date
    deal: Callable[[], Deal]
    seller: str
    at: str
    step: str
    undos: tuple[str, ...]

    def __str__(self) -> str:
        return self.step

    async def reached(self, it: Lab) -> tuple[Deal, WorkflowHandle[object, object]]:
        """A deal that was refused there, once, and aborted."""
        deal = fresh(self.deal())
        it.world.plan(self.at, Fault.REJECTED, times=0)
        handle = await it.start(deal)
        case = await it.case(deal)
        assert (case.step, it.world.calls[self.at]) == (self.step, 1)
        await it.decide(case, DecisionKind.ABORT)
        return deal, handle


AT_THE_RELEASE = Stop(
    today=date(2026, 3, 15),
    deal=d2,
    seller="DE01",
    at="billing.release_first_invoice",
    step="release",
    undos=tuple(undo for undo in UNDOS if undo != "entitlement.revoke"),
)
"""Its first invoice is held: agreement and draft booking are there, access is not."""
AT_THE_LAST_STEP = Stop(
    today=D1_TODAY,
    deal=d1,
    seller="US01",
    at="crm.record_contract",
    step="crm",
    undos=UNDOS,
)
"""Starts later, so there is no pivot: everything is there but the record in the CRM."""
stops = pytest.mark.parametrize("stop", [AT_THE_RELEASE, AT_THE_LAST_STEP], ids=str)


@stops
@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_undo_still_undoes_everything(
    client: Client, engine: AsyncEngine, stop: Stop, fault: Fault
) -> None:
    """The undo is repeated until it is done. The CRM is told although it holds no record."""
    async with lab(client, engine, stop.today) as it:
        it.world.retry_after = timedelta(seconds=0.2)
        for undo in stop.undos:
            it.world.plan(undo, fault)
            deal, handle = await stop.reached(it)
            result = await handle.result()
            assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ()), undo
            all_met(it)
            assert undo in it.did(deal)
            if fault in (Fault.REFUSED, Fault.RATE_LIMITED):
                assert (it.world.calls[undo], it.did(deal).count(undo)) == (2, 1), undo
            assert "crm.record_contract" not in it.did(deal)
            await nothing_live(it, deal, stop.seller, stop.step)
            it.world.heal()


@stops
async def test_an_undo_that_is_refused_becomes_a_case_and_loses_nothing_else(
    client: Client, engine: AsyncEngine, stop: Stop
) -> None:
    """The other steps are undone meanwhile; one decision finishes the refused one."""
    async with lab(client, engine, stop.today) as it:
        for undo in stop.undos:
            if undo == WITHDRAW and stop is AT_THE_RELEASE:
                continue  # nothing was written there: see the next test
            it.world.plan(undo, Fault.REJECTED)
            deal, handle = await stop.reached(it)
            case = await it.case(deal, kind="integration.undo_failed")
            assert it.world.calls[undo] == 1, "a refusal is not repeated by itself"
            others = {one for one in UNDO_OF.values() if one.split(".")[0] != undo.split(".")[0]}
            assert others & set(stop.undos) <= set(it.did(deal)), undo
            await it.decide(case, DecisionKind.RETRY)
            result = await handle.result()
            assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ()), undo
            assert it.world.calls[undo] == 2, undo
            all_met(it)
            await nothing_live(it, deal, stop.seller, stop.step)
            it.world.heal()


async def test_a_crm_that_refuses_to_be_told_is_a_residue_on_record(
    client: Client, engine: AsyncEngine
) -> None:
    """The deal never was a contract there: all else is undone, and what is left is said."""
    stop = AT_THE_RELEASE
    async with lab(client, engine, stop.today) as it:
        it.world.plan(WITHDRAW, Fault.REJECTED, times=0)
        deal, handle = await stop.reached(it)
        result = await handle.result()
        left = "crm: status not updated"
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, (left,))
        all_met(it)
        await nothing_live(it, deal, stop.seller, "")
        ended = select(audit.c.detail).where(
            audit.c.stream == contract_key(deal.org, deal.deal_id),
            audit.c.event == "change.ended",
        )
        async with engine.connect() as connection:
            assert (await connection.execute(ended)).scalar_one()["residue"] == [left]


@stops
async def test_cancelling_during_any_undo_changes_nothing(
    client: Client, engine: AsyncEngine, stop: Stop
) -> None:
    """The undo in flight is awaited, the others follow, and the run ends as it was decided."""
    async with lab(client, engine, stop.today) as it:
        for undo in stop.undos:
            it.world.plan(undo, Fault.HANG)
            deal, handle = await stop.reached(it)
            await it.world.hanging.wait()
            await cancel(handle)
            it.world.let_go.set()
            assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED, undo
            all_met(it)
            assert it.did(deal).count(undo) == 1, undo
            await nothing_live(it, deal, stop.seller, stop.step)
            it.world.heal()


@stops
async def test_cancelling_while_any_undo_waits_for_its_next_attempt_changes_nothing(
    client: Client, engine: AsyncEngine, stop: Stop
) -> None:
    """Between two attempts an activity can be cancelled at once: the undo must not be."""
    async with lab(client, engine, stop.today) as it:
        it.world.retry_after = timedelta(seconds=1)
        for undo in stop.undos:
            it.world.plan(undo, Fault.RATE_LIMITED)
            deal, handle = await stop.reached(it)
            await called(it, undo)
            await cancel(handle)
            result = await handle.result()
            assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ()), undo
            all_met(it)
            await nothing_live(it, deal, stop.seller, stop.step)
            it.world.heal()


WITH_RECORD = (
    None,
    *((undo, Fault.LOST) for undo in UNDOS),
    *((WITHDRAW, fault) for fault in (*TRANSIENT, Fault.REJECTED) if fault is not Fault.LOST),
)
"""Faults of the undos of a deal that even the CRM had recorded."""


async def test_a_scheduled_deal_cancelled_at_its_last_step_is_undone_in_every_system(
    client: Client, engine: AsyncEngine
) -> None:
    """A deal that starts in the future has no pivot behind it yet: ending it compensates, and
    what the CRM had recorded is withdrawn."""
    async with lab(client, engine, D1_TODAY) as it:
        it.world.retry_after = timedelta(seconds=0.2)
        for planned in WITH_RECORD:
            deal = fresh(d1())
            it.world.plan("crm.record_contract", Fault.HANG)
            if planned is not None:
                it.world.plan(*planned)
            handle = await it.start(deal)
            await it.world.hanging.wait()
            await cancel(handle)
            it.world.let_go.set()
            if planned is not None and planned[1] is Fault.REJECTED:
                case = await it.case(deal, kind="integration.undo_failed")
                await it.decide(case, DecisionKind.RETRY)
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            assert isinstance(failure.value.cause, CancelledError), planned
            all_met(it)
            did = it.did(deal)
            assert did.index("crm.record_contract") < did.index(WITHDRAW)
            assert set(UNDOS) <= set(did), planned
            await nothing_live(it, deal, "US01", "cancelled")
            it.world.heal()


@pytest.mark.parametrize("method", ["erp.update_customer", "billing.update_customer"])
@pytest.mark.parametrize("fault", [Fault.REJECTED, Fault.LOST])
async def test_a_customer_who_served_before_the_run_is_left_in_use(
    client: Client, engine: AsyncEngine, method: str, fault: Fault
) -> None:
    """A second deal of a customer stops at the customer itself: refused, or the answer lost."""
    stop = AT_THE_RELEASE
    async with lab(client, engine, stop.today) as it:
        first = fresh(d2())
        assert (await (await it.start(first)).result()).outcome is ChangeOutcome.COMPLETED
        terms = {"start_date": date(2027, 3, 15), "end_date": date(2028, 3, 15)}
        second = fresh(d2()).model_copy(update={**terms, "account": first.account})
        it.world.plan(method, fault, times=0)
        handle = await it.start(second)
        case = await it.case(second)
        if fault is Fault.REJECTED:
            await it.decide(case, DecisionKind.ABORT)
            assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED
        else:
            assert case.kind == "integration.outcome_unknown"
            await handle.cancel()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
        all_met(it)
        assert not set(it.did(second)) & {"erp.retire_customer", "billing.retire_customer"}
        assert customers_in_use(it, first) == [True, True]
        assert it.agreements(first) == 1
        assert it.agreements(second) == 0


@pytest.mark.parametrize("customer", ["billing", "erp"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
async def test_a_customer_this_run_made_is_out_of_use_although_that_answer_was_lost(
    client: Client, engine: AsyncEngine, customer: str, fault: Fault
) -> None:
    """The repeat finds the record and makes it no different; the deal is refused at a later step.
    It is this run's all the same."""
    refused = {"billing": "billing.start_agreement", "erp": "billing.create_customer"}[customer]
    async with lab(client, engine, AT_THE_RELEASE.today) as it:
        it.world.plan(f"{customer}.create_customer", fault)
        it.world.plan(refused, Fault.REJECTED, times=0)
        deal = fresh(d2())
        handle = await it.start(deal)
        await it.decide(await it.case(deal), DecisionKind.ABORT)
        result = await handle.result()
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
        all_met(it)
        assert it.did(deal).count(f"{customer}.create_customer") == 1
        await nothing_live(it, deal, AT_THE_RELEASE.seller, "billing")


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.REJECTED])
async def test_a_customer_somebody_else_made_after_a_creation_without_effect_is_left_in_use(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """This run's own request is known to have made nothing."""
    method = "billing.create_customer"
    async with lab(client, engine, AT_THE_RELEASE.today) as it:
        it.world.retry_after = timedelta(seconds=1)
        it.world.plan(method, fault, case_kind="customer.sync_failed")
        later = {"times": 0, "case_kind": "billing.rejected"}
        it.world.plan("billing.start_agreement", Fault.REJECTED, **later)
        deal = fresh(d2())
        assert deal.account is not None
        handle = await it.start(deal)
        await called(it, method)
        theirs = Ref(system=System.BILLING, account="stripe-de", kind="customer", native_id="cus_9")
        key = deal.account.key
        it.billing.customers[key] = BillingCustomer(ref=theirs, customer_key=key)
        if fault is Fault.REJECTED:
            case = await it.case(deal, kind="customer.sync_failed")
            await it.decide(case, DecisionKind.RETRY)
        await it.decide(await it.case(deal, kind="billing.rejected"), DecisionKind.ABORT)
        assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED
        all_met(it)
        assert "billing.retire_customer" not in it.did(deal)
        assert customers_in_use(it, deal) == [True, False]
