"""Credit notes for parts of invoices: by line, by quantity, by amount, and their taxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.settlement import charged, intent_of, paid, payer
from tests.simulators.stripe.support import at, card_customer, once, product, running, tax_rate

Serve = Callable[[Any], str]


def line_credit(line: stripe.InvoiceLineItem, **how: Any) -> Any:
    """One entry of `lines` that credits a line of an invoice."""
    return {"type": "invoice_line_item", "invoice_line_item": line.id, **how}


async def seats(
    client: stripe.StripeClient, *, quantity: int, unit: int, percent: float
) -> stripe.Invoice:
    """An open invoice over taxed seats."""
    customer = await card_customer(client)
    seat = await product(client, "seat", "Seat")
    rate = await tax_rate(client, percent, "TAX")
    await client.v1.invoice_items.create_async(
        {
            "customer": customer,
            "price_data": once(seat, "usd", unit),
            "quantity": quantity,
            "tax_rates": [rate],
        }
    )
    draft = await client.v1.invoices.create_async(
        {"customer": customer, "pending_invoice_items_behavior": "include"}
    )
    return await client.v1.invoices.finalize_invoice_async(draft.id)


async def test_a_custom_line_lowers_what_is_due_as_stripe_publishes_it(serve: Serve) -> None:
    """docs.stripe.com/invoicing/integration/programmatic-credit-notes: 100 USD less 20 is 80."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await charged(client, await payer(client), 10_000)
        note = await client.v1.credit_notes.create_async(
            {
                "invoice": invoice.id,
                "lines": [
                    {
                        "type": "custom_line_item",
                        "description": "Courtesy credit",
                        "quantity": 1,
                        "unit_amount": 2000,
                    }
                ],
            }
        )
        assert (note.total, note.type, note.pre_payment_amount) == (2000, "pre_payment", 2000)
        after = await client.v1.invoices.retrieve_async(invoice.id, {"expand": ["payments"]})
        assert (after.amount_due, after.amount_remaining) == (8000, 8000)
        assert after.total == 10_000
        assert after.pre_payment_credit_notes_amount == 2000
        assert after.payments is not None
        assert after.payments.data[0].amount_requested == 8000


async def test_the_published_placements_of_a_note_after_payment(serve: Serve) -> None:
    """Same page: two of a line at 2.50 are 5.00; refund, credit, or 100 + 200 + 200 in three."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await seats(client, quantity=6, unit=250, percent=0)
        await client.v1.invoices.pay_async(invoice.id)
        line = invoice.lines.data[0]
        notes = []
        for placed in (
            {"refund_amount": 500},
            {"credit_amount": 500},
            {"refund_amount": 100, "credit_amount": 200, "out_of_band_amount": 200},
        ):
            notes.append(
                await client.v1.credit_notes.create_async(
                    {"invoice": invoice.id, "lines": [line_credit(line, quantity=2)], **placed}
                )
            )
        assert [note.total for note in notes] == [500, 500, 500]
        assert {note.type for note in notes} == {"post_payment"}
        assert [note.number for note in notes] == [
            f"{invoice.number}-CN-0{count}" for count in (1, 2, 3)
        ]
        customer = await client.v1.customers.retrieve_async(str(invoice.customer))
        assert customer.balance == -(500 + 200)
        refunds = await client.v1.refunds.list_async()
        assert sorted(row.amount for row in refunds.data) == [100, 500]
        after = await client.v1.invoices.retrieve_async(invoice.id)
        assert (after.status, after.amount_paid) == ("paid", 1500)
        assert after.post_payment_credit_notes_amount == 1500
        with pytest.raises(stripe.InvalidRequestError, match="exceeds the quantity"):
            await client.v1.credit_notes.create_async(
                {
                    "invoice": invoice.id,
                    "lines": [line_credit(line, quantity=1)],
                    "refund_amount": 250,
                }
            )


@pytest.mark.parametrize("how", ["amount", "quantity"])
async def test_negative_lines_are_credited_by_negative_amounts(serve: Serve, how: str) -> None:
    """Same page, "Crediting negative line items": 100.00 and -50.00, both credited in full."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await charged(client, await payer(client), 10_000, -5000)
        plus, minus = invoice.lines.data
        assert (plus.amount, minus.amount) == (10_000, -5000)
        ways = {"amount": (10_000, -5000), "quantity": (1, 1)}[how]
        note = await client.v1.credit_notes.create_async(
            {
                "invoice": invoice.id,
                "lines": [
                    line_credit(plus, **{how: ways[0]}),
                    line_credit(minus, **{how: ways[1]}),
                ],
            }
        )
        assert note.total == 5000
        assert [line.amount for line in note.lines.data] == [10_000, -5000]
        assert (await client.v1.invoices.retrieve_async(invoice.id)).status == "paid"


