"""Cards: charged, declined, missing, and charged again at renewal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, d1_items, running

Serve = Callable[[Any], str]


async def test_a_declined_card_leaves_an_incomplete_subscription_that_lapses(serve: Serve) -> None:
    """allow_incomplete: open invoice, status incomplete, void and expired after 23 hours."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client, "pm_card_chargeCustomerFail")
        deal = await d1_items(client)
        with pytest.raises(stripe.CardError) as declined:
            await client.v1.subscriptions.create_async(
                {**deal, "customer": customer, "payment_behavior": "error_if_incomplete"}
            )
        assert declined.value.code == "card_declined"
        assert (await client.v1.subscriptions.list_async({"status": "all"})).data == []
        subscription = await client.v1.subscriptions.create_async({**deal, "customer": customer})
        assert subscription.status == "incomplete"
        invoice_id = str(subscription.latest_invoice)
        with pytest.raises(stripe.CardError, match="declined"):
            await client.v1.invoices.pay_async(invoice_id)
        sim.clock.advance(timedelta(hours=23))
        lapsed = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert lapsed.status == "incomplete_expired"
        assert (await client.v1.invoices.retrieve_async(invoice_id)).status == "void"


async def test_paying_the_first_invoice_activates_an_incomplete_subscription(serve: Serve) -> None:
    """default_incomplete: nothing is charged until somebody pays."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d1_items(client),
                "customer": customer,
                "payment_behavior": "default_incomplete",
            }
        )
        assert subscription.status == "incomplete"
        paid = await client.v1.invoices.pay_async(str(subscription.latest_invoice))
        assert paid.status == "paid"
        now = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert now.status == "active"
        with pytest.raises(stripe.InvalidRequestError, match="already paid"):
            await client.v1.invoices.pay_async(paid.id)


async def test_charging_a_customer_without_a_card_is_refused_before_anything_exists(
    serve: Serve,
) -> None:
    """resource_missing, and no subscription is left behind."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await client.v1.customers.create_async({"name": "Nobody's card"})
        with pytest.raises(stripe.InvalidRequestError, match="no attached payment") as refusal:
            await client.v1.subscriptions.create_async(
                {**await d1_items(client), "customer": customer.id}
            )
        assert refusal.value.code == "resource_missing"
        assert (await client.v1.subscriptions.list_async({"status": "all"})).data == []
        assert (await client.v1.invoices.list_async()).data == []


async def test_a_subscription_renews_at_the_end_of_its_period(serve: Serve) -> None:
    """The next year's invoice is a draft for an hour and is then charged."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {**await d1_items(client), "customer": customer}
        )
        sim.clock.freeze(at(2027, 1, 1))
        renewed = await client.v1.subscriptions.retrieve_async(
            subscription.id, {"expand": ["latest_invoice"]}
        )
        invoice = renewed.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert (invoice.status, invoice.billing_reason) == ("draft", "subscription_cycle")
        # Onboarding was billed once: 13,500.00 + 891.00.
        assert invoice.total == 1_439_100
        sim.clock.advance(timedelta(hours=1))
        charged = await client.v1.invoices.retrieve_async(invoice.id)
        assert (charged.status, charged.number) == ("paid", "US-000002")
