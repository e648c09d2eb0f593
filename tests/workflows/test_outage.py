"""RS-12, W1: an ERP that stays away longer than policy allows does not hold up the deal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import Case, Decision, DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.documents import BookingState
from dealthread.domain.transaction import ChangeOutcome
from dealthread.errors import BadInput
from dealthread.hub import OpenWrite, WriteState
from dealthread.naming import contract_key, erp_document_key, quote_to_cash_id
from dealthread.ports.erp import PostingQuestion, PostingRules
from tests.fakes.world import Fault
from tests.support.deal_builder import d1, d2
from tests.support.invoice_lab import until
from tests.support.office import Office
from tests.support.outage import Outage, outage_lab
from tests.support.saga_ends import UNDO_OF, cancel
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
WITHOUT_ERP = ["billing.create_customer", "billing.start_agreement", "entitlement.grant"]


async def test_an_erp_that_is_away_gets_its_documents_after_the_pivot(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Billing and entitlement go on after the patience of policy; the booking follows under the
    same key when the ERP is back."""
    async with lab(skipping_server.client, engine, date(2026, 3, 15)) as it:
        deal = fresh(d2())
        for method in ("erp.check_posting_rules", "erp.find_customer", "erp.find_booking"):
            it.world.plan(method, Fault.REFUSED, times=0)
        order: list[str] = []

        def after(method: str) -> None:
            order.append(method)
            if method == "entitlement.grant":
                it.world.faults.clear()

        it.world.after_effect = after
        result = await (await it.start(deal)).result()
        assert result.outcome is ChangeOutcome.COMPLETED
        assert order.index("entitlement.grant") < order.index("erp.draft_booking")
        document = erp_document_key("default", "DE01", "booking", deal.deal_id, 1)
        assert [one.state for one in it.erp.live(document)] == [BookingState.CONFIRMED]
        assert it.agreements(deal) == 1


