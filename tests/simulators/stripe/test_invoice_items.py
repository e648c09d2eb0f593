"""Invoice items of the Stripe simulator: pending, taken by the next invoice, deleted, refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    at,
    d2_items,
    once,
    product,
    running,
    unix,
    yearly,
)

Serve = Callable[[Any], str]
SENT: Any = {"collection_method": "send_invoice", "days_until_due": 30}


async def _customer(client: stripe.StripeClient) -> str:
    return (await client.v1.customers.create_async({"name": "Nordwerk"})).id


async def _subscribe(client: stripe.StripeClient, customer: str, items: Any) -> Any:
    wanted: Any = {"customer": customer, **items, **SENT, "expand": ["latest_invoice"]}
    return await client.v1.subscriptions.create_async(wanted)


async def _pending(client: stripe.StripeClient, customer: str) -> list[Any]:
    rows = await client.v1.invoice_items.list_async({"customer": customer, "pending": True})
    return rows.data


async def test_pending_items_are_taken_by_the_first_invoice_newest_first(serve: Serve) -> None:
    """Before the subscription's own lines, taxed by its default rates, and pending no more."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        training = await product(client, "trn", "Training")
        one = await client.v1.invoice_items.create_async(
            {
                "customer": customer,
                "currency": "eur",
                "price_data": once(training, "eur", 90_000),
                "quantity": 2,
                "metadata": {"line": "T"},
            }
        )
        assert (one.amount, one.description, one.invoice) == (180_000, "Training", None)
        two = await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "eur", "amount": -5_000, "description": "Goodwill"}
        )
        assert [row.id for row in await _pending(client, customer)] == [two.id, one.id]
        deal = await d2_items(client)
        rates = deal["items"][0].pop("tax_rates")
        subscription = await _subscribe(client, customer, {**deal, "default_tax_rates": rates})
        invoice = subscription.latest_invoice
        assert [line.amount for line in invoice.lines.data] == [-5_000, 180_000, 1_776_000]
        assert (invoice.subtotal, invoice.total) == (1_951_000, 2_321_690)
        parent = invoice.lines.data[1].parent
        assert parent.invoice_item_details.invoice_item == one.id
        assert await _pending(client, customer) == []
        taken = await client.v1.invoice_items.list_async({"invoice": invoice.id})
        assert [row.invoice for row in taken.data] == [invoice.id] * 2


async def test_an_item_of_a_subscription_waits_for_its_renewal(serve: Serve) -> None:
    """Another subscription's first invoice leaves it alone; the renewal bills it once."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        deal = await d2_items(client)
        owner = await _subscribe(client, customer, deal)
        price = await client.v1.prices.create_async(
            {"currency": "eur", "product": "seat_pro", "unit_amount": 1_000}
        )
        item = await client.v1.invoice_items.create_async(
            {"customer": customer, "pricing": {"price": price.id}, "subscription": owner.id}
        )
        assert item.parent is not None
        assert item.parent.subscription_details is not None
        assert item.parent.subscription_details.subscription == owner.id
        other = await _subscribe(client, customer, deal)
        assert other.latest_invoice.subtotal == 1_776_000
        sim.clock.advance(timedelta(days=366))
        renewed = await client.v1.subscriptions.retrieve_async(
            owner.id, {"expand": ["latest_invoice"]}
        )
        assert isinstance(renewed.latest_invoice, stripe.Invoice)
        assert renewed.latest_invoice.subtotal == 1_777_000
        assert await _pending(client, customer) == []


async def test_what_a_cancelled_subscription_left_pending_reaches_the_next_invoice(
    serve: Serve,
) -> None:
    """Stripe: it can be billed on another invoice for the customer, unless it is deleted."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        deal = await d2_items(client)
        ended = await _subscribe(client, customer, deal)
        kept, removed = [
            await client.v1.invoice_items.create_async(
                {
                    "customer": customer,
                    "currency": "eur",
                    "amount": amount,
                    "subscription": ended.id,
                }
            )
            for amount in (700, 800)
        ]
        await client.v1.subscriptions.cancel_async(ended.id, {"invoice_now": False})
        gone = await client.v1.invoice_items.delete_async(removed.id)
        assert gone.deleted
        following = await _subscribe(client, customer, deal)
        assert following.latest_invoice.subtotal == 1_776_700
        billed = await client.v1.invoice_items.retrieve_async(kept.id)
        assert billed.invoice == following.latest_invoice.id


