"""Discounts of subscriptions, items, phases and invoice items, through their time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    at,
    card_customer,
    once,
    product,
    running,
    tax_rate,
    unix,
)

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)


def every(interval: str, product_id: str, amount: int) -> Any:
    """Inline price data."""
    return {
        "currency": "usd",
        "product": product_id,
        "unit_amount": amount,
        "recurring": {"interval": interval},
    }


async def totals(client: stripe.StripeClient, customer: str) -> list[int]:
    """Of the customer's invoices, oldest first."""
    listed = await client.v1.invoices.list_async({"customer": customer, "limit": 100})
    return [one.total for one in reversed(listed.data)]


async def months(sim: Any, count: int) -> None:
    """Let this many months of 2026 begin, and two hours pass."""
    for month in range(2, 2 + count):
        sim.clock.freeze(at(2026, month, 1, 2))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"duration": "once"}, [5000, 10000, 10000, 10000, 10000, 10000]),
        ({"duration": "forever"}, [5000] * 6),
        (
            {"duration": "repeating", "duration_in_months": 4},
            [5000, 5000, 5000, 5000, 10000, 10000],
        ),
    ],
)
async def test_a_coupon_holds_for_the_first_invoice_for_months_or_for_ever(
    serve: Serve, terms: Any, expected: list[int]
) -> None:
    """50 % for 4 months is the first 4 months of a monthly subscription:
    docs.stripe.com/billing/subscriptions/coupons#coupon-duration."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async({"id": "half", "percent_off": 50, **terms})
        seat = await product(client, "seat", "Seat")
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price_data": every("month", seat, 10000)}],
                "discounts": [{"coupon": "half"}],
                "expand": ["discounts"],
            }
        )
        await months(sim, 5)
        assert await totals(client, customer) == expected
        later = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert len(later.discounts) == (1 if terms["duration"] == "forever" else 0)


async def test_a_yearly_invoice_is_discounted_whole(serve: Serve) -> None:
    """Same page: the 50 % discount of a 4 month coupon applies to the entire year."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async(
            {"id": "half", "percent_off": 50, "duration": "repeating", "duration_in_months": 4}
        )
        seat = await product(client, "seat", "Seat")
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price_data": every("year", seat, 10000)}],
                "discounts": [{"coupon": "half"}],
                "expand": ["discounts"],
            }
        )
        discount = subscription.discounts[0]
        assert isinstance(discount, stripe.Discount)
        assert (discount.start, discount.end) == (unix(NOW), unix(at(2026, 5, 1)))
        assert discount.subscription == subscription.id
        assert await totals(client, customer) == [5000]
        sim.clock.freeze(at(2026, 5, 1))
        ended = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert ended.discounts == []


async def test_a_backdated_start_consumes_the_duration(serve: Serve) -> None:
    """Made on 1 March from 1 January on with 2 months off: January and February, not March:
    docs.stripe.com/billing/subscriptions/backdating#backdating-discounts."""
    async with running(serve, now=at(2026, 3, 1)) as sim, sim.client() as client:
        await client.v1.coupons.create_async(
            {"id": "half", "percent_off": 50, "duration": "repeating", "duration_in_months": 2}
        )
        seat = await product(client, "seat", "Seat")
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": await card_customer(client),
                "items": [{"price_data": every("month", seat, 10000)}],
                "backdate_start_date": unix(NOW),
                "billing_cycle_anchor": unix(at(2026, 4, 1)),
                "discounts": [{"coupon": "half"}],
                "expand": ["latest_invoice"],
            }
        )
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        taken = [
            sum(one.amount for one in line.discount_amounts or []) for line in invoice.lines.data
        ]
        assert taken == [5000, 5000, 0]
        sim.clock.advance(timedelta(seconds=1))
        same = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert same.discounts == []


async def test_items_are_discounted_before_the_subscription_and_taxed_after(serve: Serve) -> None:
    """100.00 - 20 % = 80.00; - 5.00 = 75.00; 10 % tax is 7.50; set-up 30.00 stays out."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async({"id": "fifth", "percent_off": 20})
        await client.v1.coupons.create_async({"id": "five", "amount_off": 500, "currency": "usd"})
        seat, setup = await product(client, "seat", "Seat"), await product(client, "s", "Set-up")
        rate = await tax_rate(client, 10, "TAX")
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": await card_customer(client),
                "items": [
                    {
                        "price_data": every("year", seat, 10000),
                        "tax_rates": [rate],
                        "discounts": [{"coupon": "fifth"}],
                    }
                ],
                "add_invoice_items": [
                    {"price_data": once(setup, "usd", 3000), "discountable": False}
                ],
                "discounts": [{"coupon": "five"}],
                "expand": ["latest_invoice.total_discount_amounts.discount"],
            }
        )
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert (invoice.subtotal, invoice.total) == (8000 + 3000, 7500 + 750 + 3000)
        taken = {}
        for entry in invoice.total_discount_amounts or []:
            assert isinstance(entry.discount, stripe.Discount)
            taken[entry.discount.source.coupon] = entry.amount
        assert taken == {"fifth": 2000, "five": 500}
        item = subscription["items"].data[0]
        assert len(item.discounts) == 0, "used up by the invoice that was finalised at once"


async def test_a_draft_keeps_a_coupon_until_it_is_finalised(serve: Serve) -> None:
    """`once` is used when the invoice finalises; until then the subscription shows it."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async({"id": "half", "percent_off": 50})
        seat = await product(client, "seat", "Seat")
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": customer.id,
                "items": [{"price_data": every("month", seat, 10000)}],
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "discounts": [{"coupon": "half"}],
            }
        )
        assert len(subscription.discounts) == 1
        await client.v1.invoices.finalize_invoice_async(str(subscription.latest_invoice))
        after = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert after.discounts == []
        issued = await client.v1.invoices.retrieve_async(str(subscription.latest_invoice))
        assert len(issued.discounts) == 1
        assert issued.total == 5000


