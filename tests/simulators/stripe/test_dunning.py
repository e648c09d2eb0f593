"""Failed payments: retries on a schedule, what they count, what follows the last one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from dealthread.simulators.stripe.config import AccountConfig
from tests.simulators.stripe.settlement import payer
from tests.simulators.stripe.support import (
    US_KEY,
    at,
    card_customer,
    clock_customer,
    d1_items,
    d2_items,
    running,
    to_ready,
    unix,
)

Serve = Callable[[Any], str]
DAY = timedelta(days=1)


def account(**settings: Any) -> dict[str, Any]:
    """One account with settings of its own."""
    return {"accounts": (AccountConfig(id="acct_us", secret_key=US_KEY, **settings),)}


async def renewal_that_fails(client: stripe.StripeClient, sim: Any) -> tuple[str, str, str]:
    """Customer, subscription and invoice of a renewal whose card fails."""
    customer = await card_customer(client)
    made = await client.v1.subscriptions.create_async(
        {**await d1_items(client), "customer": customer}
    )
    bad = await client.v1.payment_methods.attach_async(
        "pm_card_chargeCustomerFail", {"customer": customer}
    )
    await client.v1.customers.update_async(
        customer, {"invoice_settings": {"default_payment_method": bad.id}}
    )
    sim.clock.freeze(at(2027, 1, 1, 1))
    now = await client.v1.subscriptions.retrieve_async(made.id)
    return customer, made.id, str(now.latest_invoice)


async def test_a_failed_renewal_is_retried_on_the_accounts_schedule(serve: Serve) -> None:
    """attempt_count counts automatic attempts; a manual one in between does not count."""
    async with (
        running(serve, now=at(2026, 1, 1), **account(retry_days=(3, 5))) as sim,
        sim.client() as client,
    ):
        customer, subscription, invoice = await renewal_that_fails(client, sim)
        first = await client.v1.invoices.retrieve_async(invoice)
        assert (first.attempt_count, first.next_payment_attempt) == (1, unix(at(2027, 1, 4, 1)))
        assert (await client.v1.subscriptions.retrieve_async(subscription)).status == "past_due"
        with pytest.raises(stripe.CardError):
            await client.v1.invoices.pay_async(invoice)
        manual = await client.v1.invoices.retrieve_async(invoice)
        assert (manual.attempt_count, manual.next_payment_attempt) == (1, unix(at(2027, 1, 4, 1)))
        sim.clock.advance(3 * DAY)
        second = await client.v1.invoices.retrieve_async(invoice)
        assert (second.attempt_count, second.next_payment_attempt) == (2, unix(at(2027, 1, 9, 1)))
        good = await client.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
        await client.v1.customers.update_async(
            customer, {"invoice_settings": {"default_payment_method": good.id}}
        )
        sim.clock.advance(5 * DAY)
        third = await client.v1.invoices.retrieve_async(invoice)
        assert (third.status, third.attempt_count) == ("paid", 3)
        assert (await client.v1.subscriptions.retrieve_async(subscription)).status == "active"
        failed = await client.v1.events.list_async({"type": "invoice.payment_failed", "limit": 100})
        # The first attempt, the manual one, the first retry.
        assert len(failed.data) == 3


@pytest.mark.parametrize("end", ["canceled", "past_due", "unpaid"])
async def test_after_the_last_retry_the_account_decides(serve: Serve, end: Any) -> None:
    """docs.stripe.com/billing/revenue-recovery/smart-retries: cancel, mark unpaid or leave."""
    settings = account(
        retry_days=(1,), subscription_after_retries=end, invoice_after_retries="uncollectible"
    )
    async with running(serve, now=at(2026, 1, 1), **settings) as sim, sim.client() as client:
        _, subscription, invoice = await renewal_that_fails(client, sim)
        sim.clock.advance(DAY)
        assert (await client.v1.subscriptions.retrieve_async(subscription)).status == end
        lost = await client.v1.invoices.retrieve_async(invoice)
        assert (lost.status, lost.attempt_count) == ("uncollectible", 2)
        assert lost.next_payment_attempt is None


async def test_a_lost_card_is_not_charged_again_by_itself(serve: Serve) -> None:
    """docs: not-retryable codes count as attempts, but make no charge until the card changes."""
    async with (
        running(serve, now=at(2026, 1, 1), **account(retry_days=(1, 1))) as sim,
        sim.client() as client,
    ):
        customer = await card_customer(client)
        method = (await client.v1.customers.retrieve_async(customer)).invoice_settings
        # No test card is lost only after it was attached, so this one is told to be.
        card = str(method.default_payment_method)
        state = sim.world.accounts["acct_us"]
        state.secret(card)["on_charge"] = "lost_card"
        await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "usd", "amount": 700}
        )
        draft = await client.v1.invoices.create_async(
            {
                "customer": customer,
                "auto_advance": True,
                "pending_invoice_items_behavior": "include",
            }
        )
        sim.clock.advance(timedelta(hours=1))
        assert len((await client.v1.charges.list_async()).data) == 1
        sim.clock.advance(DAY)
        retried = await client.v1.invoices.retrieve_async(draft.id)
        assert (retried.attempt_count, retried.status) == (2, "open")
        assert len((await client.v1.charges.list_async()).data) == 1
        state.secret(card)["on_charge"] = None
        good = await client.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
        await client.v1.customers.update_async(
            customer, {"invoice_settings": {"default_payment_method": good.id}}
        )
        sim.clock.advance(DAY)
        assert (await client.v1.invoices.retrieve_async(draft.id)).status == "paid"


async def test_an_unpaid_subscription_only_drafts(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/overview: its invoices stay drafts until it is paid."""
    settings = account(retry_days=(1,), subscription_after_retries="unpaid")
    async with running(serve, now=at(2026, 1, 1), **settings) as sim, sim.client() as client:
        _, subscription, _ = await renewal_that_fails(client, sim)
        sim.clock.advance(DAY)
        sim.clock.freeze(at(2028, 1, 10))
        now = await client.v1.subscriptions.retrieve_async(
            subscription, {"expand": ["latest_invoice"]}
        )
        assert now.status == "unpaid"
        assert isinstance(now.latest_invoice, stripe.Invoice)
        assert (now.latest_invoice.status, now.latest_invoice.auto_advance) == ("draft", False)