async def test_what_a_negative_line_cannot_be_credited_by(serve: Serve) -> None:
    """Same page: the note stays positive, the line is not credited beyond itself."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await charged(client, await payer(client), 10_000, -5000)
        plus, minus = invoice.lines.data
        for lines in (
            [line_credit(minus, amount=-1000)],
            [line_credit(plus, amount=9000), line_credit(minus, amount=-5001)],
            [line_credit(plus, amount=9000), line_credit(minus, amount=1)],
            [line_credit(plus, amount=-1)],
            [line_credit(plus, amount=10_001)],
        ):
            with pytest.raises(stripe.InvalidRequestError):
                await client.v1.credit_notes.create_async({"invoice": invoice.id, "lines": lines})
        assert (await client.v1.credit_notes.list_async({"invoice": invoice.id})).data == []


async def test_a_line_is_credited_by_quantity_or_by_amount_not_by_both(serve: Serve) -> None:
    """Same page: discount types cannot be combined on a line, over all its notes."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await seats(client, quantity=3, unit=1000, percent=0)
        line = invoice.lines.data[0]
        await client.v1.credit_notes.create_async(
            {"invoice": invoice.id, "lines": [line_credit(line, quantity=1)]}
        )
        with pytest.raises(stripe.InvalidRequestError, match="not by both"):
            await client.v1.credit_notes.create_async(
                {"invoice": invoice.id, "lines": [line_credit(line, amount=1000)]}
            )


async def test_the_parts_of_a_tax_add_up_to_the_tax(serve: Serve) -> None:
    """Three seats at 3.33 with 7 %: 0.70 of tax in all, however the credit is cut."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await seats(client, quantity=3, unit=333, percent=7)
        assert invoice.total == 999 + 70
        line = invoice.lines.data[0]
        notes = [
            await client.v1.credit_notes.create_async(
                {"invoice": invoice.id, "lines": [line_credit(line, quantity=1)]}
            )
            for _ in range(3)
        ]
        taxes = [note.total_taxes[0].amount for note in notes if note.total_taxes]
        assert sum(taxes) == 70
        assert sum(note.total for note in notes) == invoice.total
        # Each is a third of 0.70, rounded: 0.23, 0.47 less 0.23, 0.70 less 0.47.
        assert taxes == [23, 24, 23]
        done = await client.v1.invoices.retrieve_async(invoice.id)
        assert (done.status, done.amount_due, done.pre_payment_credit_notes_amount) == (
            "paid",
            0,
            invoice.total,
        )


async def test_a_note_is_previewed_changed_and_voided_while_the_invoice_is_open(
    serve: Serve,
) -> None:
    """docs: only on an open invoice; voiding gives the amount due back."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await seats(client, quantity=2, unit=5000, percent=10)
        wanted: Any = {
            "invoice": invoice.id,
            "lines": [line_credit(invoice.lines.data[0], quantity=1)],
        }
        shown = await client.v1.credit_notes.preview_async(wanted)
        lines = await client.v1.credit_notes.preview_lines.list_async(wanted)
        assert (shown.total, [line.amount for line in lines.data]) == (5500, [5000])
        assert (await client.v1.credit_notes.list_async()).data == []
        note = await client.v1.credit_notes.create_async(wanted)
        renamed = await client.v1.credit_notes.update_async(note.id, {"memo": "Sorry"})
        assert renamed.memo == "Sorry"
        listed = await client.v1.credit_notes.line_items.list_async(note.id)
        assert [line.amount for line in listed.data] == [5000]
        lowered = await client.v1.invoices.retrieve_async(invoice.id)
        assert lowered.amount_remaining == 11_000 - 5500
        void = await client.v1.credit_notes.void_credit_note_async(note.id)
        assert (void.status, void.voided_at is None) == ("void", False)
        raised = await client.v1.invoices.retrieve_async(invoice.id)
        assert (raised.amount_remaining, raised.pre_payment_credit_notes_amount) == (11_000, 0)
        again = await client.v1.credit_notes.create_async(wanted)
        await client.v1.invoices.pay_async(invoice.id)
        with pytest.raises(stripe.InvalidRequestError, match="open invoice"):
            await client.v1.credit_notes.void_credit_note_async(again.id)


