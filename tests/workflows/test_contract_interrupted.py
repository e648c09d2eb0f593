"""What a contract does about what comes at the wrong moment: nothing accepted is lost."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeKind
from tests.fakes.world import Fault
from tests.support.change_orders import seats
from tests.support.contract_life import life

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

MARCH, JUNE, JULY = date(2026, 3, 1), date(2026, 6, 1), date(2026, 7, 1)


async def test_a_refused_cancellation_does_not_put_off_what_is_due(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The timer that the cancellation broke off goes on to the same day."""
    async with life(skipping_server, engine, database_url) as one:
        order = seats(one.contract, 70, JULY, accepted_on=MARCH)
        await one.ask(ChangeKind.AMENDMENT, order)
        await one.until(lambda view: bool(view["held"]))
        await one.go_to(JUNE)
        await one.handle().cancel()
        await one.go_to(date(2026, 7, 2))
        await one.done(order.change_id)
        assert (await one.present()).version == 2


async def test_an_end_that_the_crm_refuses_waits_for_a_person_and_then_stands(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The contract's own workflow does not fail with it."""
    async with life(skipping_server, engine, database_url) as one:
        await one.go_to(date(2026, 12, 15))
        await one.until(lambda view: any("renewal-notice" in done for done in view["applied"]))
        told = one.it.world.calls["crm.record_change"]
        one.it.world.plan("crm.record_change", Fault.REJECTED, occurrence=told + 1)
        await one.go_to(date(2027, 1, 2))
        case = await one.it.case_of(one.contract.key)
        assert DecisionKind.ABORT not in case.allowed
        assert (case.legal_entity, case.region) == (one.contract.seller, one.contract.seller_region)
        await one.it.decide(case, DecisionKind.RETRY)
        await one.until(lambda view: view["state"] == "ended")
        assert one.it.crm.recorded[one.contract.key].status == "ended"
