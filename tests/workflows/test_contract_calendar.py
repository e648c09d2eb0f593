"""What a contract does by its calendar and in which order it takes what is asked of it (PF-14,
PF-15, PF-23): on the time-skipping server, through the contract's own workflow.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import (
    ChangeOrder,
    ChangeTiming,
    RenewalDecision,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import ChangeKind, ChangeRequest, RiskLevel, RiskSignal
from dealthread.naming import contract_key, contract_workflow_id, renewal_id, withdrawal_id
from tests.support.change_orders import cancellation, renewal, seats
from tests.support.deal_builder import d1
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START = date(2026, 1, 1)
END = date(2027, 1, 1)
_A1 = Decimal("2722.19")
"""Net of D1's amendment (facts/domain.md §9.6)."""


@dataclass
class Life:
    """One contract that runs, and the means to let time pass and to ask for changes."""

    it: Lab
    office: Office
    server: WorkflowEnvironment
    contract: Contract

    async def status(self) -> dict[str, Any]:
        handle = self.server.client.get_workflow_handle(contract_workflow_id(self.contract.key))
        for _ in range(100):
            try:
                # A question that meets the end of a run may be left without an answer.
                return await handle.query("status", rpc_timeout=timedelta(seconds=2))
            except RPCError as error:
                last = error
                await asyncio.sleep(0.05)
        raise AssertionError(f"the contract does not answer: {last}")

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        view: dict[str, Any] = {}
        for _ in range(400):
            view = await self.status()
            if holds(view):
                return view
            await asyncio.sleep(0.05)
        found = await self.it.reading.find(self.contract.key)
        case = await self.it.cases.show(found.case_id) if found.case_id else None
        raise AssertionError(f"the contract is {view}, its case {case and case.summary}")

    async def go_to(self, day: date) -> None:
        there = datetime.combine(day, time(9), UTC)
        # Where work is under way when a skip is asked, the server may wait for it with the skip
        # and never come back to it: it is asked again.
        while (left := there - await self.it.business_now()) > timedelta(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.server.sleep(left), 10)

    async def ask(self, kind: ChangeKind, order: ChangeOrder, by: str = "anna") -> None:
        await self.it.changes.record_order(order, by)
        await self.it.runs.claim(
            ChangeRequest(
                change_id=order.change_id,
                kind=kind,
                org=self.contract.org,
                deal_id=self.contract.deal_id,
                requested_by=by,
            ),
            self.contract.key,
        )
        await self.office.relayed()

    async def done(self, change_id: str) -> dict[str, Any]:
        return await self.until(lambda view: f"{change_id}#1" in view["applied"])

    async def present(self) -> Contract:
        found = await self.it.contracts.read(self.contract.key)
        assert found is not None
        return found

    async def approve(self, decision: DecisionKind = DecisionKind.APPROVE) -> None:
        case = await self.it.case_of(self.contract.key, kind="deal.approval")
        await self.it.decide(case, decision, actor="ben")


@asynccontextmanager
async def life(
    server: WorkflowEnvironment,
    engine: AsyncEngine,
    url: str,
    change: Callable[[Deal], Deal] = lambda deal: deal,
) -> AsyncIterator[Life]:
    """D1 of facts/domain.md §9.6, active since its start."""
    client = server.client
    async with lab(client, engine, START) as it:
        office = Office(it, url, client)
        await it.follow_the_server()
        async with office.pool:
            deal = fresh(change(d1()))
            it.world.deals[deal.deal_id] = deal
            await office.webhook(deal, f"m-{deal.deal_id}")
            await office.relayed()
            assert await office.ended(deal) == "completed"
            contract = await it.contracts.read(contract_key(deal.org, deal.deal_id))
            assert contract is not None
            yield Life(it, office, server, contract)


def _automatic(deal: Deal) -> Deal:
    return deal.model_copy(update={"auto_renew": True, "notice_days": 30})


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
        handle = skipping_server.client.get_workflow_handle(contract_workflow_id(one.contract.key))
        await handle.signal("risk_signalled", RiskSignal(level=RiskLevel.HIGH, reason="no logins"))
        await one.go_to(date(2026, 12, 5))
        await one.approve(DecisionKind.REJECT)
        await one.done(renewal_id(one.contract.key, END))
        await one.go_to(date(2027, 1, 2))
        await one.until(lambda view: view["state"] == "ended")
        assert (await one.present()).term_no == 1


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
        back = _withdrawal(one.contract, order.change_id)
        await one.ask(ChangeKind.WITHDRAWAL, back)
        await one.until(lambda view: not view["held"] and not view["running"])
        await one.go_to(date(2026, 7, 2))
        assert (await one.present()).version == 1
        assert await one.it.changes.stage_of(order.change_id, 1) == ("withdrawn", "withdrawn")
        assert (await one.it.changes.stage_of(back.change_id, 1))[1] == "completed"


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
        back = _withdrawal(one.contract, order.change_id)
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


def _withdrawal(contract: Contract, target: str) -> WithdrawalOrder:
    return WithdrawalOrder(
        change_id=withdrawal_id(target),
        contract_key=contract.key,
        accepted_on=START,
        target=target,
    )
