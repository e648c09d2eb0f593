"""Metered items that come, change and go, and the cycle that begins anew: what usage is billed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulators.stripe.support import at, card_customer, product, running, unix
from tests.simulators.stripe.usage_support import invoices, lines, metered, use

Serve = Callable[[Any], str]
NOW = at(2026, 3, 1)


async def test_an_item_added_in_mid_cycle_bills_usage_from_then_on(serve: Serve) -> None:
    """manage-billing-setup: "usage from January 16 to January 31 at price C"."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        seat = await product(client, "seat", "Seat")
        customer = await card_customer(client)
        inline: Any = {
            "currency": "usd",
            "product": seat,
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
        }
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price_data": inline}]}
        )
        await use(sim, client, customer, "100", unix(at(2026, 3, 1)))
        sim.clock.freeze(at(2026, 3, 16))
        await client.v1.subscriptions.update_async(subscription.id, {"items": [{"price": price}]})
        await use(sim, client, customer, "7", unix(at(2026, 3, 20)))
        sim.clock.freeze(at(2026, 4, 1, 2))
        assert sorted(lines((await invoices(client, customer))[-1])) == [(1, 1000), (7, 28)]


async def test_a_reset_of_the_anchor_bills_the_usage_until_then(serve: Serve) -> None:
    """manage-billing-setup: resetting `billing_cycle_anchor` to now bills what was reported."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        await use(sim, client, customer, "10", unix(at(2026, 3, 2)))
        sim.clock.freeze(at(2026, 3, 16))
        await client.v1.subscriptions.update_async(
            subscription.id, {"billing_cycle_anchor": {"type": "now"}}
        )
        (invoice,) = await invoices(client, customer)
        period = invoice.lines.data[0].period
        assert (period.start, period.end) == (unix(NOW), unix(at(2026, 3, 16)))
        await use(sim, client, customer, "20", unix(at(2026, 4, 2)))
        sim.clock.freeze(at(2026, 4, 16, 2))
        assert [lines(one) for one in await invoices(client, customer)] == [[(10, 40)], [(20, 80)]]


async def test_usage_is_billed_at_the_price_that_held_when_it_was_reported(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/billing-mode/compare: 1,000 calls on 5 January at 0.1
    USD per 100, 500 on 20 January at 0.15, the price from 15 January on: 1 + 0.75 = 1.75 USD."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        package: Any = {"divide_by": 100, "round": "up"}
        first = await metered(client, unit_amount=10, transform_quantity=package)
        meter = (await client.v1.billing.meters.list_async()).data[0].id
        second = await client.v1.prices.create_async(
            {
                "product": "p_tokens",
                "currency": "usd",
                "unit_amount": 15,
                "transform_quantity": package,
                "recurring": {"interval": "month", "usage_type": "metered", "meter": meter},
            }
        )
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": first}]}
        )
        item = subscription["items"].data[0].id
        await use(sim, client, customer, "1000", unix(at(2026, 1, 5)))
        sim.clock.freeze(at(2026, 1, 15))
        await client.v1.subscriptions.update_async(
            subscription.id, {"items": [{"id": item, "price": second.id}]}
        )
        await use(sim, client, customer, "500", unix(at(2026, 1, 20)))
        preview = await client.v1.invoices.create_preview_async({"subscription": subscription.id})
        assert preview.total == 175
        sim.clock.freeze(at(2026, 2, 1, 2))
        (invoice,) = await invoices(client, customer)
        assert sorted(lines(invoice)) == [(500, 75), (1000, 100)]


@pytest.mark.parametrize(("behavior", "total"), [("create_prorations", 1040), ("none", 1000)])
async def test_a_metered_item_that_goes_is_billed_unless_told_otherwise(
    serve: Serve, behavior: Any, total: int
) -> None:
    """manage-billing-setup: an invoice item for reported usage; `none` removes without billing."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        inline: Any = {
            "currency": "usd",
            "product": await product(client, "seat", "Seat"),
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
        }
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price_data": inline}, {"price": price}]}
        )
        item = subscription["items"].data[1].id
        await use(sim, client, customer, "10", unix(at(2026, 3, 5)))
        sim.clock.freeze(at(2026, 3, 6))
        await client.v1.subscription_items.delete_async(item, {"proration_behavior": behavior})
        await use(sim, client, customer, "99", unix(at(2026, 3, 20)))
        sim.clock.freeze(at(2026, 4, 1, 2))
        assert (await invoices(client, customer))[-1].total == total
