"""RS-12, W1: an ERP that stays away longer than policy allows does not hold up the deal."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import Case, Decision, DecisionKind
from dealthread.domain.documents import BookingState
from dealthread.domain.transaction import ChangeOutcome
from dealthread.errors import BadInput
from dealthread.hub import OpenWrite
from dealthread.naming import contract_key, erp_document_key, quote_to_cash_id
from dealthread.ports import PostingQuestion, PostingRules
from tests.fakes.world import Fault
from tests.support.deal_builder import d1, d2
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


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


async def test_an_unknown_outcome_that_stays_unknown_becomes_a_case_and_is_resolved(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """While the pivot is uncertain neither abort nor cancellation is possible; the retry finds
    what was made, and nothing is made twice."""
    async with lab(skipping_server.client, engine, date(2026, 1, 5)) as it:
        deal = fresh(d1())
        it.world.plan("billing.start_agreement", Fault.LOST)
        it.world.plan("billing.find_agreement", Fault.REFUSED, times=0)
        handle = await it.start(deal)
        # A look-up that is refused says nothing: the write stays uncertain, and visible.
        open_write = await _first_uncertain(it)
        assert (open_write.step, open_write.contract_key) == (
            "billing.subscription",
            contract_key(deal.org, deal.deal_id),
        )
        assert open_write.money is not None
        it.world.faults.clear()
        result = await handle.result()
        assert result.outcome is ChangeOutcome.COMPLETED
        assert it.agreements(deal) == 1
        assert await it.reading.uncertain() == []


async def _first_uncertain(it: Lab) -> OpenWrite:
    for _ in range(600):
        found = await it.reading.uncertain()
        if found:
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError("no write is uncertain")


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
            await it.cases.decide(_retry(case))
            await office.relay.deliver_decisions()
            assert (await it.cases.undelivered(10)) == []


def _retry(case: Case) -> Decision:
    return Decision(
        case_id=case.case_id,
        version=case.version,
        decision=DecisionKind.RETRY,
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
