"""Payments that are attached to an invoice: an intent of Stripe's, or a record of one elsewhere.

Source: docstring of `Invoice.attach_payment` (stripe 16.1); docs.stripe.com/invoicing/
partial-payments; docs.stripe.com/changelog/dahlia/2026-05-27/invoice-object-amount-paid-off-stripe-
property (a record of another processor counts in `amount_paid_off_stripe`, in part too).
"""

from __future__ import annotations

from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.payments import (
    charges,
    invoice_payments,
    payment_intents,
    payment_records,
)
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.status import settle
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context


def attach_payment(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/attach_payment: counted once the payment has succeeded."""
    invoice = ctx.get("invoice", invoice_id)
    given = [name for name in ("payment_intent", "payment_record") if name in params]
    if not given:
        raise StripeError.missing("payment_intent")
    if len(given) > 1:
        raise StripeError.unsupported("a payment intent and a record at once", param=given[1])
    if invoice["status"] != "open":
        raise StripeError.refused(
            f"You cannot attach a payment to an invoice that is {invoice['status']}."
        )
    if given == ["payment_intent"]:
        _intent(ctx, invoice, params["payment_intent"])
    else:
        _record(ctx, invoice, params["payment_record"])
    return invoice


def _intent(ctx: Context, invoice: Json, intent_id: str) -> None:
    intent = ctx.get("payment_intent", intent_id, param="payment_intent")
    if payment_intents.owner_of(ctx, intent["id"]) is not None:
        raise StripeError.refused(
            "This PaymentIntent is already attached to an invoice.", param="payment_intent"
        )
    if (intent["currency"], intent["customer"]) != (invoice["currency"], invoice["customer"]):
        raise StripeError.refused(
            "The PaymentIntent must have the customer and the currency of the invoice.",
            param="payment_intent",
        )
    if intent["status"] == "canceled":
        raise StripeError.refused(
            "A canceled PaymentIntent cannot be attached to an invoice.", param="payment_intent"
        )
    if charges.is_refunded(ctx, intent["id"]):
        raise StripeError.unsupported("attaching a payment that was refunded")
    if intent["amount"] > invoice["amount_remaining"]:
        raise StripeError.unsupported("attaching more than remains on the invoice")
    payment = invoice_payments.attach(ctx, invoice, intent)
    if intent["status"] == "succeeded":
        invoicing.credit_payment(ctx, invoice, payment, intent["amount_received"])
        settle(ctx, invoice)


def _record(ctx: Context, invoice: Json, record_id: str) -> None:
    record = ctx.get(payment_records.KIND, record_id, param="payment_record")
    amount = record["amount_guaranteed"]
    if invoice_payments.of_record(ctx, record["id"]) is not None:
        # No page at hand says how one record is shared by invoices.
        raise StripeError.unsupported("attaching one record twice", param="payment_record")
    paid_by = (record["customer_details"] or {}).get("customer")
    if (amount["currency"], paid_by) != (invoice["currency"], invoice["customer"]):
        raise StripeError.refused(
            "The PaymentRecord must have the customer and the currency of the invoice.",
            param="payment_record",
        )
    if amount["value"] > invoice["amount_remaining"]:
        raise StripeError.unsupported("attaching more than remains on the invoice")
    is_part = amount["value"] < invoice["amount_remaining"]
    is_charged = invoice["collection_method"] == "charge_automatically"
    if is_part and is_charged and invoicing.subscription_of(ctx, invoice) is not None:
        raise StripeError.refused(
            "Partial payments aren't supported for subscription invoices that are charged "
            "automatically.",
            param="payment_record",
        )
    payment = invoice_payments.attach_record(ctx, invoice, record)
    invoicing.credit_record(ctx, invoice, payment, amount["value"])
    settle(ctx, invoice)
