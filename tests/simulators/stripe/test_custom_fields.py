"""Custom fields of the Stripe simulator's invoices, which carry the customer's order number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import DE_KEY, at, d2_items, running

Serve = Callable[[Any], str]


async def test_custom_fields_are_printed_on_every_invoice_of_a_subscription(serve: Serve) -> None:
    """D2's order number: on the first invoice and on the renewal; a schedule hands its own on."""
    order: Any = [{"name": "PO number", "value": "4500098765"}]
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = (await client.v1.customers.create_async({"name": "Nordwerk"})).id
        items = (await d2_items(client))["items"]
        wanted: Any = {
            "customer": customer,
            "items": items,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "invoice_settings": {"custom_fields": order},
        }
        subscription = await client.v1.subscriptions.create_async(wanted)
        planned: Any = {
            "customer": customer,
            "start_date": "now",
            "default_settings": {
                "collection_method": "send_invoice",
                "invoice_settings": {"days_until_due": 30, "custom_fields": order},
            },
            "phases": [{"items": items, "duration": {"interval": "year", "interval_count": 2}}],
        }
        schedule = await client.v1.subscription_schedules.create_async(planned)
        sim.clock.advance(timedelta(days=366))
        for subscription_id in (subscription.id, str(schedule.subscription)):
            bills = await client.v1.invoices.list_async({"subscription": subscription_id})
            shown = [[(row.name, row.value) for row in bill.custom_fields or []] for bill in bills]
            assert shown == [[("PO number", "4500098765")]] * 2
        wanted["invoice_settings"] = {"custom_fields": [{"name": "PO", "value": "x" * 141}]}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.subscriptions.create_async(wanted)
        assert refused.value.param == "invoice_settings[custom_fields][0][value]"
