"""Metered prices in subscriptions: billed in arrears from the meter, to the end and by previews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, product, running, unix
from tests.simulators.stripe.usage_support import invoices, lines, metered, use

Serve = Callable[[Any], str]
NOW = at(2026, 3, 1)


async def test_usage_alone_makes_no_first_invoice_and_is_billed_at_the_periods_end(
    serve: Serve,
) -> None:
    """docs.stripe.com/billing/subscriptions/billing-mode/compare: no zero line when the item is
    added, no empty invoice. 150 minutes at 10 USD an hour are 30 USD:
    docs.stripe.com/billing/subscriptions/usage-based/transform-quantities."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(
            client, unit_amount=1000, transform_quantity={"divide_by": 60, "round": "up"}
        )
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        assert (subscription.status, subscription.latest_invoice) == ("active", None)
        assert subscription["items"].data[0].quantity is None
        await use(sim, client, customer, "100", unix(NOW))
        await use(sim, client, customer, "50", unix(NOW) + 60)
        sim.clock.freeze(at(2026, 4, 1, 2))
        (invoice,) = await invoices(client, customer)
        assert (invoice.total, invoice.status) == (3000, "paid")
        assert lines(invoice) == [(150, 3000)]
        period = invoice.lines.data[0].period
        assert (period.start, period.end) == (unix(NOW), unix(at(2026, 4, 1)))


async def test_a_flat_fee_is_billed_in_advance_and_its_overage_in_arrears(serve: Serve) -> None:
    """Hypernian, docs.stripe.com/billing/subscriptions/usage-based/use-cases/flat-fee-and-overages:
    100 USD a user; 0 to 1,000 tokens free, 0.04 USD each above. 1,500 tokens: 20 USD."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        overage = await metered(
            client,
            billing_scheme="tiered",
            tiers_mode="graduated",
            tiers=[{"up_to": 1000, "unit_amount": 0}, {"up_to": "inf", "unit_amount": 4}],
        )
        seat = await product(client, "seat", "Seat")
        licence = await client.v1.prices.create_async(
            {
                "product": seat,
                "currency": "usd",
                "unit_amount": 10000,
                "recurring": {"interval": "month"},
            }
        )
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": licence.id}, {"price": overage}]}
        )
        await use(sim, client, customer, "1500", unix(at(2026, 3, 20)))
        sim.clock.freeze(at(2026, 4, 1, 2))
        first, second = await invoices(client, customer)
        assert lines(first) == [(1, 10000)]
        assert sorted(lines(second)) == [(1, 10000), (500, 2000), (1000, 0)]
        assert second.total == 12000


async def test_backdated_usage_is_on_the_first_invoice_by_period(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/billing-mode/compare#backdate-subscriptions: 10 USD per
    10 GB, March 100 GB and April 150 GB: 100 and 150 USD in two lines."""
    async with running(serve, now=at(2026, 4, 2)) as sim, sim.client() as client:
        price = await metered(
            client, "storage", unit_amount=1000, transform_quantity={"divide_by": 10, "round": "up"}
        )
        customer = await card_customer(client)
        await use(sim, client, customer, "100", unix(at(2026, 3, 10)), "storage")
        sim.clock.freeze(at(2026, 5, 1))
        await use(sim, client, customer, "150", unix(at(2026, 4, 10)), "storage")
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price": price}],
                "backdate_start_date": unix(NOW),
                "expand": ["latest_invoice"],
            }
        )
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert lines(invoice) == [(100, 10000), (150, 15000)]
        assert [line.period.start for line in invoice.lines.data] == [
            unix(NOW),
            unix(at(2026, 4, 1)),
        ]


async def test_usage_reported_while_the_draft_waits_is_counted_and_later_usage_is_not(
    serve: Serve,
) -> None:
    """docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period: one hour."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        await use(sim, client, customer, "10", unix(at(2026, 3, 5)))
        sim.clock.freeze(at(2026, 4, 1))
        (draft,) = await invoices(client, customer)
        assert (draft.status, lines(draft)) == ("draft", [(10, 40)])
        await use(sim, client, customer, "5", unix(at(2026, 3, 31)))
        # Of the next period already.
        await use(sim, client, customer, "100", unix(at(2026, 4, 1)))
        sim.clock.freeze(at(2026, 4, 1, 1))
        issued = await client.v1.invoices.retrieve_async(draft.id)
        assert (lines(issued), issued.lines.data[0].id) == ([(15, 60)], draft.lines.data[0].id)
        await use(sim, client, customer, "7", unix(at(2026, 3, 31)))
        sim.clock.freeze(at(2026, 5, 1, 2))
        assert lines((await invoices(client, customer))[-1]) == [(100, 400)]


async def test_a_cancellation_at_the_periods_end_bills_the_last_usage(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup: the final invoice."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
        await use(sim, client, customer, "250", unix(at(2026, 3, 5)))
        preview = await client.v1.invoices.create_preview_async({"subscription": subscription.id})
        assert lines(preview) == [(250, 1000)]
        sim.clock.freeze(at(2026, 4, 1, 2))
        ended = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert ended.status == "canceled"
        (final,) = await invoices(client, customer)
        assert (lines(final), final.total) == ([(250, 1000)], 1000)


@pytest.mark.parametrize(("invoice_now", "expected"), [(True, [[(30, 120)]]), (False, [])])
async def test_an_immediate_cancellation_bills_usage_only_when_asked(
    serve: Serve, invoice_now: bool, expected: Any
) -> None:
    """Docstring of `invoice_now`: "any un-invoiced metered usage"; false by default."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        await use(sim, client, customer, "30", unix(NOW))
        sim.clock.freeze(at(2026, 3, 16))
        await client.v1.subscriptions.cancel_async(subscription.id, {"invoice_now": invoice_now})
        assert [lines(one) for one in await invoices(client, customer)] == expected
        sim.clock.freeze(at(2026, 5, 1))
        assert len(await invoices(client, customer)) == len(expected)


