"""The Stripe simulator bills the demonstration's deals to the cent, numbered without gaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe_support import (
    DE_KEY,
    US_KEY,
    at,
    card_customer,
    d1_items,
    d2_items,
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
        customer = await client.v1.customers.create_async({"name": "Nordwerk Maschinenbau GmbH"})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
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


async def test_a_draft_left_alone_finalises_itself_after_an_hour(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/invoices: one hour for send_invoice."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        sim.clock.advance(timedelta(minutes=59))
        invoice_id = str(subscription.latest_invoice)
        assert (await client.v1.invoices.retrieve_async(invoice_id)).status == "draft"
        sim.clock.advance(timedelta(minutes=1))
        issued = await client.v1.invoices.retrieve_async(invoice_id)
        assert issued.status == "open"
        assert issued.status_transitions.finalized_at == unix(at(2026, 3, 15, 1))


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


async def test_a_preview_for_a_customer_that_does_not_exist_equals_the_real_invoice(
    serve: Serve,
) -> None:
    """Preview and invoice come from one function: same lines, taxes and totals."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        deal = await d1_items(client)
        extra = deal["add_invoice_items"]
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer_details": {"address": {"country": "US"}, "tax_exempt": "none"},
                "subscription_details": {"items": deal["items"]},
                "invoice_items": extra,
            }
        )
        assert preview.customer is None
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {**deal, "customer": customer, "expand": ["latest_invoice"]}
        )
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        for name in ("subtotal", "total", "total_excluding_tax", "currency"):
            assert getattr(preview, name) == getattr(invoice, name)
        assert [
            (line.amount, line.quantity, [tax.amount for tax in line.taxes or []])
            for line in preview.lines.data
        ] == [
            (line.amount, line.quantity, [tax.amount for tax in line.taxes or []])
            for line in invoice.lines.data
        ]
        # A preview leaves nothing behind.
        assert len((await client.v1.invoices.list_async()).data) == 1


async def test_a_preview_of_a_schedule_shows_its_first_invoice(serve: Serve) -> None:
    """D4: the first phase, at its start in the future."""
    async with running(serve, now=at(2026, 1, 20)) as sim, sim.client() as client:
        phases = await d4_phases(client)
        phases[0]["start_date"] = unix(at(2026, 2, 1))
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer_details": {"address": {"country": "US", "state": "NY"}},
                "schedule_details": {"phases": phases, "end_behavior": "cancel"},
            }
        )
        assert preview.total == 4_703_400
        assert preview.lines.data[0].period.start == unix(at(2026, 2, 1))


