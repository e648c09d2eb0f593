"""EV-10: an hour in which nobody answers, neither CRM, biller, ERP, entitlement service nor any
subscriber, loses no event: what happened before it, in it and because of it arrives after it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import Case, CaseState, Decision, DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.errors import VendorUnavailable
from dealthread.naming import contract_key
from dealthread.outcome import Done, Outcome
from dealthread.settings import Subscriber
from dealthread.store.inbox import InboxState
from dealthread.store.schema import outbox
from dealthread.store.subscribers import ENABLED, Subscribers
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.events_told import breaches_of
from tests.support.invoice_lab import bill_of, mirrored, until
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

JANUARY, DUE = date(2026, 1, 5), date(2026, 12, 1)
NEARER = (
    "UPDATE deliveries SET next_attempt_at = next_attempt_at - :step",
    "UPDATE inbox SET next_attempt_at = next_attempt_at - :step",
    "UPDATE subscribers SET failing_since = failing_since - :step",
)
STEP, HOUR = timedelta(minutes=5), timedelta(hours=1)


def _subscriber(name: str, *types: str) -> Subscriber:
    return Subscriber(name=name, url=f"https://{name}", secret_name="s", types=types)


EVERYBODY = (
    _subscriber("analytics", "*"),
    _subscriber("success", "contract.*", "entitlement.*", "invoice.*"),
    _subscriber("communications", "invoice.*", "collections.*"),
)


@dataclass
class Receivers:
    """The other side of every subscriber."""

    are_away: bool = False
    refused: Counter[str] = field(default_factory=Counter)
    took: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def deliver(
        self,
        url: str,
        secret_name: str,
        event_id: str,
        event_type: str,
        body: bytes,
        *,
        replay_id: str = "",
    ) -> Outcome[str]:
        """One delivery."""
        name = url.removeprefix("https://")
        if self.are_away:
            self.refused[name] += 1
            raise VendorUnavailable("not_connected")
        self.took.setdefault(name, []).append(json.loads(body))
        return Done("204")


@dataclass
class House:
    """Everything around one laboratory, and the time that passes in it."""

    server: WorkflowEnvironment
    it: Lab
    office: Office
    receivers: Receivers

    async def passes(self, time: timedelta) -> None:
        """The server's clock goes on, and what the store waits for comes as much nearer; the relay
        looks all the while."""
        for _ in range(time // STEP):
            await self.server.sleep(STEP)
            async with self.it.engine.begin() as connection:
                for moved in NEARER:
                    await connection.execute(text(moved), {"step": STEP})
            await self.relayed()

    async def wins(self, deal: Deal) -> None:
        """The CRM tells of it."""
        self.it.world.deals[deal.deal_id] = deal
        assert await self.office.webhook(deal, f"m-{deal.deal_id}")
        await self.office.relayed()

    async def goes_away_after_an_agreement(self, deal: Deal) -> None:
        """Everybody, as soon as this deal has its agreement: its access is refused already."""
        world, granted = self.it.world, self.it.world.calls["entitlement.grant"]

        def away(method: str) -> None:
            if method == "billing.start_agreement":
                self.receivers.are_away = True
                world.plan("*", Fault.REFUSED, times=0)

        world.after_effect = away
        await self.wins(deal)
        await until(lambda: world.calls["entitlement.grant"] > granted)
        world.after_effect = None

    async def relayed(self) -> None:
        """One pass of every loop of the relay."""
        await self.office.relayed()
        await self.office.relay.take_bills()
        await self.office.relay.deliver_decisions()
        for one in EVERYBODY:
            await self.office.relay.deliver_events(one)


async def test_an_hour_without_anybody_loses_no_event(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    """One deal was done before it and its invoice goes out in it, one has its agreement and nothing
    more, two are won in it; what waits longer than its patience has a case. Afterwards
    each subscriber has each event it asked for, once, and every system one of each, made in the
    order of an ordinary day."""
    client, receivers = skipping_server.client, Receivers()
    async with lab(client, engine, JANUARY) as it:
        office = Office(it, database_url, client, EVERYBODY, receivers)
        house = House(skipping_server, it, office, receivers)
        async with office.pool:
            before = fresh(d1())
            contract = await sold(it, before)
            ordinary = it.did(before)

            begun = fresh(d1())
            await house.goes_away_after_an_agreement(begun)
            bill = bill_of(contract, f"in_{contract.key[2:]}", JANUARY)
            bill = bill.model_copy(update={"due_date": DUE})
            it.billing.bills[bill.ref.native_id] = bill
            await office.held("stripe", bill.ref.account, _finalised(contract, bill.ref.native_id))
            won = [fresh(d1()), fresh(d1())]
            for deal in won:
                await house.wins(deal)
            known, done = await _told(engine), list(it.world.effects)
            await house.passes(HOUR)

            assert receivers.took == {}
            assert set(receivers.refused) == {"analytics", "success"}
            assert it.world.effects == done
            cases = await it.cases.listing(CaseState.OPEN, "", 100)
            keys = {contract_key(deal.org, deal.deal_id) for deal in won}
            waits = Counter((one.contract_key, one.step) for one in cases)
            late = (contract_key(begun.org, begun.deal_id), "entitlement")
            assert waits == Counter([*((key, "deal") for key in keys), late, ("", "read")])
            meanwhile = [body for id_, body in (await _told(engine)).items() if id_ not in known]
            assert [one["type"] for one in meanwhile] == ["dealthread.case.opened.v1"] * 4
            assert {state for state, _ in await office.rows()} == {InboxState.HANDLED}

            it.world.heal()
            receivers.are_away = False
            for case in cases:
                await it.cases.decide(_again(case))
            for _ in range(100):
                await house.passes(STEP)
                if await _is_over(house, [begun, *won], bill.ref.native_id):
                    break
            await house.passes(HOUR)

            for deal in (begun, *won):
                assert await office.outcome(deal) == "completed"
                assert (it.agreements(deal), it.bookings(deal, "US01")) == (1, 1)
                assert it.did(deal) == ordinary
            assert mirrored(it)[bill.ref.native_id].status == "open"
            assert await it.cases.listing(CaseState.OPEN, "", 100) == []
            await _all_arrived(engine, receivers)
            keys |= {contract.key, contract_key(begun.org, begun.deal_id)}
            assert {one["subject"] for one in receivers.took["success"]} == keys
            assert [one["type"] for one in receivers.took["communications"]] == [
                "dealthread.invoice.issued.v1",
                "dealthread.invoice.posted.v1",
            ]


def _again(case: Case) -> Decision:
    """A person's word, when the systems are back."""
    return Decision(
        case_id=case.case_id,
        version=case.version,
        decision=DecisionKind.RETRY,
        actor="olga",
        reason="they answer again",
    )


