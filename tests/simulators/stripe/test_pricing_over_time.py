"""Discounts and usage by a test clock, and across a restart of the simulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, product, running, to_ready, unix

Serve = Callable[[Any], str]
NOW = at(2026, 6, 1)
START = at(2026, 1, 1)


async def sold(client: stripe.StripeClient, customer: str) -> stripe.Subscription:
    """Calls at 0.04 each above a thousand, half price for two months, invoices sent."""
    meter = await client.v1.billing.meters.create_async(
        {
            "display_name": "Calls",
            "event_name": "calls",
            "default_aggregation": {"formula": "sum"},
        }
    )
    price = await client.v1.prices.create_async(
        {
            "product": await product(client, "calls", "Calls"),
            "currency": "usd",
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [{"up_to": 1000, "unit_amount": 0}, {"up_to": "inf", "unit_amount": 4}],
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    await client.v1.coupons.create_async(
        {"id": "half", "percent_off": 50, "duration": "repeating", "duration_in_months": 2}
    )
    return await client.v1.subscriptions.create_async(
        {
            "customer": customer,
            "items": [{"price": price.id}],
            "discounts": [{"coupon": "half"}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )


async def report(client: stripe.StripeClient, customer: str, value: int, **more: Any) -> None:
    """Calls of a customer."""
    payload = {"stripe_customer_id": customer, "value": str(value)}
    given: Any = {"event_name": "calls", "payload": payload, **more}
    await client.v1.billing.meter_events.create_async(given)


async def test_a_test_clock_bills_usage_and_ends_discounts(serve: Serve) -> None:
    """1,500 calls are 500 × 0.04 = 20.00; half of it for two months, whole in the third."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        clock = await client.v1.test_helpers.test_clocks.create_async({"frozen_time": unix(START)})
        customer = await client.v1.customers.create_async(
            {"name": "Hypernian's customer", "test_clock": clock.id}
        )
        subscription = await sold(client, customer.id)
        for month in (2, 3, 4):
            await report(client, customer.id, 1500)
            await to_ready(client, clock.id, unix(at(2026, month, 1, 2)))
        listed = await client.v1.invoices.list_async({"customer": customer.id})
        assert [one.total for one in reversed(listed.data)] == [1000, 1000, 2000]
        later = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert later.discounts == []


async def test_a_draft_with_usage_and_discounts_outlives_the_process(
    serve: Serve, tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    """What comes in the grace period after a restart is still counted and still half price."""
    state = tmp_path / "stripe.sqlite"
    async with running(serve, now=START, state=str(state)) as sim, sim.client() as client:
        customer = (await client.v1.customers.create_async({"name": "Nordwerk"})).id
        await sold(client, customer)
        await report(client, customer, 1500, identifier="first")
        sim.clock.freeze(at(2026, 2, 1))
        draft = (await client.v1.invoices.list_async({"customer": customer})).data[0]
        assert (draft.status, draft.total) == ("draft", 1000)
        until(lambda: state.exists() and draft.id.encode() in state.read_bytes())
    again = at(2026, 2, 1) + timedelta(minutes=1)
    async with running(serve, now=again, state=str(state)) as sim, sim.client() as client:
        sim.clock.freeze(START + timedelta(hours=23))
        with pytest.raises(stripe.InvalidRequestError, match="already exists"):
            await report(client, customer, 1, identifier="first")
        sim.clock.freeze(again)
        await report(client, customer, 100, timestamp=unix(at(2026, 1, 31)))
        issued = await client.v1.invoices.finalize_invoice_async(draft.id)
        assert (issued.total, issued.subtotal) == (1200, 2400)
