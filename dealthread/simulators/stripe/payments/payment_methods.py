"""Payment methods: Stripe's documented test cards, attached to customers.

Source: docs.stripe.com/testing. Attaching a test method such as `pm_card_visa` makes a new method
of the customer's own and answers that. Card numbers never come here: only tokens and test ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context, snapshot


@dataclass(frozen=True)
class TestCard:
    """What a documented test card shows and how it behaves."""

    brand: str
    last4: str
    # Decline code when the card is charged; None: charges succeed.
    on_charge: str | None = None
    # Decline code already when it is attached to a customer.
    on_attach: str | None = None
    funding: str = "credit"
    # The payer's bank takes the charge back.
    is_disputed: bool = False


_BRANDS = {
    "amex": TestCard("amex", "8431"),
    "diners": TestCard("diners", "0004"),
    "discover": TestCard("discover", "9424"),
    "jcb": TestCard("jcb", "0505"),
    "mastercard": TestCard("mastercard", "4444"),
    "mastercard_debit": TestCard("mastercard", "8210", funding="debit"),
    "mastercard_prepaid": TestCard("mastercard", "5100", funding="prepaid"),
    "unionpay": TestCard("unionpay", "0005"),
    "visa": TestCard("visa", "4242"),
    "visa_debit": TestCard("visa", "5556", funding="debit"),
}
# Stripe's own names of the cards that are declined, also when they are attached.
_DECLINED = {
    "visa_chargeDeclined": ("0002", "generic_decline"),
    "visa_chargeDeclinedInsufficientFunds": ("9995", "insufficient_funds"),
    "visa_chargeDeclinedLostCard": ("9987", "lost_card"),
    "visa_chargeDeclinedStolenCard": ("9979", "stolen_card"),
    "visa_chargeDeclinedVelocityLimitExceeded": ("6975", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": ("0069", "expired_card"),
    "chargeDeclinedIncorrectCvc": ("0127", "incorrect_cvc"),
    "chargeDeclinedProcessingError": ("0119", "processing_error"),
}
_CARDS = {
    **_BRANDS,
    **{
        name: TestCard("visa", last4, on_charge=code, on_attach=code)
        for name, (last4, code) in _DECLINED.items()
    },
    # Attaching this one succeeds, charging it does not.
    "createDispute": TestCard("visa", "0259", is_disputed=True),
    "chargeCustomerFail": TestCard("visa", "0341", on_charge="generic_decline"),
}
TEST_METHODS = {f"pm_card_{name}": card for name, card in _CARDS.items()}
TEST_TOKENS = {f"tok_{name}": card for name, card in _CARDS.items()}
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
        if token.startswith("tok_"):
            raise StripeError.unsupported(f"the test token {token}", param="card[token]")
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
    elif method_id.startswith("pm_card_"):
        # Among them the cards that ask for authentication: nobody could give it here.
        raise StripeError.unsupported(f"the test card {method_id}")
    else:
        method = ctx.get("payment_method", method_id)
        if ctx.account.secret(method_id).get("is_detached"):
            # Recorded against test mode (github.com/gburgyan/aat-stripe): 400 without a code.
            raise StripeError.refused(
                "This PaymentMethod was previously used without being attached to a Customer or "
                "was detached from a Customer, and may not be used again."
            )
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


def detach(ctx: Context, params: Json, method_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/payment_methods/{id}/detach: for good; defaults that named it name none."""
    method = ctx.get("payment_method", method_id)
    customer_id = method["customer"]
    if customer_id is None:
        raise StripeError.refused(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    before = snapshot(method)
    customer = ctx.get("customer", customer_id)
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method_id:
        settings["default_payment_method"] = None
    for relation, kind in (
        ("subscription.customer", "subscription"),
        ("invoice.customer", "invoice"),
    ):
        for row in ctx.account.related(relation, kind, customer_id):
            if row["default_payment_method"] == method_id:
                row["default_payment_method"] = None
    method["customer"] = None
    ctx.account.secret(method_id)["is_detached"] = True
    ctx.effect("payment_method.detached", method, customer=customer_id)
    events.emit(ctx, "payment_method.detached", method, before=before)
    return method


def retrieve_of_customer(
    ctx: Context,
    params: Json,  # noqa: ARG001 handler's shape
    customer_id: str,
    method_id: str,
) -> Json:
    """GET /v1/customers/{id}/payment_methods/{id}."""
    ctx.get("customer", customer_id, param="customer")
    method = ctx.get("payment_method", method_id)
    if method["customer"] != customer_id:
        raise StripeError.no_such("PaymentMethod", method_id, param="customer")
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
        keep=lambda row: (
            row["customer"] == customer_id and params.get("type", row["type"]) == row["type"]
        ),
    )


def decline_code(ctx: Context, method_id: str) -> str | None:
    """Why a charge of this method fails; None when it succeeds."""
    code: str | None = ctx.account.secret(method_id).get("on_charge")
    return code


def is_disputed(ctx: Context, method_id: str) -> bool:
    """Whether the payer's bank takes a charge of this method back."""
    return bool(ctx.account.secret(method_id).get("is_disputed"))


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
            "funding": card.funding,
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
    hidden["is_disputed"] = card.is_disputed
    return method


def loose_copy(ctx: Context, test_method: str) -> str:
    """A fresh copy of a test card that belongs to nobody, for one payment."""
    return str(_method(ctx, TEST_METHODS[test_method], {})["id"])
