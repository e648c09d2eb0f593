"""Confirming a payment intent: the charge, and what it pays for.

Source: docstring of `Invoice.attach_payment` (stripe 16.1): when the status of an attached intent
changes to succeeded, the payment is credited to its invoice.
"""

from __future__ import annotations

from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.payments import invoice_payments, payment_intents
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.status import settle
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context


def confirm(ctx: Context, params: Json, intent_id: str) -> Json:
    """POST /v1/payment_intents/{id}/confirm."""
    intent = ctx.get(payment_intents.KIND, intent_id)
    if intent["status"] not in payment_intents.OPEN:
        raise payment_intents.unexpected(intent, "confirm")
    payment = _payment_of(ctx, intent)
    method_id = params.get("payment_method")
    if method_id is None:
        method_id = intent["payment_method"]
    else:
        method_id = payment_intents.usable_method(ctx, method_id, intent["customer"])
    if method_id is None:
        raise StripeError.refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    payment_intents.charge_now(ctx, intent, method_id)
    if payment is not None:
        invoice = ctx.get("invoice", payment["invoice"])
        invoicing.credit_payment(ctx, invoice, payment, intent["amount_received"])
        settle(ctx, invoice)
    return intent


def _payment_of(ctx: Context, intent: Json) -> Json | None:
    """The open payment of an invoice that an intent makes; None when it pays for none."""
    payment_id = ctx.account.secret(intent["id"]).get("invoice_payment")
    payment = ctx.account.find(invoice_payments.KIND, payment_id)
    if payment is None or payment["status"] == "canceled":
        return None
    if payment["is_default"]:
        raise StripeError.unsupported("confirming an invoice's own payment intent; pay the invoice")
    invoice = ctx.get("invoice", payment["invoice"])
    if invoice["status"] != "open" or intent["amount"] > invoice["amount_remaining"]:
        raise StripeError.unsupported("paying more than remains on the invoice")
    return payment
