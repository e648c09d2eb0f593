"""QuoteToCash from end to end over systems in memory: the good ways and the stops."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


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
        assert it.world.effects.count(("entitlement", found.contract_key)) == 1


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
        await handle.result()
        assert (it.agreements(deal), it.bookings(deal, "US01")) == (1, 1)
