"""QuoteToCash from end to end over systems in memory: the good ways and the stops."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key
from dealthread.store.schema import outbox
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, d1, d4
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

D4_TODAY = date(2026, 2, 1)

SET_UP_AHEAD = [
    "erp.create_customer",
    "erp.draft_booking",
    "billing.create_customer",
    "billing.start_agreement",
    "entitlement.grant",
    "crm.record_contract",
]
"""Every write of a deal that starts later: the booking stays a draft."""
STARTED_TODAY = [*SET_UP_AHEAD[:-1], "erp.confirm_booking", SET_UP_AHEAD[-1]]


async def test_a_good_deal_becomes_one_of_each(client: Client, engine: AsyncEngine) -> None:
    """PF-01: subscription, booking, entitlement and CRM record exist once, and refer to each
    other by any id (DM-05)."""
    async with lab(client, engine, D1_TODAY) as it:
        deal = fresh(d1())
        handle = await it.start(deal)
        result = await handle.result()
        assert result.outcome is ChangeOutcome.SCHEDULED
        assert (it.agreements(deal), it.bookings(deal, "US01")) == (1, 1)
        found = await it.reading.find(f"sub_{contract_key(deal.org, deal.deal_id)}_1")
        assert found.deal_id == deal.deal_id
        assert it.did(deal) == SET_UP_AHEAD
        assert len(it.world.effects) == len(SET_UP_AHEAD), "nothing was written for anybody else"


async def test_an_unmapped_product_is_corrected_and_completes(
    client: Client, engine: AsyncEngine
) -> None:
    """S1: nothing is written before the correction; after it the deal goes through."""
    async with lab(client, engine, D1_TODAY) as it:
        deal = d1()
        line = deal.lines[0].model_copy(update={"product_code": "SEAT-EDU"})
        deal = fresh(deal.model_copy(update={"lines": (line, *deal.lines[1:])}))
        handle = await it.start(deal)
        case = await it.case(deal)
        assert case.kind == "catalogue.unmapped"
        assert it.world.effects == []
        await it.decide(
            case, DecisionKind.RETRY_WITH, correction={"product_map": {"SEAT-EDU": "SEAT-STD"}}
        )
        assert (await handle.result()).outcome is ChangeOutcome.SCHEDULED
        assert (it.agreements(deal), it.bookings(deal, "US01")) == (1, 1)
        assert it.did(deal) == SET_UP_AHEAD


async def test_a_deal_stopped_at_a_rule_is_marked_in_the_crm(
    client: Client, engine: AsyncEngine
) -> None:
    """The salesperson sees that it stopped and where, although it never was a contract."""
    async with lab(client, engine, D1_TODAY) as it:
        deal = d1()
        line = deal.lines[0].model_copy(update={"product_code": "SEAT-EDU"})
        deal = fresh(deal.model_copy(update={"lines": (line, *deal.lines[1:])}))
        handle = await it.start(deal)
        await it.decide(await it.case(deal), DecisionKind.ABORT)
        assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED
        assert it.crm.statuses[deal.deal_id] == "stopped: assess"
        key = contract_key(deal.org, deal.deal_id)
        assert it.world.effects == [("crm.withdraw_contract", key)], "the mark, and nothing else"
        assert key not in it.crm.records


async def test_customer_success_hears_that_a_started_deal_was_withdrawn(
    client: Client, engine: AsyncEngine
) -> None:
    """A message that left is followed by a message, never taken back."""
    async with lab(client, engine, D1_TODAY) as it:
        deal = fresh(d1())
        it.world.plan("crm.record_contract", Fault.REJECTED, times=0)
        handle = await it.start(deal)
        await it.decide(await it.case(deal), DecisionKind.ABORT)
        assert (await handle.result()).outcome is ChangeOutcome.COMPENSATED
        async with engine.connect() as connection:
            told = (
                await connection.execute(select(outbox.c.type).order_by(outbox.c.created_at))
            ).scalars()
            types = [kind for kind in told if "case" not in kind]
        assert types == [
            "dealthread.opportunity.closed.v1",
            "dealthread.subscription.started.v1",
            "dealthread.entitlement.activated.v1",
            "dealthread.service_status.changed.v1",  # scheduled
            "dealthread.service_status.changed.v1",  # ended
            "dealthread.contract.withdrawn.v1",
        ]


async def test_three_years_sold_but_provisioned_by_the_month_stops_before_anything_is_written(
    client: Client, engine: AsyncEngine
) -> None:
    """SN-5, DM-09, S2: the case says what is at risk; with the term held, it goes through."""
    async with lab(client, engine, D4_TODAY) as it:
        deal = fresh(d4().model_copy(update={"provisioned_cancellable": True}))
        handle = await it.start(deal)
        case = await it.case(deal)
        assert case.kind == "deal.invalid_terms"
        assert str(case.money_at_risk) == "194,400.00 USD"
        assert it.world.effects == []
        await it.decide(
            case, DecisionKind.RETRY_WITH, correction={"provisioned_cancellable": False}
        )
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        assert (it.agreements(deal), it.bookings(deal, "US01")) == (1, 1)
        assert it.did(deal) == STARTED_TODAY
