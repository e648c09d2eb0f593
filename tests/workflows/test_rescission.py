"""A contract that has not begun is taken back: nothing is billed, every system shows it."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import (
    CancellationOrder,
    CancellationReason,
    ChangeTiming,
)
from dealthread.domain.transaction import ChangeKind
from tests.fakes.world import Fault
from tests.support.change_orders import cancellation, seats
from tests.support.contract_life import START, Life, life
from tests.support.saga_ends import all_met, nothing_live

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

SOLD = date(2025, 12, 1)
WHY = "rescinded before its start"


def _rescission(one: Life, source: str = "X1") -> CancellationOrder:
    return cancellation(
        one.contract, SOLD, source, timing=ChangeTiming.NOW, cause=CancellationReason.RESCISSION
    )


async def _ended_without(one: Life, order: CancellationOrder) -> None:
    await one.until(lambda view: view["state"] == "never_activated" and not view["running"])
    deal = one.it.world.deals[one.contract.deal_id]
    await nothing_live(one.it, deal, one.contract.seller, WHY)
    assert await one.it.changes.stage_of(order.change_id) == ("completed", "completed")


async def test_a_contract_taken_back_before_its_start_leaves_nothing_anywhere(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """What was held until the start is refused on record with it."""
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        more = seats(one.contract, 70, date(2026, 7, 1), accepted_on=SOLD)
        await one.ask(ChangeKind.AMENDMENT, more)
        await one.until(lambda view: bool(view["held"]))
        order = _rescission(one)
        await one.ask(ChangeKind.CANCELLATION, order)
        await one.approve()
        await _ended_without(one, order)
        assert (await one.it.changes.stage_of(more.change_id))[1] == "compensated"


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
async def test_an_answer_lost_at_every_act_takes_it_back_once(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, fault: Fault
) -> None:
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        for act in (
            "billing.cancel_agreement",
            "entitlement.revoke",
            "erp.cancel_booking",
            "crm.withdraw_contract",
        ):
            one.it.world.plan(act, fault)
        order = _rescission(one)
        await one.ask(ChangeKind.CANCELLATION, order)
        await one.approve()
        await _ended_without(one, order)
        all_met(one.it)


async def test_what_the_biller_refuses_to_take_back_may_be_given_up_and_the_contract_begins(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The biller is the pivot: nothing was touched before it."""
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        one.it.world.plan("billing.cancel_agreement", Fault.REJECTED, times=0)
        order = _rescission(one)
        await one.ask(ChangeKind.CANCELLATION, order)
        await one.approve()
        case = await one.it.case_of(one.contract.key)
        await one.it.decide(case, DecisionKind.ABORT)
        await one.done(order.change_id)
        assert (await one.it.changes.stage_of(order.change_id))[1] == "compensated"
        await one.go_to(date(2026, 1, 2))
        await one.until(lambda view: view["state"] == "active")


async def test_an_approval_that_comes_after_the_start_takes_nothing_back(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        order = _rescission(one)
        await one.ask(ChangeKind.CANCELLATION, order)
        case = await one.it.case_of(one.contract.key, kind="deal.approval")
        account = one.it.world.deals[one.contract.deal_id].account
        assert account is not None
        assert case.customer_name == account.legal_name, "who decides sees whose contract it is"
        await one.go_to(date(2026, 1, 3))
        await one.it.decide(case, DecisionKind.APPROVE, actor="ben")
        await one.until(lambda view: view["state"] == "active" and not view["running"])
        assert (await one.it.changes.stage_of(order.change_id))[1] == "compensated"


async def test_an_end_asked_for_ahead_waits_until_the_contract_has_begun(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        order = cancellation(one.contract, date(2026, 3, 1), accepted_on=SOLD)
        await one.ask(ChangeKind.CANCELLATION, order)
        view = await one.until(lambda view: bool(view["held"]))
        assert view["state"] == "scheduled"
        assert await one.it.changes.stage_of(order.change_id) == ("scheduled", "scheduled")
        await one.go_to(date(2026, 3, 2))
        await one.approve()
        await one.until(lambda view: view["state"] == "ended")
        assert START < date(2026, 3, 1) == (await one.present()).end_date
