"""What lowers an invoice: credit notes before and after payment, a customer's balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    US_KEY,
    at,
    card_customer,
    d1_items,
    d2_items,
    d2_subscription,
    running,
)

Serve = Callable[[Any], str]


async def test_a_full_credit_note_settles_an_open_invoice_and_refunds_a_paid_one(
    serve: Serve,
) -> None:
    """Before payment it lowers what is due to nothing; after payment it must be placed in full."""
    async with running(serve, now=at(2026, 3, 15)) as sim:
        async with sim.client(DE_KEY) as client:
            subscription = await d2_subscription(client)
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