@pytest.mark.parametrize(
    ("exemption", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")]
)
async def test_an_exempt_customer_is_not_taxed_and_the_reason_is_shown(
    serve: Serve, exemption: Any, reason: str
) -> None:
    """tax_exempt exempt or reverse: no tax, the rate still named."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer_details": {"tax_exempt": exemption},
                "subscription_details": await d2_items(client),
            }
        )
        assert preview.total == 1_776_000
        taxes = preview.lines.data[0].taxes
        assert taxes is not None
        assert (taxes[0].amount, taxes[0].taxability_reason) == (0, reason)


async def test_numbers_are_given_at_finalisation_only_and_without_gaps(serve: Serve) -> None:
    """Three subscriptions, the second one finalised first; accounts count for themselves."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        deal = await d2_items(client)
        drafts = []
        for name in ("a", "b", "c"):
            customer = await client.v1.customers.create_async({"name": name})
            subscription = await client.v1.subscriptions.create_async(
                {
                    **deal,
                    "customer": customer.id,
                    "collection_method": "send_invoice",
                    "days_until_due": 30,
                }
            )
            drafts.append(str(subscription.latest_invoice))
        second = await client.v1.invoices.finalize_invoice_async(drafts[1])
        assert second.number == "DE-2026-00001"
        sim.clock.advance(timedelta(hours=1))
        listed = await client.v1.invoices.list_async()
        numbers = sorted(str(invoice.number) for invoice in listed.data)
        assert numbers == ["DE-2026-00001", "DE-2026-00002", "DE-2026-00003"]
        async with sim.client(US_KEY) as other:
            assert (await other.v1.invoices.list_async()).data == []
            with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
                await other.v1.invoices.retrieve_async(drafts[0])


async def test_a_subscriptions_draft_cannot_be_deleted_and_a_draft_cannot_be_voided(
    serve: Serve,
) -> None:
    """docs.stripe.com/api/invoices/delete; void applies to finalised invoices only."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        draft = str(subscription.latest_invoice)
        with pytest.raises(stripe.InvalidRequestError, match="must be voided") as refusal:
            await client.v1.invoices.delete_async(draft)
        assert refusal.value.code == "invoice_not_editable"
        with pytest.raises(stripe.InvalidRequestError, match="only void"):
            await client.v1.invoices.void_invoice_async(draft)
        await client.v1.invoices.finalize_invoice_async(draft)
        voided = await client.v1.invoices.void_invoice_async(draft)
        assert (voided.status, voided.number) == ("void", "DE-2026-00001")


async def test_cancelling_a_subscription_leaves_its_held_draft_as_it_is(serve: Serve) -> None:
    """The residue of a deal stopped between creation and finalisation (compensation table)."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        draft = str(subscription.latest_invoice)
        await client.v1.invoices.update_async(draft, {"auto_advance": False})
        ended = await client.v1.subscriptions.cancel_async(
            subscription.id, {"prorate": False, "invoice_now": False}
        )
        assert ended.status == "canceled"
        sim.clock.advance(timedelta(days=400))
        invoices = await client.v1.invoices.list_async({"subscription": subscription.id})
        assert [(one.id, one.status) for one in invoices.data] == [(draft, "draft")]
        shown = await client.v1.subscriptions.list_async({"customer": customer.id})
        assert shown.data == []
        everything = await client.v1.subscriptions.list_async(
            {"customer": customer.id, "status": "all"}
        )
        assert [one.id for one in everything.data] == [subscription.id]
        with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
            await client.v1.subscriptions.cancel_async(subscription.id)


async def test_a_draft_that_nobody_held_becomes_an_invoice_after_the_cancellation(
    serve: Serve,
) -> None:
    """Only finalised invoices are said to stop; a careful client holds the draft first."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        await client.v1.subscriptions.cancel_async(subscription.id, {"prorate": False})
        sim.clock.advance(timedelta(hours=1))
        issued = await client.v1.invoices.retrieve_async(str(subscription.latest_invoice))
        assert (issued.status, issued.number) == ("open", "DE-2026-00001")


async def test_a_full_credit_note_settles_an_open_invoice_and_refunds_a_paid_one(
    serve: Serve,
) -> None:
    """Before payment it lowers what is due to nothing; after payment it must be placed in full."""
    async with running(serve, now=at(2026, 3, 15)) as sim:
        async with sim.client(DE_KEY) as client:
            customer = await client.v1.customers.create_async({"name": "Nordwerk"})
            subscription = await client.v1.subscriptions.create_async(
                {
                    **await d2_items(client),
                    "customer": customer.id,
                    "collection_method": "send_invoice",
                    "days_until_due": 30,
                }
            )
            invoice_id = str(subscription.latest_invoice)
            with pytest.raises(stripe.InvalidRequestError, match="draft"):
                await client.v1.credit_notes.create_async(
                    {"invoice": invoice_id, "amount": 2_113_440}
                )
            await client.v1.invoices.finalize_invoice_async(invoice_id)
            shown = await client.v1.credit_notes.preview_async(
                {"invoice": invoice_id, "amount": 2_113_440}
            )
            note = await client.v1.credit_notes.create_async(
                {"invoice": invoice_id, "amount": 2_113_440, "reason": "order_change"}
            )
            assert shown.total == note.total == 2_113_440
            assert (note.type, note.number) == ("pre_payment", "DE-2026-00001-CN-01")
            assert [tax.amount for tax in note.total_taxes or []] == [337_440]
            invoice = await client.v1.invoices.retrieve_async(invoice_id)
            assert (invoice.status, invoice.amount_remaining) == ("paid", 0)
            with pytest.raises(stripe.InvalidRequestError, match="cannot exceed"):
                await client.v1.credit_notes.create_async({"invoice": invoice_id, "amount": 1})
            listed = await client.v1.credit_notes.list_async({"invoice": invoice_id})
            assert [one.id for one in listed.data] == [note.id]
        async with sim.client(US_KEY) as client:
            customer_id = await card_customer(client)
            paid = await client.v1.subscriptions.create_async(
                {**await d1_items(client), "customer": customer_id}
            )
            invoice_id = str(paid.latest_invoice)
            with pytest.raises(stripe.InvalidRequestError, match="must equal"):
                await client.v1.credit_notes.create_async(
                    {"invoice": invoice_id, "amount": 1_589_100}
                )
            note = await client.v1.credit_notes.create_async(
                {"invoice": invoice_id, "amount": 1_589_100, "refund_amount": 1_589_100}
            )
            assert (note.type, note.refunds[0].amount_refunded) == ("post_payment", 1_589_100)


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


async def test_a_customers_balance_is_used_by_the_next_invoice_finalised(serve: Serve) -> None:
    """D2's renewal takes 2,620.08 from the balance: due is less, the total is not."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async({"name": "Nordwerk", "balance": -262_008})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        issued = await client.v1.invoices.finalize_invoice_async(str(subscription.latest_invoice))
        assert (issued.total, issued.amount_due) == (2_113_440, 2_113_440 - 262_008)
        assert (issued.starting_balance, issued.ending_balance) == (-262_008, 0)
        assert (await client.v1.customers.retrieve_async(customer.id)).balance == 0


async def test_a_backdated_start_bills_from_the_start_when_the_anchor_fits(serve: Serve) -> None:
    """Full periods only: without a fitting anchor the amounts would have to be invented."""
    async with running(serve, now=at(2026, 1, 9)) as sim, sim.client() as client:
        customer = await card_customer(client)
        deal = {
            **await d1_items(client),
            "customer": customer,
            "backdate_start_date": unix(at(2026, 1, 1)),
        }
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.subscriptions.create_async(deal)  # type: ignore[arg-type]
        assert refusal.value.code == "simulator_unsupported"
        late = {**deal, "billing_cycle_anchor": unix(at(2027, 1, 2))}
        with pytest.raises(stripe.InvalidRequestError, match="next natural billing date"):
            await client.v1.subscriptions.create_async(late)  # type: ignore[arg-type]
        subscription = await client.v1.subscriptions.create_async(
            {**deal, "billing_cycle_anchor": unix(at(2027, 1, 1)), "expand": ["latest_invoice"]}  # type: ignore[typeddict-item]
        )
        assert subscription.start_date == unix(at(2026, 1, 1))
        item = subscription["items"].data[0]
        assert item.current_period_end == unix(at(2027, 1, 1))
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert invoice.total == 1_589_100