async def test_without_automatic_advance_nothing_is_retried(serve: Serve) -> None:
    """docs.stripe.com/invoicing/integration/automatic-advancement-collection."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        _, _, invoice = await renewal_that_fails(client, sim)
        held = await client.v1.invoices.update_async(invoice, {"auto_advance": False})
        assert held.next_payment_attempt is None
        sim.clock.advance(30 * DAY)
        assert (await client.v1.invoices.retrieve_async(invoice)).attempt_count == 1


async def test_a_transfer_that_is_late_makes_the_subscription_past_due(serve: Serve) -> None:
    """Docstring of `Subscription.status` (stripe 16.1), for send_invoice."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        deal = await d2_items(client)
        made = await client.v1.subscriptions.create_async(
            {
                **deal,
                "customer": await payer(client),
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        invoice = await client.v1.invoices.finalize_invoice_async(str(made.latest_invoice))
        sim.clock.advance(30 * DAY)
        assert (await client.v1.subscriptions.retrieve_async(made.id)).status == "past_due"
        await client.v1.invoices.pay_async(invoice.id, {"paid_out_of_band": True})
        assert (await client.v1.subscriptions.retrieve_async(made.id)).status == "active"


async def test_retries_and_payments_live_by_the_customers_test_clock(serve: Serve) -> None:
    """Due in the clock's time and dated by it, while the time of the world stands still."""
    start = unix(at(2025, 1, 1))
    async with (
        running(serve, now=at(2026, 1, 1), **account(retry_days=(1,))) as sim,
        sim.client() as client,
    ):
        clock = await client.v1.test_helpers.test_clocks.create_async({"frozen_time": start})
        customer = await clock_customer(client, clock.id, "pm_card_chargeCustomerFail")
        await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "usd", "amount": 700}
        )
        draft = await client.v1.invoices.create_async(
            {
                "customer": customer,
                "auto_advance": True,
                "pending_invoice_items_behavior": "include",
            }
        )
        hour, day = 3600, 86_400
        await to_ready(client, clock.id, start + hour)
        failed = await client.v1.invoices.retrieve_async(draft.id)
        assert (failed.attempt_count, failed.next_payment_attempt) == (1, start + hour + day)
        good = await client.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
        await client.v1.customers.update_async(
            customer, {"invoice_settings": {"default_payment_method": good.id}}
        )
        await to_ready(client, clock.id, start + 2 * day)
        done = await client.v1.invoices.retrieve_async(draft.id, {"expand": ["payments"]})
        assert done.payments is not None
        payment = done.payments.data[0]
        assert payment.status_transitions.paid_at == start + hour + day
        charges = await client.v1.charges.list_async({"customer": customer})
        assert [row.created for row in charges.data] == [start + hour + day, start + hour]
        told = await client.v1.events.list_async({"types": ["charge.*", "invoice_payment.paid"]})
        assert [(row.type, row.created - start) for row in reversed(told.data)] == [
            ("charge.failed", hour),
            ("charge.succeeded", hour + day),
            ("invoice_payment.paid", hour + day),
        ]
