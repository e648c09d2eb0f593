"""Refunds of card payments: all of a charge or parts of it, at once and for good.

Sources: docs.stripe.com/refunds, docs.stripe.com/api/refunds; the shapes of the refusals as
recorded against test mode by github.com/gburgyan/aat-stripe (README, "Refunds").
"""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe.balance import transactions
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.payments import charges
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import envelope, page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "refund"
_RELATION = "refund.charge"


def refundable(charge: Json) -> int:
    """What of a charge was not given back yet."""
    return int(charge["amount_captured"] - charge["amount_refunded"])


def of_charge(ctx: Context, charge_id: str) -> Iterable[Json]:
    """The refunds of a charge, oldest first."""
    return ctx.account.related(_RELATION, KIND, charge_id)


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/refunds for a charge or a payment intent."""
    charge = _charge(ctx, params)
    left = refundable(charge)
    if not charge["paid"]:
        raise StripeError.refused("This charge was not successful and cannot be refunded.")
    if left == 0:
        raise StripeError.refused(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = params.get("amount", left)
    if amount > left:
        raise StripeError.refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    return give(ctx, charge, amount, params)


def give(ctx: Context, charge: Json, amount: int, params: Json) -> Json:
    """Give an amount of a charge back."""
    before = snapshot(charge)
    refund: Json = {
        "id": new_id("re"),
        "object": KIND,
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": ctx.now(charge["customer"]),
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata.fresh(params),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    refund["balance_transaction"] = transactions.of_refund(ctx, refund)
    ctx.account.add(KIND, refund)
    ctx.account.relate(_RELATION, charge["id"], refund["id"])
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    ctx.effect("refund.created", refund, amount=amount, charge=charge["id"])
    events.emit(ctx, "refund.created", refund)
    events.emit(ctx, "charge.refunded", charge, before=before)
    return refund


def _charge(ctx: Context, params: Json) -> Json:
    if "charge" in params and "payment_intent" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: charge, payment_intent.",
            param="payment_intent",
        )
    if "charge" in params:
        return ctx.get("charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise StripeError.invalid(
            "One of the following params should be provided for this request: payment_intent or "
            "charge."
        )
    intent = ctx.get("payment_intent", params["payment_intent"], param="payment_intent")
    charge = charges.paid_by(ctx, intent["id"])
    if charge is None:
        raise StripeError.refused(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
    return charge


def update(ctx: Context, params: Json, refund_id: str) -> Json:
    """POST /v1/refunds/{id}: only metadata."""
    refund = ctx.get(KIND, refund_id)
    before = snapshot(refund)
    metadata.merge(refund, params)
    ctx.effect("refund.updated", refund)
    events.emit(ctx, "refund.updated", refund, before=before)
    return refund


def cancel(ctx: Context, params: Json, refund_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/refunds/{id}/cancel: a card's refund can never be cancelled."""
    refund = ctx.get(KIND, refund_id)
    raise StripeError.refused(
        f"Refund {refund['id']} cannot be canceled: it does not require action.",
    )


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/refunds."""
    for name in ("charge", "payment_intent"):
        if name in params:
            ctx.get(name, params[name], param=name)
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/refunds",
        kind="refund",
        keep=lambda row: (
            all(params.get(name, row[name]) == row[name] for name in ("charge", "payment_intent"))
            and within(row["created"], params.get("created"))
        ),
    )


def expanded(ctx: Context, charge: Json) -> Json:
    """The `refunds` of a charge, which are answered only when expanded."""
    rows = list(of_charge(ctx, charge["id"]))
    return envelope(rows[::-1], f"/v1/charges/{charge['id']}/refunds")
