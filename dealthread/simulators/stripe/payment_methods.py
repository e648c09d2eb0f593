"""Payment methods: Stripe's documented test cards, attached to customers.

Source: docs.stripe.com/testing. Attaching a test method such as `pm_card_visa` makes a new method
of the customer's own and answers that. Card numbers never come here: only tokens and test ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.simulators.stripe import events, metadata
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.listing import page
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context


@dataclass(frozen=True)
class TestCard:
    """What a documented test card shows and how it behaves."""

    brand: str
    last4: str
    # Decline code when the card is charged; None: charges succeed.
    on_charge: str | None = None
    # Decline code already when it is attached to a customer.
    on_attach: str | None = None


_VISA = TestCard("visa", "4242")
_CHARGE_FAILS = TestCard("visa", "0341", on_charge="generic_decline")
_ALWAYS_DECLINED = TestCard(
    "visa", "0002", on_charge="generic_decline", on_attach="generic_decline"
)
_NO_FUNDS = TestCard("visa", "9995", on_charge="insufficient_funds", on_attach="insufficient_funds")
TEST_METHODS = {
    "pm_card_visa": _VISA,
    "pm_card_mastercard": TestCard("mastercard", "4444"),
    "pm_card_amex": TestCard("amex", "8431"),
    "pm_card_chargeCustomerFail": _CHARGE_FAILS,
    "pm_card_visa_chargeDeclined": _ALWAYS_DECLINED,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _NO_FUNDS,
}
TEST_TOKENS = {
    "tok_visa": _VISA,
    "tok_mastercard": TestCard("mastercard", "4444"),
    "tok_amex": TestCard("amex", "8431"),
    "tok_chargeCustomerFail": _CHARGE_FAILS,
    "tok_visa_chargeDeclined": _ALWAYS_DECLINED,
    "tok_visa_chargeDeclinedInsufficientFunds": _NO_FUNDS,
}
_DETAILS = ("email", "name", "phone")


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/payment_methods with `type=card` and a test token."""
    if params["type"] != "card":
        raise StripeError.unsupported(f"payment methods of type {params['type']}", param="type")
    if "card" not in params:
        raise StripeError.missing("card")
    token = params["card"]["token"]
    card = TEST_TOKENS.get(token)
    if card is None:
        raise StripeError.no_such("token", token, param="card[token]")
    method = _method(ctx, card, params)
    ctx.effect("payment_method.created", method)
    return method


def attach(ctx: Context, params: Json, method_id: str) -> Json:
    """POST /v1/payment_methods/{id}/attach."""
    if "customer" not in params:
        raise StripeError.missing("customer")
    ctx.get("customer", params["customer"], param="customer")
    return attach_to(ctx, params["customer"], method_id)


def attach_to(ctx: Context, customer_id: str, method_id: str) -> Json:
    """Attach a method, or a fresh copy of a test method, to a customer."""
    card = TEST_METHODS.get(method_id)
    if card is not None:
        if card.on_attach is not None:
            raise StripeError.card_declined(card.on_attach)
        method = _method(ctx, card, {})
    else:
        method = ctx.get("payment_method", method_id)
        decline = ctx.account.secret(method_id)["on_attach"]
        if decline is not None:
            raise StripeError.card_declined(decline)
        if method["customer"] not in (None, customer_id):
            raise StripeError.refused(
                "The payment method you provided has already been attached to a customer.",
                code="payment_method_unexpected_state",
            )
    if method["customer"] is None:
        method["customer"] = customer_id
        ctx.account.relate("payment_method.customer", customer_id, method["id"])
        ctx.effect("payment_method.attached", method)
        events.emit(ctx, "payment_method.attached", method)
    return method


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/payment_methods, of one customer."""
    if "customer" not in params:
        raise StripeError.unsupported("listing payment methods without a customer")
    return of_customer(ctx, params, params["customer"], url="/v1/payment_methods")


def of_customer(ctx: Context, params: Json, customer_id: str, url: str | None = None) -> Json:
    """GET /v1/customers/{id}/payment_methods."""
    ctx.get("customer", customer_id, param="customer" if url else "id")
    return page(
        ctx.account.related("payment_method.customer", "payment_method", customer_id),
        params,
        url or f"/v1/customers/{customer_id}/payment_methods",
        kind="PaymentMethod",
        keep=lambda row: params.get("type", row["type"]) == row["type"],
    )


def decline_code(ctx: Context, method_id: str) -> str | None:
    """Why a charge of this method fails; None when it succeeds."""
    code: str | None = ctx.account.secret(method_id).get("on_charge")
    return code


def chargeable(ctx: Context, *, customer_id: str, own_default: str | None) -> str | None:
    """The method a charge would use: the document's own default, else the customer's."""
    if own_default is not None:
        return own_default
    customer = ctx.account.find("customer", customer_id)
    if customer is None:
        return None
    method_id: str | None = customer["invoice_settings"]["default_payment_method"]
    return method_id


def owned_by(ctx: Context, method_id: str, customer_id: str, *, param: str) -> str:
    """The id of a method that belongs to the customer, or the vendor's refusal."""
    method = ctx.get("payment_method", method_id, param=param)
    if method["customer"] != customer_id:
        raise StripeError.refused(
            f"The customer does not have a payment method with the ID {method_id}. The payment "
            "method must be attached to the customer.",
            code="resource_missing",
            param=param,
        )
    return method_id


def _method(ctx: Context, card: TestCard, params: Json) -> Json:
    details = params.get("billing_details") or {}
    method: Json = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            **{name: details.get(name) for name in _DETAILS},
            "tax_id": None,
        },
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"sim{card.brand}{card.last4}",
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": ctx.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata.fresh(params),
        "type": "card",
    }
    ctx.account.add("payment_method", method)
    hidden = ctx.account.secret(method["id"])
    hidden["on_charge"], hidden["on_attach"] = card.on_charge, card.on_attach
    return method
