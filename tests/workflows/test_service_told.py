"""EV-01: what the customer of a contract receives is told whenever it changes: by an act of ours,
by the calendar, by holds put on and lifted. Once, whatever became of an answer."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import CancellationReason, ChangeTiming
from dealthread.domain.deal import Deal
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import contract_key
from dealthread.store.schema import outbox
from tests.fakes.world import Fault
from tests.support.change_orders import cancellation, seats
from tests.support.contract_life import life
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.overdue import owed
from tests.support.saga_ends import all_met
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

Change = tuple[str, str, str]
SOLD = date(2025, 12, 1)
GRANTED: Change = ("none", "active", "granted")
SUSPENDED: Change = ("active", "suspended", "overdue invoice")
RESTORED: Change = ("suspended", "active", "hold lifted")


async def told(engine: AsyncEngine, key: str) -> list[Change]:
    """Before, after and why, in the order of their times."""
    query = select(outbox.c.body).where(
        outbox.c.type == EventType.SERVICE_STATUS_CHANGED, outbox.c.subject == key
    )
    async with engine.connect() as connection:
        bodies = sorted((await connection.execute(query)).scalars(), key=lambda one: one["time"])
    data = [body["data"] for body in bodies]
    assert all(one["contract_key"] == key and one["customer_key"] for one in data)
    return [(one["previous_status"], one["status"], one["reason"]) for one in data]


@pytest.mark.tells(EventType.SERVICE_STATUS_CHANGED)
async def test_a_service_is_told_of_from_its_grant_to_its_last_day(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """Sold a month ahead; nobody asks anything of the service on its first day and its last."""
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        key = one.contract.key
        scheduled = ("none", "scheduled", "granted")
        assert await told(engine, key) == [scheduled]
        await one.go_to(date(2026, 1, 2))
        await one.until(lambda view: view["state"] == "active" and not view["running"])
        begun = ("scheduled", "active", "first day")
        assert await told(engine, key) == [scheduled, begun]
        await one.go_to(date(2027, 1, 2))
        await one.until(lambda view: view["state"] == "ended" and not view["running"])
        assert await told(engine, key) == [scheduled, begun, ("active", "ended", "term over")]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
async def test_a_contract_taken_back_before_its_start_has_ended_for_its_customer(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, fault: Fault
) -> None:
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        one.it.world.plan("entitlement.revoke", fault)
        order = cancellation(
            one.contract, SOLD, "X1", timing=ChangeTiming.NOW, cause=CancellationReason.RESCISSION
        )
        await one.ask(ChangeKind.CANCELLATION, order)
        await one.approve()
        await one.until(lambda view: view["state"] == "never_activated" and not view["running"])
        all_met(one.it)
        assert await told(engine, one.contract.key) == [
            ("none", "scheduled", "granted"),
            ("scheduled", "ended", "withdrawn"),
        ]


async def test_more_seats_tell_nothing_and_the_end_that_was_agreed_does(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    async with life(skipping_server, engine, database_url) as one:
        day = date(2026, 6, 1)
        await one.go_to(day)
        more = seats(one.contract, 70, day, accepted_on=day)
        await one.ask(ChangeKind.AMENDMENT, more)
        await one.done(more.change_id)
        assert await told(engine, one.contract.key) == [GRANTED]
        over = cancellation(await one.present(), day, "X1", timing=ChangeTiming.NOW)
        await one.ask(ChangeKind.CANCELLATION, over)
        await one.approve()
        await one.done(over.change_id)
        assert await told(engine, one.contract.key) == [
            GRANTED,
            ("active", "ended", "contract changed"),
        ]


@pytest.mark.parametrize("fault", [None, Fault.LOST, Fault.LATE])
async def test_two_holds_of_two_pursuits_are_one_suspension_and_one_end_of_it(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, fault: Fault | None
) -> None:
    """Two unpaid invoices of one contract reach the same stage on the same day; the first that is
    paid lifts its own hold alone. The customer hears of it by the notices of the pursuits."""
    async with owed(skipping_server, engine) as debt:
        key, other = debt.contract.key, debt.another()
        if fault is not None:
            for act in ("entitlement.suspend", "entitlement.restore"):
                debt.it.world.plan(act, fault)
        for one in (debt, other):
            await one.pursue()
        await debt.go_to(date(2026, 1, 18))
        for one in (debt, other):
            await one.at_stage(3)
        assert await told(engine, key) == [GRANTED, SUSPENDED]
        debt.pay()
        await debt.heard()
        assert await debt.ended() == "paid"
        assert await told(engine, key) == [GRANTED, SUSPENDED], "the other still holds it"
        other.pay()
        await other.heard()
        assert await other.ended() == "paid"
        all_met(debt.it)
        assert await told(engine, key) == [GRANTED, SUSPENDED, RESTORED]
        notices = [one.get("notice") for one in await debt.told("collections")]
        assert notices.count("suspension_notice") == 2, "one for each invoice"


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE, Fault.REFUSED, Fault.RATE_LIMITED])
async def test_a_grant_is_told_once_whatever_became_of_its_answer(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    async with lab(client, engine, date(2026, 1, 1)) as it:
        it.world.retry_after /= 150
        deal: Deal = fresh(d1())
        it.world.plan("entitlement.grant", fault)
        await (await it.start(deal)).result()
        all_met(it)
        assert await told(engine, contract_key(deal.org, deal.deal_id)) == [GRANTED]


async def test_a_deal_that_is_undone_ends_what_was_told_of_it(
    client: Client, engine: AsyncEngine
) -> None:
    """Granted for a day to come, then refused by the CRM and given up."""
    async with lab(client, engine, D1_TODAY) as it:
        deal = fresh(d1())
        it.world.plan("crm.record_contract", Fault.REJECTED, times=0)
        handle = await it.start(deal)
        await it.decide(await it.case(deal), DecisionKind.ABORT)
        await handle.result()
        assert await told(engine, contract_key(deal.org, deal.deal_id)) == [
            ("none", "scheduled", "granted"),
            ("scheduled", "ended", "withdrawn"),
        ]


@pytest.mark.parametrize("days", [1, 5])
async def test_a_service_that_is_away_on_the_last_day_is_told_of_once_it_is_back(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, days: int
) -> None:
    """The contract itself has ended meanwhile. A day later nobody was asked; after three, a person
    has to say when to look again."""
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        key = one.contract.key
        await one.go_to(date(2026, 1, 2))
        await one.until(lambda view: view["state"] == "active" and not view["running"])
        away = one.it.world.plan(
            "entitlement.find",
            Fault.REFUSED,
            occurrence=one.it.world.calls["entitlement.find"] + 1,
            times=0,
        )
        await one.go_to(date(2027, 1, 1 + days))
        assert away.met > 1
        assert await one.it.contracts.state(key) == "ended"
        assert (await told(engine, key))[-1] == ("scheduled", "active", "first day")
        if days == 5:
            case = await one.it.case_of(key)
            assert (case.step, case.allowed) == ("service", (DecisionKind.RETRY,))
        assert bool(await one.it.open_case(key)) == (days == 5)
        one.it.world.heal()
        if days == 5:
            await one.it.decide(case, DecisionKind.RETRY)
        await one.go_to(date(2027, 1, 2 + days))
        await one.until(lambda view: view["state"] == "ended" and not view["running"])
        assert await told(engine, key) == [
            ("none", "scheduled", "granted"),
            ("scheduled", "active", "first day"),
            ("active", "ended", "term over"),
        ]
        assert await one.it.open_case(key) is None


async def test_a_service_that_is_away_on_the_first_day_holds_up_nothing_and_is_told_of_later(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """The contract is active and takes changes; with the next of them the first day is told."""
    async with life(skipping_server, engine, database_url, sold_on=SOLD) as one:
        key = one.contract.key
        away = one.it.world.plan(
            "entitlement.find",
            Fault.REFUSED,
            occurrence=one.it.world.calls["entitlement.find"] + 1,
            times=0,
        )
        await one.go_to(date(2026, 1, 2))
        await one.until(lambda view: view["state"] == "active" and not view["running"])
        assert away.met > 1
        assert await told(engine, key) == [("none", "scheduled", "granted")]
        one.it.world.heal()
        day = date(2026, 1, 2)
        more = seats(one.contract, 70, day, accepted_on=day)
        await one.ask(ChangeKind.AMENDMENT, more)
        await one.done(more.change_id)
        assert await told(engine, key) == [
            ("none", "scheduled", "granted"),
            ("scheduled", "active", "contract changed"),
        ]
