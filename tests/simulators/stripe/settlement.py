"""What the tests of payments, credits and balances share."""

from __future__ import annotations

from typing import Any

import stripe


async def payer(client: stripe.StripeClient, **more: Any) -> str:
    """A customer without a card."""
    made = await client.v1.customers.create_async({"name": "Payer", "email": "p@x.example", **more})
    return made.id


async def charged(
    client: stripe.StripeClient, customer: str, *amounts: int, **terms: Any
) -> stripe.Invoice:
    """A finalised one-off invoice over amounts in dollars; its lines stand in their order."""
    for amount in reversed(amounts):
        await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "usd", "amount": amount}
        )
    draft = await client.v1.invoices.create_async(
        {"customer": customer, "pending_invoice_items_behavior": "include", **terms}
    )
    return await client.v1.invoices.finalize_invoice_async(draft.id)


async def paid(client: stripe.StripeClient, customer: str, *amounts: int) -> stripe.Invoice:
    """The same, paid with the customer's card."""
    invoice = await charged(client, customer, *amounts)
    return await client.v1.invoices.pay_async(invoice.id, {"expand": ["payments"]})


def intent_of(invoice: stripe.Invoice) -> str:
    """The payment intent of an invoice that was read with its payments."""
    assert invoice.payments is not None
    found = invoice.payments.data[0].payment.payment_intent
    assert isinstance(found, str)
    return found
