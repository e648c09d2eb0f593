"""Charges: each attempt to take money from a card, successful or not.

Source: docs.stripe.com/api/charges.
"""

from __future__ import annotations

from dealthread.simulators.stripe.balance import transactions
from dealthread.simulators.stripe.payments.card_declines import DECLINES
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "charge"


def make(ctx: Context, intent: Json, method_id: str, decline: str | None) -> Json:
    """Keep the charge of one attempt; `decline` is the decline code, None for success."""
    method = ctx.get("payment_method", method_id)
    told = None if decline is None else DECLINES[decline]
    is_paid = told is None
    charge_id = new_id("ch")
    charge: Json = {
        "id": charge_id,
        "object": KIND,
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if is_paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": snapshot(method["billing_details"]),
        "calculated_statement_descriptor": None,
        "captured": is_paid,
        "created": ctx.now(intent["customer"]),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None if told is None else told.code,
        "failure_message": None if told is None else told.message,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(decline),
        "paid": is_paid,
        "payment_intent": intent["id"],
        "payment_method": method_id,
        "payment_method_details": {"card": _card(method), "type": "card"},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/{charge_id}" if is_paid else None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if is_paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }
    ctx.account.add(KIND, charge)
    ctx.account.relate("charge.payment_intent", intent["id"], charge_id)
    if is_paid:
        charge["balance_transaction"] = transactions.of_charge(ctx, charge)
    ctx.effect("charge.created", charge, amount=charge["amount"], status=charge["status"])
    return charge


def paid_by(ctx: Context, intent_id: str) -> Json | None:
    """The charge that paid an intent."""
    for charge in ctx.account.related("charge.payment_intent", KIND, intent_id):
        if charge["paid"]:
            return charge
    return None


def is_refunded(ctx: Context, intent_id: str) -> bool:
    """Whether anything of an intent's charge was given back."""
    charge = paid_by(ctx, intent_id)
    return charge is not None and charge["amount_refunded"] > 0


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/charges."""
    if "customer" in params:
        ctx.get("customer", params["customer"], param="customer")
    if "payment_intent" in params:
        ctx.get("payment_intent", params["payment_intent"], param="payment_intent")
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/charges",
        kind="charge",
        keep=lambda row: (
            all(params.get(name, row[name]) == row[name] for name in ("customer", "payment_intent"))
            and within(row["created"], params.get("created"))
        ),
    )


def _outcome(decline: str | None) -> Json:
    is_paid = decline is None
    outcome: Json = {
        "advice_code": None if decline is None else DECLINES[decline].advice_code,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if is_paid else "declined_by_network",
        "reason": decline,
        "risk_level": "normal",
        "seller_message": "Payment complete." if is_paid else "The bank declined the payment.",
        "type": "authorized" if is_paid else "issuer_declined",
    }
    return outcome


def _card(method: Json) -> Json:
    card = method["card"]
    names = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {
        **{name: card[name] for name in names},
        "amount_authorized": None,
        "authorization_code": None,
        "checks": dict(card["checks"]),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "three_d_secure": None,
        "wallet": None,
    }