async def test_a_preview_shows_the_usage_so_far(serve: Serve) -> None:
    """Of the period that runs; a preview of something new has none."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        for value, total in (("10", 40), ("15.5", 102)):
            await use(sim, client, customer, value, unix(NOW))
            preview = await client.v1.invoices.create_preview_async(
                {"subscription": subscription.id}
            )
            assert preview.total == total
        line = preview.lines.data[0]
        assert (line.quantity, str(line.quantity_decimal)) == (25, "25.5")


async def test_usage_below_zero_is_billed_as_none(serve: Serve) -> None:
    """recording-usage-api: the quantity of the line is 0."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=4)
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}]}
        )
        await use(sim, client, customer, "-5", unix(NOW))
        sim.clock.freeze(at(2026, 4, 1, 2))
        (invoice,) = await invoices(client, customer)
        assert (lines(invoice), invoice.status) == ([(0, 0)], "paid")


async def test_discounts_and_limits_of_metered_items(serve: Serve) -> None:
    """A coupon takes its part of usage; a quantity is refused."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price = await metered(client, unit_amount=100)
        customer = await card_customer(client)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.subscriptions.create_async(
                {"customer": customer, "items": [{"price": price, "quantity": 2}]}
            )
        assert refusal.value.param == "items[0][quantity]"
        await client.v1.coupons.create_async(
            {"id": "half", "percent_off": 50, "duration": "repeating", "duration_in_months": 1}
        )
        await client.v1.subscriptions.create_async(
            {"customer": customer, "items": [{"price": price}], "discounts": [{"coupon": "half"}]}
        )
        await use(sim, client, customer, "10", unix(NOW))
        sim.clock.freeze(at(2026, 4, 1, 2))
        await use(sim, client, customer, "10", unix(at(2026, 4, 1, 1)))
        sim.clock.freeze(at(2026, 5, 1, 2))
        assert [one.total for one in await invoices(client, customer)] == [500, 1000]


async def test_a_schedule_bills_usage_to_its_end(serve: Serve) -> None:
    """Two months: the first is billed by the cycle, the second by the final invoice."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        price, other = (
            await metered(client, unit_amount=4),
            await metered(client, "b", unit_amount=1),
        )
        customer = await card_customer(client)
        phase: Any = {"items": [{"price": price}], "duration": {"interval": "month"}}
        given: Any = {
            "customer": customer,
            "start_date": "now",
            "end_behavior": "cancel",
            "phases": [phase, {**phase, "items": [{"price": other}]}],
        }
        with pytest.raises(stripe.InvalidRequestError, match="other metered prices"):
            await client.v1.subscription_schedules.create_async(given)
        schedule = await client.v1.subscription_schedules.create_async(
            {**given, "phases": [phase, phase]}
        )
        assert schedule.phases[0]["items"][0].quantity is None
        await use(sim, client, customer, "10", unix(at(2026, 3, 10)))
        await use(sim, client, customer, "20", unix(at(2026, 4, 10)))
        sim.clock.freeze(at(2026, 5, 1, 2))
        assert [lines(one) for one in await invoices(client, customer)] == [[(10, 40)], [(20, 80)]]
        ended = await client.v1.subscription_schedules.retrieve_async(schedule.id)
        assert ended.status == "completed"


async def test_a_package_of_usage_that_grows_by_tier_is_no_price(serve: Serve) -> None:
    """transform-quantities: "Quantity transformation isn't compatible with tiered pricing"."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await metered(
                client,
                billing_scheme="tiered",
                tiers_mode="volume",
                tiers=[{"up_to": "inf", "unit_amount": 4}],
                transform_quantity={"divide_by": 10, "round": "up"},
            )
        assert refusal.value.param == "transform_quantity"