async def test_an_update_replaces_clears_and_keeps_discounts(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/coupons#update-a-subscription."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        for name, percent in (("half", 50), ("tenth", 10)):
            await client.v1.coupons.create_async(
                {"id": name, "percent_off": percent, "duration": "forever"}
            )
        seat = await product(client, "seat", "Seat")
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price_data": every("month", seat, 10000)}],
                "discounts": [{"coupon": "half"}],
            }
        )
        held = str(subscription.discounts[0])
        update = client.v1.subscriptions.update_async
        for wrong in (
            [{"coupon": "tenth"}, {"coupon": "tenth"}],
            [{"discount": held}, {"coupon": "half"}],
            [{"discount": held, "coupon": "tenth"}],
            [{"discount": "di_nobody"}],
        ):
            given: Any = {"discounts": wrong}
            with pytest.raises(stripe.InvalidRequestError):
                await update(subscription.id, given)
        both = await update(
            subscription.id, {"discounts": [{"discount": held}, {"coupon": "tenth"}]}
        )
        assert both.discounts[0] == held
        sim.clock.freeze(at(2026, 2, 1, 2))
        assert await totals(client, customer) == [5000, 4500]
        await update(subscription.id, {"discounts": ""})
        sim.clock.freeze(at(2026, 3, 1, 2))
        assert (await totals(client, customer))[-1] == 10000


async def test_a_discount_is_deleted_from_a_subscription_and_no_customer_has_one(
    serve: Serve,
) -> None:
    """DELETE of the one discount; the next invoice is whole."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async(
            {"id": "half", "percent_off": 50, "duration": "forever"}
        )
        seat = await product(client, "seat", "Seat")
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price_data": every("month", seat, 10000)}],
                "discounts": [{"coupon": "half"}],
            }
        )
        # A coupon that is gone leaves its discounts alone.
        await client.v1.coupons.delete_async("half")
        sim.clock.freeze(at(2026, 2, 1, 2))
        assert await totals(client, customer) == [5000, 5000]
        gone = await client.v1.subscriptions.delete_discount_async(subscription.id)
        assert gone.deleted
        sim.clock.freeze(at(2026, 3, 1, 2))
        assert await totals(client, customer) == [5000, 5000, 10000]
        for delete in (
            client.v1.subscriptions.delete_discount_async(subscription.id),
            client.v1.customers.delete_discount_async(customer),
        ):
            with pytest.raises(stripe.InvalidRequestError) as refusal:
                await delete
            assert refusal.value.http_status == 404


async def test_phases_have_discounts_of_their_own(serve: Serve) -> None:
    """A year at half price, then a year at full price; a coupon in both phases goes on."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async(
            {"id": "half", "percent_off": 50, "duration": "forever"}
        )
        await client.v1.coupons.create_async(
            {"id": "ten", "amount_off": 1000, "currency": "usd", "duration": "forever"}
        )
        seat = await product(client, "seat", "Seat")
        customer = await client.v1.customers.create_async({"name": "Cobalt"})

        def phase(*discounts: Any) -> Any:
            item = {"price_data": every("year", seat, 10000), "discounts": [{"coupon": "ten"}]}
            return {
                "items": [item],
                "duration": {"interval": "year"},
                "proration_behavior": "none",
                "discounts": list(discounts),
            }

        schedule = await client.v1.subscription_schedules.create_async(
            {
                "customer": customer.id,
                "start_date": "now",
                "end_behavior": "cancel",
                "default_settings": {
                    "collection_method": "send_invoice",
                    "invoice_settings": {"days_until_due": 30},
                },
                "phases": [phase({"coupon": "half"}), phase()],
            }
        )
        assert schedule.phases[0].discounts[0].coupon == "half"
        sim.clock.freeze(at(2027, 1, 1, 2))
        # (100 - 10) / 2, then 100 - 10.
        assert await totals(client, customer.id) == [4500, 9000]
        assert (await client.v1.coupons.retrieve_async("ten")).times_redeemed == 1


async def test_an_invoice_item_has_its_own_discount_or_none_at_all(serve: Serve) -> None:
    """40.00 - 25 % = 30.00, with the seat of 100.00 half off: 65.00; and 20.00 untouched."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async({"id": "quarter", "percent_off": 25})
        await client.v1.coupons.create_async({"id": "half", "percent_off": 50})
        seat = await product(client, "seat", "Seat")
        customer = await card_customer(client)
        item = await client.v1.invoice_items.create_async(
            {
                "customer": customer,
                "amount": 4000,
                "currency": "usd",
                "discounts": [{"coupon": "quarter"}],
            }
        )
        assert len(item.discounts or []) == 1
        fixed = await client.v1.invoice_items.create_async(
            {"customer": customer, "amount": 2000, "currency": "usd", "discountable": False}
        )
        assert fixed.net_amount == 2000
        await client.v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price_data": every("month", seat, 10000)}],
                "discounts": [{"coupon": "half"}],
            }
        )
        assert await totals(client, customer) == [8500]