async def test_a_preview_for_a_customer_shows_what_is_pending(serve: Serve) -> None:
    """The preview and the invoice agree."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "eur", "amount": 700}
        )
        deal = await d2_items(client)
        asked: Any = {"customer": customer, "subscription_details": deal}
        preview = await client.v1.invoices.create_preview_async(asked)
        assert len(await _pending(client, customer)) == 1
        made = await _subscribe(client, customer, deal)
        assert preview.total == made.latest_invoice.total == 2_113_440 + 700


async def test_an_item_on_a_finalised_invoice_is_not_deleted(serve: Serve) -> None:
    """docs.stripe.com/api/invoiceitems/delete: only what is on no invoice or on a draft."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        item = await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "eur", "amount": 700}
        )
        made = await _subscribe(client, customer, await d2_items(client))
        await client.v1.invoices.finalize_invoice_async(made.latest_invoice.id)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.invoice_items.delete_async(item.id)
        assert refused.value.code == "invoice_not_editable"


async def test_one_time_items_of_a_later_phase_are_billed_when_it_begins(serve: Serve) -> None:
    """On the renewal that opens the phase, for its period, and never again."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        seats = await product(client, "seat_pro", "Business seat")
        training = await product(client, "trn", "Training")
        items = [{"price_data": yearly(seats, "eur", 44_400), "quantity": 40}]
        extra = [{"price_data": once(training, "eur", 90_000), "metadata": {"line": "T"}}]
        year = {"interval": "year"}
        planned: Any = {
            "customer": customer,
            "start_date": "now",
            "default_settings": {
                "collection_method": "send_invoice",
                "invoice_settings": {"days_until_due": 30},
            },
            "phases": [
                {"items": items, "duration": year},
                {
                    "items": items,
                    "duration": {"interval": "year", "interval_count": 2},
                    "add_invoice_items": extra,
                },
            ],
        }
        schedule = await client.v1.subscription_schedules.create_async(planned)
        sim.clock.freeze(at(2028, 1, 2))
        bills = await client.v1.invoices.list_async({"subscription": str(schedule.subscription)})
        assert [bill.subtotal for bill in bills.data] == [1_776_000, 1_866_000, 1_776_000]
        line = bills.data[1].lines.data[0]
        assert line.metadata["line"] == "T"
        assert (line.period.start, line.period.end) == (unix(at(2027, 1, 1)), unix(at(2028, 1, 1)))
        assert await _pending(client, customer) == []


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"currency": "eur"}, "amount", "parameter_missing"),
        ({"amount": 5}, "currency", "parameter_missing"),
        ({"amount": 5, "currency": "eur", "pricing": {"price": "p"}}, "pricing", None),
        ({"amount": 5, "currency": "eur", "quantity": 2}, "quantity", "simulator_unsupported"),
        ({"amount": 5, "currency": "eur", "invoice": "in_1"}, "invoice", "resource_missing"),
        ({"amount": 5, "currency": "eur", "unit_amount": 5}, "unit_amount", "parameter_unknown"),
        ({"pricing": {"price": "price_none"}}, "pricing[price]", "resource_missing"),
        (
            {"amount": 5, "currency": "eur", "subscription": "sub_none"},
            "subscription",
            "resource_missing",
        ),
    ],
)
async def test_items_that_stripe_or_the_simulator_cannot_take_are_refused_by_name(
    serve: Serve, given: Any, param: str, code: str | None
) -> None:
    """One way to say the price, known names only."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await _customer(client)
        wanted: Any = {"customer": customer, **given}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.invoice_items.create_async(wanted)
        assert (refused.value.param, refused.value.code) == (param, code)