async def _told(engine: AsyncEngine) -> dict[str, dict[str, Any]]:
    async with engine.connect() as connection:
        rows = await connection.execute(select(outbox.c.id, outbox.c.body))
        return {row.id: row.body for row in rows}


async def _is_over(house: House, won: list[Deal], invoice: str) -> bool:
    ended = [await house.office.outcome(deal) for deal in won]
    return all(ended) and invoice in mirrored(house.it)


async def _all_arrived(engine: AsyncEngine, receivers: Receivers) -> None:
    """Each event once at each subscriber that asked for it, as it was told and by its schema."""
    told = await _told(engine)
    assert [breaches_of(body) for body in told.values()] == [[]] * len(told)
    for one in EVERYBODY:
        wanted = {
            id_
            for id_, body in told.items()
            if any(_matches(body["type"], pattern) for pattern in one.types)
        }
        took = receivers.took[one.name]
        assert Counter(body["id"] for body in took) == Counter(wanted)
        assert all(told[body["id"]] == body for body in took)
    standings = await Subscribers(engine).standings(tuple(one.name for one in EVERYBODY))
    assert [(one.state, one.waiting, one.failed) for one in standings] == [(ENABLED, 0, 0)] * 3


def _matches(kind: str, pattern: str) -> bool:
    return kind.startswith(f"dealthread.{pattern.removesuffix('*')}")


def _finalised(contract: Contract, native_id: str) -> str:
    details = {"metadata": {"dealthread_contract": contract.key}}
    told = {"id": native_id, "status": "open", "parent": {"subscription_details": details}}
    return json.dumps({"id": "evt", "type": "invoice.finalized", "data": {"object": told}})
