"""Payment intents: what is to be collected, and the charges that tried.

Sources: docs.stripe.com/payments/paymentintents/lifecycle, docs.stripe.com/api/payment_intents. An
invoice makes its own when it is finalised; others are made by API, confirmed with a card, and may
be attached to an invoice (docs.stripe.com/invoicing/partial-payments). Only cards, captured at
once; a card that asks for authentication is refused when it is attached to a customer.
"""

from __future__ import annotations

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import minimum_charge
from dealthread.simulators.stripe.payments import charges, disputes, payment_methods
from dealthread.simulators.stripe.payments.card_declines import DECLINES
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "payment_intent"
OPEN = frozenset({"requires_payment_method", "requires_confirmation"})


def open_intent(
    ctx: Context,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    details: Json | None = None,
) -> Json:
    """Keep a new payment intent; `details` are those an API call gave."""
    given = details or {}
    intent_id = new_id("pi")
    intent: Json = {
        "id": intent_id,
        "object": KIND,
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{new_id('x', 24)[2:]}",
        "confirmation_method": "automatic",
        "created": ctx.now(customer),
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": given.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata.fresh(given),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    account = ctx.account
    account.add(KIND, intent)
    if customer is not None:
        account.relate("payment_intent.customer", customer, intent_id)
    ctx.effect("payment_intent.created", intent, amount=amount)
    events.emit(ctx, "payment_intent.created", intent)
    return intent


def attempt(ctx: Context, intent: Json, method_id: str) -> str | None:
    """Charge an intent to a card; the decline code, or None when it succeeded."""
    minimum_charge.check(intent["amount"], intent["currency"])
    decline = payment_methods.decline_code(ctx, method_id)
    charge = charges.make(ctx, intent, method_id, decline)
    intent["latest_charge"] = charge["id"]
    if decline is None:
        intent["status"] = "succeeded"
        intent["payment_method"] = method_id
        intent["amount_received"] = intent["amount"]
        intent["last_payment_error"] = None
        events.emit(ctx, "charge.succeeded", charge)
        ctx.effect("payment_intent.succeeded", intent, amount=intent["amount"])
        events.emit(ctx, "payment_intent.succeeded", intent)
        if payment_methods.is_disputed(ctx, method_id):
            ctx.account.plan(disputes.OPEN, charge["id"], ctx.world_now())
        return None
    told = DECLINES[decline]
    error: Json = {
        "charge": charge["id"],
        "code": told.code,
        "decline_code": decline,
        "doc_url": f"https://docs.stripe.com/error-codes#{told.code.replace('_', '-')}",
        "message": told.message,
        "payment_method": snapshot(ctx.get("payment_method", method_id)),
        "type": "card_error",
    }
    if told.param is not None:
        error["param"] = told.param
    if told.advice_code is not None:
        error["advice_code"] = told.advice_code
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = error
    events.emit(ctx, "charge.failed", charge)
    events.emit(ctx, "payment_intent.payment_failed", intent)
    return decline


def declined(intent: Json, decline: str) -> StripeError:
    """The answer to a request whose charge was declined."""
    return StripeError.card_declined(
        decline,
        evidence={
            "charge": intent["latest_charge"],
            "payment_intent": snapshot(intent),
            "payment_method": snapshot(intent["last_payment_error"]["payment_method"]),
        },
    )


def close(ctx: Context, intent: Json, reason: str | None) -> None:
    """Cancel an intent that was not paid."""
    if intent["status"] not in OPEN:
        return
    intent["status"] = "canceled"
    intent["canceled_at"] = ctx.now(intent["customer"])
    intent["cancellation_reason"] = reason
    ctx.effect("payment_intent.canceled", intent, reason=reason)
    events.emit(ctx, "payment_intent.canceled", intent)


def owner_of(ctx: Context, intent_id: str) -> str | None:
    """The invoice an intent pays, if any."""
    owner: str | None = ctx.account.secret(intent_id).get("invoice")
    return owner


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/payment_intents, for a card of a customer."""
    minimum_charge.check(params["amount"], params["currency"])
    customer_id = params.get("customer")
    if customer_id is not None:
        ctx.get("customer", customer_id, param="customer")
    method_id = params.get("payment_method")
    if method_id is not None:
        method_id = usable_method(ctx, method_id, customer_id)
    if params.get("confirm") and method_id is None:
        raise StripeError.refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    intent = open_intent(
        ctx,
        amount=params["amount"],
        currency=params["currency"],
        customer=customer_id,
        details=params,
    )
    if method_id is not None:
        intent["payment_method"] = method_id
        intent["status"] = "requires_confirmation"
    if params.get("confirm"):
        charge_now(ctx, intent, str(method_id))
    return intent


def cancel(ctx: Context, params: Json, intent_id: str) -> Json:
    """POST /v1/payment_intents/{id}/cancel."""
    intent = ctx.get(KIND, intent_id)
    if owner_of(ctx, intent_id) is not None:
        raise StripeError.unsupported("cancelling an invoice's payment intent; void the invoice")
    if intent["status"] not in OPEN:
        raise unexpected(intent, "cancel")
    close(ctx, intent, params.get("cancellation_reason"))
    return intent


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/payment_intents."""
    rows = ctx.account.of(KIND).values()
    if "customer" in params:
        ctx.get("customer", params["customer"], param="customer")
    return page(
        rows,
        params,
        "/v1/payment_intents",
        kind="payment_intent",
        keep=lambda row: (
            params.get("customer", row["customer"]) == row["customer"]
            and within(row["created"], params.get("created"))
        ),
    )


def usable_method(ctx: Context, method_id: str, customer_id: str | None) -> str:
    """A card that is the customer's own, or a test card for this payment alone."""
    if method_id in payment_methods.TEST_METHODS:
        return payment_methods.loose_copy(ctx, method_id)
    method = ctx.get("payment_method", method_id, param="payment_method")
    if method["customer"] is None or method["customer"] != customer_id:
        raise StripeError.refused(
            "The provided PaymentMethod cannot be used with this PaymentIntent: it belongs to "
            "another customer or to none.",
            param="payment_method",
        )
    return method_id


def charge_now(ctx: Context, intent: Json, method_id: str) -> None:
    """Charge an intent on request; a decline is the answer."""
    decline = attempt(ctx, intent, method_id)
    if decline is not None:
        raise declined(intent, decline)


def unexpected(intent: Json, verb: str) -> StripeError:
    """The vendor's refusal of a step that an intent's status does not allow."""
    return StripeError.refused(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
    )
