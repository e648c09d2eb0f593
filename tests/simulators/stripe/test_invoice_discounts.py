"""Discounts of drafts, of one-off invoices, of changed items, and in previews of what exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, product, running

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)


async def coupons(client: stripe.StripeClient, **percents: float) -> None:
    """For ever, by id."""
    for name, percent in percents.items():
        await client.v1.coupons.create_async(
            {"id": name, "percent_off": percent, "duration": "forever"}
        )


async def seat(client: stripe.StripeClient, customer: str, **more: Any) -> stripe.Subscription:
    """One seat of 100.00 a month."""
    price: Any = {
        "currency": "usd",
        "product": await product(client, "seat", "Seat"),
        "unit_amount": 10000,
        "recurring": {"interval": "month"},
    }
    given: Any = {"customer": customer, "items": [{"price_data": price}], **more}
    return await client.v1.subscriptions.create_async(given)


async def test_a_draft_takes_other_discounts_and_gives_the_old_ones_back(serve: Serve) -> None:
    """100.00: half, then a tenth of it in place, then none; a coupon of one use is free again."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await coupons(client, tenth=10)
        await client.v1.coupons.create_async({"id": "half", "percent_off": 50})
        customer = (await client.v1.customers.create_async({"name": "Nordwerk"})).id
        terms: Any = {"collection_method": "send_invoice", "days_until_due": 30}
        subscription = await seat(client, customer, **terms, discounts=[{"coupon": "half"}])
        draft = str(subscription.latest_invoice)
        update = client.v1.invoices.update_async
        changed = await update(draft, {"discounts": [{"coupon": "tenth"}]})
        assert (changed.subtotal, changed.total, changed.amount_due) == (10000, 9000, 9000)
        with pytest.raises(stripe.InvalidRequestError):
            await update(draft, {"discounts": [{"coupon": "tenth"}, {"coupon": "none"}]})
        assert (await client.v1.coupons.retrieve_async("tenth")).times_redeemed == 1
        kept = str(changed.discounts[0])
        both = await update(draft, {"discounts": [{"discount": kept}, {"coupon": "half"}]})
        # 100.00 less 10 % is 90.00; half of it.
        assert both.total == 4500
        plain = await update(draft, {"discounts": ""})
        assert (plain.discounts, plain.total) == ([], 10000)
        sim.clock.freeze(at(2026, 2, 1))
        second = (await client.v1.invoices.list_async({"customer": customer})).data[0]
        assert second.total == 5000, "the subscription's coupon was not used by the first draft"


async def test_a_one_off_invoice_has_discounts_of_its_own(serve: Serve) -> None:
    """80.00 of pending items less 25 %."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await coupons(client, quarter=25)
        customer = await card_customer(client)
        await client.v1.invoice_items.create_async(
            {"customer": customer, "amount": 8000, "currency": "usd"}
        )
        invoice = await client.v1.invoices.create_async(
            {
                "customer": customer,
                "pending_invoice_items_behavior": "include",
                "discounts": [{"coupon": "quarter"}],
                "expand": ["discounts"],
            }
        )
        discount = invoice.discounts[0]
        assert isinstance(discount, stripe.Discount)
        assert (discount.invoice, invoice.total) == (invoice.id, 6000)
        await client.v1.invoice_items.create_async(
            {"customer": customer, "amount": 2000, "currency": "usd", "invoice": invoice.id}
        )
        assert (await client.v1.invoices.retrieve_async(invoice.id)).total == 7500


async def test_the_discounts_of_an_item_are_replaced_by_an_update(serve: Serve) -> None:
    """They hold from the next invoice on, without proration; beside a change they are refused."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await coupons(client, half=50, tenth=10)
        customer = await card_customer(client)
        subscription = await seat(client, customer)
        item = subscription["items"].data[0].id
        for wrong in (
            {"id": item, "discounts": [{"coupon": "half"}], "quantity": 2},
            {"id": item, "discounts": [{"coupon": "half"}, {"coupon": "half"}]},
        ):
            given: Any = {"items": [wrong]}
            with pytest.raises(stripe.InvalidRequestError):
                await client.v1.subscriptions.update_async(subscription.id, given)
        assert (await client.v1.coupons.retrieve_async("half")).times_redeemed == 0
        await client.v1.subscriptions.update_async(
            subscription.id, {"items": [{"id": item, "discounts": [{"coupon": "half"}]}]}
        )
        preview = await client.v1.invoices.create_preview_async({"subscription": subscription.id})
        assert (preview.subtotal, preview.total) == (5000, 5000)
        changed = await client.v1.subscription_items.update_async(
            item, {"discounts": [{"coupon": "tenth"}]}
        )
        assert len(changed.discounts) == 1
        sim.clock.freeze(at(2026, 2, 1, 2))
        listed = await client.v1.invoices.list_async({"customer": customer})
        assert [one.total for one in listed.data] == [9000, 10000]


async def test_a_preview_inherits_replaces_or_drops_discounts(serve: Serve) -> None:
    """Docstring of `InvoiceCreatePreviewParams.discounts`."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await coupons(client, half=50, tenth=10)
        customer = await card_customer(client)
        subscription = await seat(client, customer, discounts=[{"coupon": "half"}])
        cases: list[tuple[Any, int]] = [
            ({}, 5000),
            ({"discounts": [{"coupon": "tenth"}]}, 9000),
            ({"discounts": [{"discount": str(subscription.discounts[0])}]}, 5000),
            ({"discounts": ""}, 10000),
        ]
        for more, total in cases:
            given: Any = {"subscription": subscription.id, **more}
            preview = await client.v1.invoices.create_preview_async(given)
            assert preview.total == total
        assert (await client.v1.coupons.retrieve_async("tenth")).times_redeemed == 0
