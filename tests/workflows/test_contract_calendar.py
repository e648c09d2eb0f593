"""What a contract does by its calendar and in which order it takes what is asked of it (PF-14,
PF-15, PF-23): on the time-skipping server, through the contract's own workflow.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import (
    ChangeTiming,
    RenewalDecision,
)
from dealthread.domain.deal import Deal
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeKind, RiskLevel, RiskSignal
from dealthread.naming import renewal_id
from tests.support.change_orders import cancellation, renewal, seats, withdrawal
from tests.support.contract_life import START, life

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

END = date(2027, 1, 1)
_A1 = Decimal("2722.19")
"""Net of D1's amendment (facts/domain.md §9.6)."""


def _automatic(deal: Deal) -> Deal:
    return deal.model_copy(update={"auto_renew": True, "notice_days": 30})


@pytest.mark.tells(EventType.RENEWAL_DUE, EventType.CONTRACT_RENEWED)
async def test_silence_until_the_last_day_to_refuse_renews_by_itself(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """PF-14: announced, then renewed on the last day to refuse; the new term names its own end."""
    async with life(skipping_server, engine, database_url, _automatic) as one:
        await one.go_to(date(2026, 11, 15))
        await one.done(f"renewal-notice:{one.contract.key}:{END}")
        assert (await one.present()).version == 1
        await one.go_to(date(2026, 12, 5))
        view = await one.done(renewal_id(one.contract.key, END))
        present = await one.present()
        assert (present.term_no, present.end_date) == (2, date(2028, 1, 1))
        assert view["term_no"] == 2
        assert view["due"].startswith("renewal-notice:")
        assert one.it.billing.agreements[one.contract.key][-1].committed_until == date(2028, 1, 1)
        assert one.it.crm.recorded[one.contract.key].contract.term_no == 2


async def test_a_renewal_that_nobody_accepts_lapses_with_its_term(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """PF-14: nothing is billed for a term that nobody agreed to; the CRM shows the end."""
    async with life(skipping_server, engine, database_url) as one:
        await one.go_to(date(2027, 1, 2))
        await one.until(lambda view: view["state"] == "ended")
        assert (await one.present()).term_no == 1
        assert one.it.crm.recorded[one.contract.key].status == "ended"
        assert one.it.world.did(one.contract.key).count("billing.change_agreement") == 0


@pytest.mark.tells(EventType.RENEWAL_DECLINED)
async def test_a_declined_renewal_ends_with_its_term_though_it_would_renew_by_itself(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """PF-14: the answer overtakes the calendar."""
    async with life(skipping_server, engine, database_url, _automatic) as one:
        order = renewal(one.contract, date(2026, 6, 1), RenewalDecision.DECLINE)
        await one.ask(ChangeKind.RENEWAL, order)
        await one.done(order.change_id)
        assert not (await one.present()).auto_renew
        await one.go_to(date(2027, 1, 2))
        await one.until(lambda view: view["state"] == "ended")
        assert (await one.present()).term_no == 1


async def test_an_automatic_renewal_at_high_risk_asks_a_person(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """PF-20: the risk that customer success sees reaches the renewal; rejected, it lapses."""
    async with life(skipping_server, engine, database_url, _automatic) as one:
        await one.handle().signal(
            "risk_signalled", RiskSignal(level=RiskLevel.HIGH, reason="no logins")
        )
        await one.go_to(date(2026, 12, 5))
        await one.approve(DecisionKind.REJECT)
        await one.done(renewal_id(one.contract.key, END))
        await one.go_to(date(2027, 1, 2))
        await one.until(lambda view: view["state"] == "ended")
        assert (await one.present()).term_no == 1


@pytest.mark.tells(EventType.CONTRACT_CHANGE_SCHEDULED, EventType.CONTRACT_AMENDED)
async def test_a_change_for_a_day_to_come_is_held_and_carried_out_on_it(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """PF-10: accepted today, nothing is written before its day, then once everywhere."""
    async with life(skipping_server, engine, database_url) as one:
        order = seats(one.contract, 70, date(2026, 7, 1), accepted_on=date(2026, 3, 1))
        await one.ask(ChangeKind.AMENDMENT, order)
        view = await one.until(lambda view: bool(view["held"]))
        assert view["due_at"].startswith("2026-07-01")
        assert (await one.present()).version == 1
        assert "billing.change_agreement" not in one.it.world.did(one.contract.key)
        await one.go_to(date(2026, 7, 2))
        await one.done(order.change_id)
        assert (await one.present()).tcv().amount - one.contract.tcv().amount == _A1
        assert one.it.world.did(one.contract.key).count("billing.change_agreement") == 1


async def test_a_held_change_that_is_withdrawn_never_happens(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Both are on record: the change as withdrawn, the withdrawal as completed."""
    async with life(skipping_server, engine, database_url) as one:
        order = seats(one.contract, 70, date(2026, 7, 1), accepted_on=date(2026, 3, 1))
        await one.ask(ChangeKind.AMENDMENT, order)
        await one.until(lambda view: bool(view["held"]))
        back = withdrawal(one.contract, order.change_id, START)
        await one.ask(ChangeKind.WITHDRAWAL, back)
        await one.until(lambda view: not view["held"] and not view["running"])
        await one.go_to(date(2026, 7, 2))
        assert (await one.present()).version == 1
        assert await one.it.changes.stage_of(order.change_id, 1) == ("withdrawn", "withdrawn")
        assert (await one.it.changes.stage_of(back.change_id, 1))[1] == "completed"


@pytest.mark.tells(EventType.CONTRACT_CANCELLED, EventType.CONTRACT_CHANGE_WITHDRAWN)
async def test_a_cancellation_at_the_terms_end_is_withdrawn_before_it(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """PF-15: what was taken back stands as before, its renewal included."""
    async with life(skipping_server, engine, database_url, _automatic) as one:
        order = cancellation(one.contract, date(2026, 2, 1), timing=ChangeTiming.TERM_END)
        await one.ask(ChangeKind.CANCELLATION, order)
        await one.approve()
        await one.done(order.change_id)
        assert not (await one.present()).auto_renew
        back = withdrawal(one.contract, order.change_id, START)
        await one.ask(ChangeKind.WITHDRAWAL, back)
        await one.done(back.change_id)
        assert (await one.present()).auto_renew
        await one.go_to(date(2026, 12, 5))
        await one.done(renewal_id(one.contract.key, END))


async def test_what_is_asked_while_something_runs_waits_its_turn_and_is_seen(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Two amendments and a cancellation at once: one at a time, in the order accepted."""
    async with life(skipping_server, engine, database_url) as one:
        await one.go_to(date(2026, 7, 1))
        day = date(2026, 7, 1)
        end = cancellation(one.contract, day, timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.CANCELLATION, end)
        await one.it.case_of(one.contract.key, kind="deal.approval")
        first = seats(one.contract, 60, day, "A1", timing=ChangeTiming.NOW)
        second = seats(one.contract, 80, day, "A2", timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.AMENDMENT, first)
        await one.ask(ChangeKind.AMENDMENT, second)
        view = await one.status()
        assert view["running"] == end.change_id
        assert view["queued"] == [first.change_id, second.change_id]
        await one.approve(DecisionKind.REJECT)
        view = await one.done(second.change_id)
        assert view["applied"][-3:] == [
            f"{end.change_id}#1",
            f"{first.change_id}#1",
            f"{second.change_id}#1",
        ]
        present = await one.present()
        assert present.version == 3
        assert {line.quantity for line in present.lines if line.start_date == day} == {80}


async def test_what_is_asked_of_an_ended_contract_is_refused_and_leaves_no_trace(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The cancellation before it in the queue ended the contract."""
    async with life(skipping_server, engine, database_url) as one:
        await one.go_to(date(2026, 7, 1))
        day = date(2026, 7, 1)
        end = cancellation(one.contract, day, timing=ChangeTiming.NOW)
        late = seats(one.contract, 60, day, "A1", timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.CANCELLATION, end)
        await one.it.case_of(one.contract.key, kind="deal.approval")
        await one.ask(ChangeKind.AMENDMENT, late)
        await one.approve()
        await one.until(lambda view: view["state"] == "ended" and view["queued"] == [])
        await one.until(lambda view: view["running"] == "")
        assert (await one.it.changes.stage_of(late.change_id, 1))[1] == "compensated"
        assert await one.it.changes.version_of(late.change_id) is None
        assert one.it.world.did(one.contract.key).count("billing.change_agreement") == 1
