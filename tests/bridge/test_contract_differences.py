"""DM-10: what explains a difference, how old it is, and the case that it opens and closes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import update
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import ChangeTiming
from dealthread.domain.documents import EntitlementState
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.naming import amendment_id
from dealthread.store.schema import contracts
from dealthread.store.schema_checks import contract_checks
from tests.bridge.contract_desk import at_biller, at_service, desk, in_crm, seats
from tests.fakes.world import Fault
from tests.support.change_lab import change
from tests.support.change_orders import cancellation
from tests.support.change_orders import seats as seats_ordered

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_what_a_run_under_way_brings_about_is_explained_and_what_was_there_before_is_not(
    dev_server: Client, database_url: str
) -> None:
    """The first of two differences was seen before the change began."""
    async with desk(dev_server, database_url) as at:
        in_crm(status="ended")(at)
        await at.look()
        change = amendment_id(at.contract.key, "006000000000999AAA")
        request = ChangeRequest(
            change_id=change,
            kind=ChangeKind.AMENDMENT,
            org=at.contract.org,
            deal_id=at.contract.deal_id,
            requested_by="anna",
        )
        await at.it.runs.claim(request, at.contract.key)
        seats(at, "60")
        rows = {row["system"]: row for row in (await at.one())["differences"]}
        assert (rows["crm"]["cause"], rows["crm"]["is_explained"]) == ("changed_by_hand", False)
        explained = rows["entitlement"]
        assert (explained["cause"], explained["is_explained"]) == ("run_under_way", True)
        assert change in explained["detail"]
        await at.look()
        await at.look()
        (case,) = await at.open_cases()
        assert "seats" not in case.summary
        assert [name for name in case.evidence if "entitlement" in name] == []


async def test_a_change_that_was_held_is_under_way_from_its_day_on(
    dev_server: Client, database_url: str
) -> None:
    """Before it, what somebody changes by hand is not explained by it."""
    async with desk(dev_server, database_url) as at:
        mid, day = date(2026, 2, 10), date(2026, 3, 15)
        at.move(mid)
        order = seats_ordered(at.contract, 60, day)
        run = await change(at.it, at.contract, ChangeKind.AMENDMENT, order.change_id, order)
        assert (await run.result()).outcome == "scheduled"
        seats(at, "60")
        (row,) = (await at.one())["differences"]
        assert (row["cause"], row["is_explained"]) == ("changed_by_hand", False)
        seats(at, "50")
        at.move(day)
        seats(at, "60")
        (row,) = (await at.one())["differences"]
        assert (row["cause"], row["is_explained"]) == ("run_under_way", True)
        assert order.change_id in row["detail"]


async def test_an_unexplained_difference_opens_one_case_and_closes_it_when_it_is_gone(
    dev_server: Client, database_url: str
) -> None:
    """At the second look that finds it; a further one is told in the same case."""
    async with desk(dev_server, database_url) as at:
        await at.look()
        assert await at.open_cases() == []
        at_biller(ends_on=date(2027, 2, 1))(at)
        await at.look()
        assert await at.open_cases() == []
        since = (await at.one())["differences"][0]["since"]
        await at.look()
        (case,) = await at.open_cases()
        assert case.kind == "reconcile.difference"
        assert (case.customer_name, case.contract_key) == (
            "Harborline Logistics LLC",
            at.contract.key,
        )
        assert (case.legal_entity, case.region) == ("US01", "US")
        assert case.money_at_risk == Money.of("15000.00", "USD")
        told = f"billing:sub_{at.contract.key}_1 end date"
        assert case.evidence[told].startswith("2027-02-01 instead of 2027-01-01, since ")
        assert f"dealthread contracts check {at.contract.key}" in case.evidence["next_step"]
        assert (await at.one())["case_id"] == case.case_id
        assert (await at.one())["differences"][0]["since"] == since, "its age stands"
        await at.look()
        assert [one.version for one in await at.open_cases()] == [case.version]

        seats(at, "60")
        await at.look()
        await at.look()
        (again,) = await at.open_cases()
        assert (again.case_id, again.version) == (case.case_id, case.version + 1)
        assert any(name.startswith("entitlement:") for name in again.evidence)

        at.it.world.plan("billing.agreement_now", Fault.REFUSED, times=0)
        seats(at, "50")
        await at.look()
        assert len(await at.open_cases()) == 1, "the biller is silent, and may differ still"
        at.it.world.heal()
        at.it.billing.by_hand.clear()
        await at.look()
        assert await at.open_cases() == []
        assert (await at.one())["case_id"] == ""


async def test_contracts_are_due_in_their_turn(dev_server: Client, database_url: str) -> None:
    """A day after their last change for the first time; then as often as policy says."""
    async with desk(dev_server, database_url) as at:
        assert await at.duty.look_at_due() == 0
        async with at.engine.begin() as connection:
            long_ago = contracts.c.changed_at - timedelta(hours=25)
            await connection.execute(update(contracts).values(changed_at=long_ago))
        assert await at.duty.look_at_due() == 1
        assert await at.duty.look_at_due() == 0
        async with at.engine.begin() as connection:
            past = contract_checks.c.next_at - timedelta(hours=25)
            await connection.execute(update(contract_checks).values(next_at=past))
        assert await at.duty.look_at_due() == 1


async def test_after_each_change_and_after_its_end_every_system_says_the_same(
    dev_server: Client, database_url: str
) -> None:
    """More seats, fewer from the next term on, then the end of it: nothing differs on any day."""
    async with desk(dev_server, database_url) as at:
        march, over = date(2026, 3, 1), date(2027, 1, 1)
        at.move(march)
        order = seats_ordered(at.contract, 60, march)
        run = await change(at.it, at.contract, ChangeKind.AMENDMENT, order.change_id, order)
        await run.result()
        assert await at.differing() == []
        found = await at.one()
        assert (found["version"], found["state"], found["unread"]) == (2, "active", [])
        assert sum(len(one) for one in at.it.erp.bookings.values()) == 2

        contract = await at.it.contracts.read(at.contract.key)
        assert contract is not None
        ended = cancellation(contract, march, timing=ChangeTiming.TERM_END)
        run = await change(at.it, contract, ChangeKind.CANCELLATION, ended.change_id, ended)
        case = await at.it.case_of(contract.key)
        in_crm(status="ended")(at)
        (row,) = (await at.one())["differences"]
        assert (row["cause"], row["is_explained"]) == ("case_open", True)
        assert case.case_id in row["next_step"]
        at.it.crm.by_hand.clear()
        await at.it.decide(case, DecisionKind.APPROVE, actor="ben")
        await run.result()
        assert await at.differing() == []

        at.move(over)
        # The term's end has come, and our own run of it has not: rights and agreement are over.
        assert await at.differing() == []
        at_service(state=EntitlementState.ACTIVE, grants=())(at)
        assert ("entitlement", "state", "active", "ended") in await at.differing()
