"""Items by themselves, one-time items, other intervals, the past: changes and their previews."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.case import amounts, new_case, seats
from tests.simulators.stripe.support import Sim, at, running, unix

START, HALF = at(2026, 4, 1), at(2026, 4, 16)


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=at(2026, 10, 1)) as one:
        yield one


async def test_items_have_operations_of_their_own(sim: Sim) -> None:
    """The same prorations as an update of the subscription."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        items = client.v1.subscription_items
        added = await items.create_async(
            {"subscription": held.id, "price": await case.price(600), "quantity": 3}
        )
        assert (added.object, added.subscription, added.quantity) == (
            "subscription_item",
            held.id,
            3,
        )
        assert await case.pending() == [900]
        changed = await items.update_async(added.id, {"quantity": 1})
        assert (changed.id, changed.quantity) == (added.id, 1)
        assert await case.pending() == [-900, 300, 900]
        assert (await items.retrieve_async(added.id)).quantity == 1
        listed = await items.list_async({"subscription": held.id})
        assert [one.id for one in listed.data] == [held["items"].data[0].id, added.id]
        gone = await items.delete_async(added.id, {"proration_behavior": "none"})
        assert gone.deleted
        assert await case.pending() == [-900, 300, 900]
        with pytest.raises(stripe.InvalidRequestError, match="No such subscription item"):
            await items.retrieve_async(added.id)
        with pytest.raises(stripe.InvalidRequestError, match="at least one active item"):
            await items.delete_async(held["items"].data[0].id)


async def test_one_time_items_of_an_update_wait_for_the_next_invoice(sim: Sim) -> None:
    """Docstring of `add_invoice_items`: appended to the next invoice for this subscription."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        data = {"currency": "usd", "product": case.seat, "unit_amount": 700}
        changed = await case.update(held, add_invoice_items=[{"price_data": data}])
        assert changed.latest_invoice.id == held.latest_invoice.id
        assert await case.pending() == [700]
        await case.advance(at(2026, 5, 1, 2))
        assert amounts((await case.invoices(held))[-1]) == [700, 2000]


async def test_a_backdated_first_period_may_be_prorated_from_its_start(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/backdating: one credit and one debit a period."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 5, 20))
        held = await seats(case, backdate_start_date=unix(START))
        assert amounts(held.latest_invoice) == [2000, 2000]
        item = held["items"].data[0].id
        wanted: Any = {
            "items": [{"id": item, "quantity": 4}],
            "proration_behavior": "always_invoice",
        }
        with pytest.raises(stripe.InvalidRequestError, match="outside of the subscription's"):
            await case.update(held, **wanted, proration_date=unix(START) - 1)
        changed = await case.update(held, **wanted, proration_date=unix(HALF))
        # Half of April and the whole of May, given back and billed anew.
        assert amounts(changed.latest_invoice) == [-1000, -2000, 2000, 4000]


async def test_items_with_another_interval_join_the_cycle(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/mixed-interval: on the common anchor."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        yearly = await case.price(36_500, "year")
        with pytest.raises(stripe.InvalidRequestError, match="multiple of the shortest"):
            await case.update(held, items=[{"price": await case.price(1, "week")}])
        changed = await case.update(
            held, items=[{"price": yearly}], proration_behavior="always_invoice"
        )
        # 350 of 365 days are left of the year that began with the anchor.
        assert amounts(changed.latest_invoice) == [35_000]
        assert changed["items"].data[1].current_period_end == unix(at(2027, 4, 1))
        await case.advance(at(2026, 5, 1, 2))
        assert amounts((await case.invoices(held))[-1]) == [2000]


@pytest.mark.parametrize("behavior", ["none", "create_prorations", "always_invoice"])
async def test_a_preview_is_what_the_update_does(sim: Sim, behavior: Any) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        item = held["items"].data[0].id
        wanted: Any = {
            "items": [{"id": item, "quantity": 7}, {"price": await case.price(599)}],
            "proration_behavior": behavior,
        }
        preview = await case.preview(held, **wanted)
        assert await case.pending() == []
        await case.update(held, **wanted)
        if behavior != "always_invoice":
            await case.advance(at(2026, 5, 1, 2))
        made = (await case.invoices(held))[-1]
        assert amounts(made) == amounts(preview)
        assert made.total == preview.total
        assert [line.description for line in made.lines.data] == [
            line.description for line in preview.lines.data
        ]
        assert [(line.period.start, line.period.end) for line in made.lines.data] == [
            (line.period.start, line.period.end) for line in preview.lines.data
        ]