async def test_a_note_over_what_remains_is_before_and_after_payment(serve: Serve) -> None:
    """Docstring of `CreditNote.create`: first what remains, the excess must be placed."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        invoice = await charged(client, customer, 10_000)
        part = await client.v1.payment_intents.create_async(
            {
                "amount": 7000,
                "currency": "usd",
                "customer": customer,
                "payment_method": "pm_card_visa",
                "confirm": True,
            }
        )
        await client.v1.invoices.attach_payment_async(invoice.id, {"payment_intent": part.id})
        note = await client.v1.credit_notes.create_async(
            {"invoice": invoice.id, "amount": 4000, "refund_amount": 1000}
        )
        assert (note.type, note.pre_payment_amount, note.post_payment_amount) == (
            "mixed",
            3000,
            1000,
        )
        after = await client.v1.invoices.retrieve_async(invoice.id)
        assert (after.status, after.amount_due, after.amount_paid) == ("paid", 7000, 7000)


async def test_refunds_made_apart_lower_what_can_be_credited_and_can_be_linked(
    serve: Serve,
) -> None:
    """Docstring of `CreditNote.create` (stripe 16.1)."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await paid(client, await card_customer(client), 5000)
        refund = await client.v1.refunds.create_async(
            {"payment_intent": intent_of(invoice), "amount": 2000}
        )
        with pytest.raises(stripe.InvalidRequestError, match="cannot exceed"):
            await client.v1.credit_notes.create_async(
                {"invoice": invoice.id, "amount": 3001, "out_of_band_amount": 3001}
            )
        note = await client.v1.credit_notes.create_async(
            {"invoice": invoice.id, "amount": 2000, "refunds": [{"refund": refund.id}]}
        )
        assert [(row.refund, row.amount_refunded) for row in note.refunds] == [(refund.id, 2000)]
        with pytest.raises(stripe.InvalidRequestError, match="linked"):
            await client.v1.credit_notes.create_async(
                {"invoice": invoice.id, "amount": 1000, "refunds": [{"refund": refund.id}]}
            )
        rest = await client.v1.credit_notes.create_async(
            {"invoice": invoice.id, "amount": 3000, "refund_amount": 3000}
        )
        assert rest.total == 3000


async def test_an_amount_over_several_lines_is_not_spread_by_guessing(serve: Serve) -> None:
    """No page tells how Stripe spreads it; the whole of what is left needs no guess."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await charged(client, await payer(client), 4000, 6000)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.credit_notes.create_async({"invoice": invoice.id, "amount": 1})
        assert refused.value.code == "simulator_unsupported"
        first = invoice.lines.data[0]
        await client.v1.credit_notes.create_async(
            {"invoice": invoice.id, "lines": [line_credit(first, amount=1500)]}
        )
        rest = await client.v1.credit_notes.create_async({"invoice": invoice.id, "amount": 8500})
        assert sorted(line.amount for line in rest.lines.data) == [2500, 6000]
