"""An amendment that brought a regional contract into being and then stops: the regional contract is
another legal entity's, so that a person decides about it, and nothing is left unsaid."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import ChangeTiming
from dealthread.domain.contract import Contract
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import contract_key, quote_to_cash_id
from tests.fakes.world import Fault
from tests.support.change_orders import cancellation, seats
from tests.support.contract_life import Life, life
from tests.support.deal_builder import d1
from tests.support.saga_lab import fresh

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

UNDO_FAILED = "integration.undo_failed"


async def _stopped(one: Life) -> tuple[str, Contract]:
    """The amendment is given up at the biller when its regional contract runs."""
    sister = fresh(d1())
    one.it.world.deals[sister.deal_id] = sister
    day = date(2026, 1, 1)
    order = seats(one.contract, 70, day, regional_deals=(sister.deal_id,))
    one.it.world.plan("billing.change_agreement", Fault.REJECTED, times=0)
    await one.ask(ChangeKind.AMENDMENT, order)
    asked = quote_to_cash_id(sister.org, sister.deal_id)
    for _ in range(600):
        if await one.it.changes.stage_of(asked) != ("", None):
            break
        await asyncio.sleep(0.05)
    await one.office.relayed()
    assert await one.office.ended(sister) == "completed"
    await one.go_to(date(2026, 1, 2))
    case = await one.it.case_of(one.contract.key)
    await one.it.decide(case, DecisionKind.ABORT)
    found = await one.it.contracts.read(contract_key(sister.org, sister.deal_id))
    assert found is not None
    return order.change_id, found


async def test_a_regional_contract_that_stands_when_its_amendment_stops_is_named_to_a_person(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    async with life(skipping_server, engine, database_url) as one:
        change_id, sister = await _stopped(one)
        case = await one.it.case_of(one.contract.key, kind=UNDO_FAILED)
        assert (case.step, case.code) == ("regional", "regional_contract_stands")
        assert sister.deal_id in str(case.evidence)
        assert (await one.present()).version == 1
        await one.it.decide(case, DecisionKind.LINK, link_to=sister.number)
        await one.done(change_id)
        assert (await one.it.changes.stage_of(change_id))[1] == "compensated"


async def test_once_the_regional_contract_is_cancelled_the_undo_is_done(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    async with life(skipping_server, engine, database_url) as one:
        change_id, sister = await _stopped(one)
        case = await one.it.case_of(one.contract.key, kind=UNDO_FAILED)
        one.it.world.heal()
        theirs = Life(one.it, one.office, one.server, sister)
        end = cancellation(sister, date(2026, 1, 2), timing=ChangeTiming.NOW)
        await theirs.ask(ChangeKind.CANCELLATION, end)
        await theirs.approve()
        await theirs.done(end.change_id)
        await one.it.decide(case, DecisionKind.RETRY)
        await one.done(change_id)
        assert await one.it.open_case(one.contract.key) is None