async def test_an_hour_without_the_erp_asks_nobody_and_delays_access_by_its_patience(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """RS-07: it goes after its rules were asked, before the draft. The draft is refused without a
    call until policy's patience is over, then moves behind the pivot. (The time-skipping server
    cannot skip what waits in a queue: no turnstile here.)"""
    async with outage_lab(
        skipping_server.client, engine, date(2026, 1, 5), turnstiles=False
    ) as away:
        it = away.it
        _goes_after_its_answer(away)
        deal = fresh(d1())
        handle = await it.start(deal)
        await until(lambda: away.switch.down)
        found_out = away.switch.knocked.total()
        await skipping_server.sleep(timedelta(minutes=16))
        assert it.did(deal) == WITHOUT_ERP
        probes = await away.lasts(timedelta(hours=1))
        await skipping_server.sleep(timedelta(minutes=44))
        assert away.switch.knocked.total() == found_out + probes
        assert await it.cases.listing(None, "", 100) == []
        await away.ends()
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        assert it.bookings(deal, "US01") == 1
        assert await it.cases.listing(None, "", 100) == []


async def test_a_draft_that_waits_in_its_queue_longer_than_patience_moves_behind_the_pivot(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """RS-12: nobody took it up, so nothing of it can exist, and no person is asked."""
    async with outage_lab(dev_server, engine, date(2026, 1, 5), patience_minutes=0) as away:
        it = away.it
        _goes_after_its_answer(away)
        deal = fresh(d1())
        handle = await it.start(deal)
        await until(lambda: it.did(deal) == WITHOUT_ERP)
        assert away.ledgers.done == []
        assert await it.cases.listing(None, "", 100) == []
        await away.ends()
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        assert it.bookings(deal, "US01") == 1


def _goes_after_its_answer(away: Outage) -> None:
    answered = away.it.erp.check_posting_rules

    async def last_answer(question: PostingQuestion) -> PostingRules:
        answer = await answered(question)
        await away.begins()
        return answer

    away.it.erp.check_posting_rules = last_answer  # type: ignore[method-assign]


@dataclass(frozen=True)
class Pivot:
    """A pivot whose answer is lost, after which its look-up is refused."""

    today: date
    deal: Callable[[], Deal]
    act: str
    look: str
    looked_before: int
    write: str
    step: str

    def __str__(self) -> str:
        return self.step


AGREEMENT = Pivot(
    today=date(2026, 1, 5),
    deal=d1,
    act="billing.start_agreement",
    look="billing.find_agreement",
    looked_before=0,
    write="billing.subscription",
    step="billing",
)
RELEASE = Pivot(
    today=date(2026, 3, 15),
    deal=d2,
    act="billing.release_first_invoice",
    look="billing.read_agreement",
    looked_before=1,
    write="billing.release",
    step="release",
)


@pytest.mark.parametrize("pivot", [AGREEMENT, RELEASE], ids=str)
async def test_an_unknown_outcome_that_stays_unknown_becomes_a_case_and_is_resolved(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, pivot: Pivot
) -> None:
    """While the pivot is uncertain neither abort nor cancellation is possible; the retry finds
    what was made, and nothing is made twice."""
    async with lab(skipping_server.client, engine, pivot.today) as it:
        deal = fresh(pivot.deal())
        lost = it.world.plan(pivot.act, Fault.LOST)
        away = it.world.plan(pivot.look, Fault.REFUSED, occurrence=pivot.looked_before + 1, times=0)
        handle = await it.start(deal)
        # A look-up that is refused says nothing: the write stays uncertain, and visible.
        open_write = await _uncertain(it, pivot.write)
        assert open_write.contract_key == contract_key(deal.org, deal.deal_id)
        await skipping_server.sleep(timedelta(hours=25))
        case = await it.case(deal)
        assert (case.kind, case.step) == ("integration.outcome_unknown", pivot.step)
        assert DecisionKind.ABORT not in case.allowed
        with pytest.raises(BadInput, match="decision_not_allowed"):
            await it.cases.decide(_decision(case, DecisionKind.ABORT))
        await cancel(handle)
        still = await it.case(deal)
        assert (still.case_id, still.version) == (case.case_id, case.version)
        assert (await handle.query("status"))["case_id"] == case.case_id
        assert not set(it.did(deal)) & set(UNDO_OF.values())

        it.world.faults.clear()
        await it.decide(case, DecisionKind.RETRY)
        result = await handle.result()
        assert result.outcome is ChangeOutcome.COMPLETED
        assert (lost.met, it.world.calls[pivot.act]) == (1, 1)
        assert away.met > 1
        assert it.agreements(deal) == 1
        assert await it.reading.uncertain() == []


async def _uncertain(it: Lab, step: str) -> OpenWrite:
    """The write of a step whose answer was lost (one in flight is uncertain as well)."""
    for _ in range(600):
        for found in await it.reading.uncertain():
            if found.step == step and found.state is WriteState.UNKNOWN:
                return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{step} is not uncertain")


async def test_a_terminated_run_is_on_record_and_is_not_run_again_as_if_undone(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Terminate is the one thing no saga survives: nothing claims that it was compensated."""
    async with lab(dev_server, engine, date(2026, 1, 5)) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            it.world.plan("entitlement.grant", Fault.REJECTED, times=0)
            await office.webhook(deal, "m-1")
            await office.relayed()
            case = await it.case(deal)
            key = quote_to_cash_id(deal.org, deal.deal_id)
            await dev_server.get_workflow_handle(key).terminate("test")
            assert await office.ended(deal) == "terminated"
            with pytest.raises(BadInput, match="not_ended_undone"):
                await it.runs.next_generation(key)
            assert it.agreements(deal) == 1, "the agreement is still there, and nothing hides it"
            await it.cases.decide(_decision(case, DecisionKind.RETRY))
            await office.relay.deliver_decisions()
            assert (await it.cases.undelivered(10)) == []


def _decision(case: Case, kind: DecisionKind) -> Decision:
    return Decision(
        case_id=case.case_id,
        version=case.version,
        decision=kind,
        actor="olga",
        reason="test",
    )


async def test_a_bug_in_a_step_is_put_before_a_person_within_a_few_attempts(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """An error nobody foresaw is not retried out of sight; after the release a retry goes on."""
    async with lab(skipping_server.client, engine, date(2026, 1, 5)) as it:
        deal = fresh(d1())
        real = it.erp.check_posting_rules

        async def broken(question: PostingQuestion) -> PostingRules:
            raise KeyError("no such field")

        it.erp.check_posting_rules = broken  # type: ignore[method-assign]
        handle = await it.start(deal)
        await skipping_server.sleep(timedelta(minutes=2))
        case = await it.case(deal)
        assert (case.kind, case.code) == ("integration.contract_drift", "unexpected_error")
        it.erp.check_posting_rules = real  # type: ignore[method-assign]
        await it.decide(case, DecisionKind.RETRY)
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
