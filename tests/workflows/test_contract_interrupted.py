"""What a contract does about what comes at the wrong moment: nothing accepted is lost."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import ChangeTiming
from dealthread.domain.transaction import ChangeKind, RiskLevel, RiskSignal
from dealthread.naming import renewal_id
from dealthread.store.contract_reading import ContractReading
from tests.fakes.world import Fault
from tests.support.change_orders import cancellation, seats, withdrawal
from tests.support.contract_life import life

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

MARCH, JUNE, JULY = date(2026, 3, 1), date(2026, 6, 1), date(2026, 7, 1)


async def test_a_refused_cancellation_does_not_put_off_what_is_due(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The timer that the cancellation broke off goes on to the same day."""
    async with life(skipping_server, engine, database_url) as one:
        order = seats(one.contract, 70, JULY, accepted_on=MARCH, reason="grows")
        await one.ask(ChangeKind.AMENDMENT, order)
        await one.until(lambda view: bool(view["held"]))
        await one.go_to(JUNE)
        await one.handle().cancel()
        await one.go_to(date(2026, 7, 2))
        await one.done(order.change_id)
        assert (await one.present()).version == 2
        shown = await ContractReading(engine).snapshot(one.contract.key)
        assert shown is not None
        assert [version.reason for version in shown.versions] == ["", "grows"]


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


async def test_a_run_asked_for_again_while_its_last_one_ends_is_not_lost(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The end of a run is on record before it has closed; from then on people may ask again."""
    async with life(skipping_server, engine, database_url) as one:
        end = cancellation(one.contract, date(2026, 1, 1), timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.CANCELLATION, end)
        first = await one.it.case_of(one.contract.key, kind="deal.approval")
        await one.ask(ChangeKind.CANCELLATION, end, generation=2)
        await one.it.decide(first, DecisionKind.REJECT, actor="ben")
        again = await one.it.case_of(one.contract.key, kind="deal.approval", version=1)
        assert again.case_id != first.case_id
        await one.it.decide(again, DecisionKind.APPROVE, actor="ben")
        await one.until(lambda view: view["state"] == "ended")
        assert (await one.it.changes.stage_of(end.change_id, 2))[1] == "completed"


async def test_what_waits_for_a_contract_to_begin_is_taken_back_before_it_does(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The change never happens, and both are on record at once."""
    async with life(skipping_server, engine, database_url, sold_on=date(2025, 12, 1)) as one:
        order = seats(one.contract, 70, date(2026, 7, 1), accepted_on=date(2025, 12, 2))
        await one.ask(ChangeKind.AMENDMENT, order)
        await one.until(lambda view: bool(view["held"]))
        back = withdrawal(one.contract, order.change_id, date(2025, 12, 2))
        await one.ask(ChangeKind.WITHDRAWAL, back)
        await one.until(lambda view: not view["held"] and not view["running"])
        assert (await one.it.changes.stage_of(order.change_id, 1))[1] == "withdrawn"
        assert (await one.it.changes.stage_of(back.change_id, 1))[1] == "completed"


async def test_what_is_held_when_a_contract_ends_is_refused_on_record(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Nobody waits for a change whose day will not come."""
    async with life(skipping_server, engine, database_url) as one:
        order = seats(one.contract, 70, date(2026, 7, 1), accepted_on=date(2026, 1, 1))
        await one.ask(ChangeKind.AMENDMENT, order)
        await one.until(lambda view: bool(view["held"]))
        end = cancellation(one.contract, date(2026, 1, 1), timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.CANCELLATION, end)
        await one.approve()
        await one.until(lambda view: view["state"] == "ended" and not view["running"])
        assert (await one.it.changes.stage_of(order.change_id, 1))[1] == "compensated"


async def test_a_change_asked_for_while_a_renewal_waits_for_a_person_comes_after_it(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Amend while renewing: the renewal ends first, and the seats added in the old term are served
    in the new one too."""
    async with life(
        skipping_server,
        engine,
        database_url,
        lambda deal: deal.model_copy(update={"auto_renew": True, "notice_days": 30}),
    ) as one:
        await one.handle().signal(
            "risk_signalled", RiskSignal(level=RiskLevel.HIGH, reason="no logins")
        )
        await one.go_to(date(2026, 12, 5))
        case = await one.it.case_of(one.contract.key, kind="deal.approval")
        order = seats(one.contract, 70, date(2026, 12, 5), timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.AMENDMENT, order)
        assert (await one.status())["queued"] == [order.change_id]
        await one.it.decide(case, DecisionKind.APPROVE, actor="ben")
        view = await one.done(order.change_id)
        end = date(2027, 1, 1)
        assert view["applied"][-2:] == [
            f"{renewal_id(one.contract.key, end)}#1",
            f"{order.change_id}#1",
        ]
        present = await one.present()
        assert (present.term_no, present.version) == (2, 3)
        spans = [
            (line.start_date, line.end_date, line.quantity)
            for line in present.lines
            if line.kind == "recurring"
        ]
        assert spans == [
            (date(2026, 1, 1), date(2026, 12, 5), 50),
            (date(2026, 12, 5), end, 70),
            (end, date(2028, 1, 1), 70),
        ]
