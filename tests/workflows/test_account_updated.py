"""EV-01: a customer whose record changed in the CRM is brought up to date at biller and ERP with
the next deal, and what changed there is told once: the names of the fields, no value."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError

from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeOutcome
from dealthread.store.schema import outbox
from tests.fakes.world import Fault
from tests.support.deal_builder import d2
from tests.support.saga_ends import all_met
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

TODAY = date(2026, 3, 16)
MOVED = ["bill_to_address"]


def next_of(first: Deal, start: date, **changes: Any) -> Deal:
    """A further deal of the same customer, whose account in the CRM has changed since."""
    account = first.account
    assert account is not None
    account = account.model_copy(update=changes)
    terms = {"start_date": start, "end_date": start.replace(year=start.year + 1)}
    return fresh(first).model_copy(update={**terms, "account": account})


def moved(first: Deal, start: date = date(2027, 3, 15)) -> Deal:
    account = first.account
    assert account is not None
    address = account.billing_address.model_copy(update={"street": "Hafenstrasse 7"})
    return next_of(first, start, billing_address=address)


async def told(engine: AsyncEngine, deal: Deal) -> list[tuple[str, list[str]]]:
    """System and fields of every `account.updated` about the customer, by system."""
    assert deal.account is not None
    query = select(outbox.c.body).where(
        outbox.c.type == EventType.ACCOUNT_UPDATED, outbox.c.subject == deal.account.key
    )
    async with engine.connect() as connection:
        bodies = list((await connection.execute(query)).scalars())
    assert all(body["data"]["customer_key"] == deal.account.key for body in bodies)
    return sorted((body["data"]["system"], body["data"]["changed_fields"]) for body in bodies)


async def completed(it: Lab, deal: Deal) -> None:
    result: Any = await (await it.start(deal)).result()
    assert result.outcome in (ChangeOutcome.COMPLETED, ChangeOutcome.SCHEDULED)


@pytest.mark.tells(EventType.ACCOUNT_UPDATED)
async def test_what_changed_is_told_for_each_system_and_no_value_of_it(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, TODAY) as it:
        first = fresh(d2())
        await completed(it, first)
        assert await told(engine, first) == [], "a record that is newly made is no change"
        await completed(it, next_of(first, date(2027, 3, 15)))
        assert await told(engine, first) == [], "nothing changed"
        it.world.today += timedelta(days=365)
        await completed(it, moved(first, date(2028, 3, 15)))
        assert await told(engine, first) == [("billing", MOVED), ("erp", MOVED)]
        async with engine.connect() as connection:
            bodies = str(list((await connection.execute(select(outbox.c.body))).scalars()))
        assert "Hafenstrasse" not in bodies


@pytest.mark.parametrize("method", ["erp.update_customer", "billing.update_customer"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE, Fault.REFUSED, Fault.RATE_LIMITED])
async def test_it_is_told_once_whatever_became_of_the_answer(
    client: Client, engine: AsyncEngine, method: str, fault: Fault
) -> None:
    """After a lost answer the record is found as it should be: what it was is known all the
    same, from before the write."""
    async with lab(client, engine, TODAY) as it:
        first = fresh(d2())
        await completed(it, first)
        it.world.retry_after = it.world.retry_after / 150
        it.world.plan(method, fault)
        await completed(it, moved(first))
        all_met(it)
        assert await told(engine, first) == [("billing", MOVED), ("erp", MOVED)]


@pytest.mark.parametrize("method", ["erp.create_customer", "billing.create_customer"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
async def test_a_new_record_whose_answer_was_lost_is_no_change(
    client: Client, engine: AsyncEngine, method: str, fault: Fault
) -> None:
    """The repeat finds what the first attempt made, and makes it no different."""
    async with lab(client, engine, TODAY) as it:
        deal = fresh(d2())
        it.world.plan(method, fault)
        await completed(it, deal)
        all_met(it)
        assert await told(engine, deal) == []


@pytest.mark.parametrize(
    ("method", "others"),
    [("erp.update_customer", []), ("billing.update_customer", [("erp", MOVED)])],
)
async def test_what_was_refused_is_told_of_nothing_until_it_is_done(
    client: Client, engine: AsyncEngine, method: str, others: list[tuple[str, list[str]]]
) -> None:
    """The ERP comes first: what it took stays changed, and told, although the deal is stopped."""
    async with lab(client, engine, TODAY) as it:
        first = fresh(d2())
        await completed(it, first)
        it.world.plan(method, Fault.REJECTED)
        stopped = moved(first)
        handle = await it.start(stopped)
        await it.decide(await it.case(stopped), DecisionKind.ABORT)
        result: Any = await handle.result()
        assert result.outcome is ChangeOutcome.COMPENSATED
        all_met(it)
        assert await told(engine, first) == others
        it.world.heal()
        it.world.plan(method, Fault.REJECTED)
        it.world.today += timedelta(days=365)
        again = moved(first, date(2028, 3, 15))
        handle = await it.start(again)
        await it.decide(await it.case(again), DecisionKind.RETRY)
        await handle.result()
        all_met(it)
        assert await told(engine, first) == [("billing", MOVED), ("erp", MOVED)]


@pytest.mark.parametrize("method", ["erp.update_customer", "billing.update_customer"])
async def test_a_run_stopped_before_it_knew_tells_what_may_have_changed_and_leaves_the_customer(
    client: Client, engine: AsyncEngine, method: str
) -> None:
    """Every answer is lost, the deal is cancelled: the record did change, and stays in use
    although nothing else is served through it."""
    async with lab(client, engine, TODAY) as it:
        first = fresh(d2())
        await completed(it, first)
        it.world.plan(method, Fault.LOST, times=0)
        stopped = moved(first)
        handle = await it.start(stopped)
        assert (await it.case(stopped)).kind == "integration.outcome_unknown"
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        all_met(it)
        assert (method.partition(".")[0], MOVED) in await told(engine, first)
        assert len(await told(engine, first)) == len(set(map(str, await told(engine, first))))
        assert not set(it.did(first)) & {"erp.retire_customer", "billing.retire_customer"}
