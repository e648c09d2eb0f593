"""The simulator bills the demonstration's deals to the cent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    at,
    card_customer,
    d1_items,
    d2_subscription,
    d4_phases,
    running,
    unix,
)

Serve = Callable[[Any], str]


async def test_d1_seats_and_onboarding_are_charged_at_once_with_tax_on_seats_only(
    serve: Serve,
) -> None:
    """D1: 50 × 270.00 + 1,500.00, 6.6 % on the seats: 15,891.00, paid by card."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        deal = await d1_items(client)
        subscription = await client.v1.subscriptions.create_async(
            {
                **deal,
                "customer": customer,
                "off_session": True,
                "payment_behavior": "error_if_incomplete",
                "metadata": {"contract": "D1"},
                "expand": ["latest_invoice.payments"],
            }
        )
        assert subscription.status == "active"
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert (invoice.subtotal, invoice.total) == (1_500_000, 1_589_100)
        assert [line.amount for line in invoice.lines.data] == [1_350_000, 150_000]
        assert [tax.amount for tax in invoice.total_taxes or []] == [89_100, 0]
        assert (invoice.status, invoice.number) == ("paid", "US-000001")
        assert (invoice.amount_paid, invoice.amount_remaining) == (1_589_100, 0)
        parent = invoice.parent
        assert parent is not None
        assert parent.subscription_details is not None
        assert parent.subscription_details.subscription == subscription.id
        payments = invoice.payments
        assert payments is not None
        assert payments.data[0].status == "paid"
        seats = invoice.lines.data[0]
        assert (seats.period.start, seats.period.end) == (
            unix(at(2026, 1, 1)),
            unix(at(2027, 1, 1)),
        )


async def test_d2_is_a_draft_for_an_hour_and_can_be_held_and_finalised_by_hand(
    serve: Serve,
) -> None:
    """D2: 40 × 444.00 + 19 %: 21,134.40, due after 30 days; held with auto_advance=false."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        subscription = await d2_subscription(client)
        assert subscription.status == "active"
        draft = await client.v1.invoices.retrieve_async(str(subscription.latest_invoice))
        assert (draft.status, draft.number, draft.total) == ("draft", None, 2_113_440)
        assert draft.automatically_finalizes_at == unix(at(2026, 3, 15, 1))
        held = await client.v1.invoices.update_async(draft.id, {"auto_advance": False})
        assert held.automatically_finalizes_at is None
        sim.clock.advance(timedelta(days=2))
        assert (await client.v1.invoices.retrieve_async(draft.id)).status == "draft"
        sim.clock.freeze(at(2026, 3, 15))
        issued = await client.v1.invoices.finalize_invoice_async(draft.id)
        assert (issued.status, issued.number) == ("open", "DE-2026-00001")
        assert issued.due_date == unix(at(2026, 4, 14))
        with pytest.raises(stripe.InvalidRequestError, match="already finalized"):
            await client.v1.invoices.finalize_invoice_async(draft.id)


async def test_d4_bills_each_year_of_the_ramp_when_it_comes(serve: Serve) -> None:
    """D4: 100/150/200 × 432.00 + 8.875 %: 47,034.00, 70,551.00, 94,068.00, then it ends."""
    async with running(serve, now=at(2026, 1, 20)) as sim, sim.client() as client:
        customer = await client.v1.customers.create_async({"name": "Cobalt Retail Group Inc."})
        schedule = await client.v1.subscription_schedules.create_async(
            {
                "customer": customer.id,
                "start_date": unix(at(2026, 2, 1)),
                "end_behavior": "cancel",
                "phases": await d4_phases(client),
                "metadata": {"contract": "D4"},
            }
        )
        assert (schedule.status, schedule.subscription) == ("not_started", None)
        none = await client.v1.invoices.list_async({"customer": customer.id})
        assert none.data == []
        expected = [
            (at(2026, 2, 1), 4_703_400),
            (at(2027, 2, 1), 7_055_100),
            (at(2028, 2, 1), 9_406_800),
        ]
        for count, (day, total) in enumerate(expected, start=1):
            sim.clock.freeze(day + timedelta(hours=2))
            listed = await client.v1.invoices.list_async({"customer": customer.id})
            assert len(listed.data) == count
            newest = listed.data[0]
            assert (newest.total, newest.status) == (total, "open")
            assert newest.created == unix(day)
        sim.clock.freeze(at(2029, 2, 2))
        ended = await client.v1.subscription_schedules.retrieve_async(
            schedule.id, {"expand": ["subscription"]}
        )
        assert ended.status == "completed"
        subscription = ended.subscription
        assert isinstance(subscription, stripe.Subscription)
        assert (subscription.status, subscription.ended_at) == ("canceled", unix(at(2029, 2, 1)))
        assert len((await client.v1.invoices.list_async({"customer": customer.id})).data) == 3
