"""Which payments an invoice has: the default one, and those attached to it.

Source: docs.stripe.com/api/invoice-payment and its 16.1 docstrings: a default payment is made when
the invoice is finalised and follows its `amount_remaining`. Attached payment intents are credited
when they have succeeded (docstring of `Invoice.attach_payment`).
"""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.payments import payment_intents
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import envelope, page, within
from dealthread.simulators.stripe.world import Context

KIND = "invoice_payment"
_RELATION = "invoice_payment.invoice"


def expect(ctx: Context, invoice: Json) -> Json:
    """Make the default payment of an invoice that was just finalised."""
    intent = payment_intents.open_intent(
        ctx,
        amount=invoice["amount_remaining"],
        currency=invoice["currency"],
        customer=invoice["customer"],
    )
    return _of_intent(ctx, invoice, intent, is_default=True)


def attach(ctx: Context, invoice: Json, intent: Json) -> Json:
    """Add a payment intent to an invoice's payments."""
    return _of_intent(ctx, invoice, intent, is_default=False)


def attach_record(ctx: Context, invoice: Json, record: Json) -> Json:
    """Add a payment that was made elsewhere to an invoice's payments."""
    paid_by = {"payment_record": record["id"], "type": "payment_record"}
    amount = record["amount_guaranteed"]["value"]
    payment = _keep(ctx, invoice, paid_by, amount, is_default=False)
    ctx.account.secret(record["id"]).update(invoice_payment=payment["id"])
    return payment


def of_record(ctx: Context, record_id: str) -> Json | None:
    """The payment of an invoice that a record makes."""
    return ctx.account.find(KIND, ctx.account.secret(record_id).get("invoice_payment"))


def _of_intent(ctx: Context, invoice: Json, intent: Json, *, is_default: bool) -> Json:
    paid_by = {"payment_intent": intent["id"], "type": "payment_intent"}
    payment = _keep(ctx, invoice, paid_by, intent["amount"], is_default=is_default)
    ctx.account.secret(intent["id"]).update(invoice=invoice["id"], invoice_payment=payment["id"])
    return payment


def _keep(ctx: Context, invoice: Json, paid_by: Json, amount: int, *, is_default: bool) -> Json:
    payment: Json = {
        "id": new_id("inpay"),
        "object": KIND,
        "amount_paid": None,
        "amount_requested": amount,
        "created": ctx.now(invoice["customer"]),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": is_default,
        "livemode": False,
        "payment": paid_by,
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    ctx.account.add(KIND, payment)
    ctx.account.relate(_RELATION, invoice["id"], payment["id"])
    return payment


def of(ctx: Context, invoice: Json) -> Iterable[Json]:
    """The payments of an invoice, oldest first."""
    return ctx.account.related(_RELATION, KIND, invoice["id"])


def has_attached(ctx: Context, invoice: Json) -> bool:
    """Whether somebody attached a payment that is on its way or made."""
    return any(
        not payment["is_default"] and payment["status"] in ("open", "paid")
        for payment in of(ctx, invoice)
    )


def default_of(ctx: Context, invoice: Json) -> Json:
    """The payment that was expected when the invoice was finalised."""
    return next(payment for payment in of(ctx, invoice) if payment["is_default"])


def intent_of(ctx: Context, payment: Json) -> Json:
    """The payment intent of a payment."""
    return ctx.get(payment_intents.KIND, payment["payment"]["payment_intent"])


def mark_paid(ctx: Context, payment: Json, amount: int) -> None:
    """The payment succeeded with this amount for the invoice."""
    payment["amount_paid"], payment["status"] = amount, "paid"
    customer_id = ctx.get("invoice", payment["invoice"])["customer"]
    payment["status_transitions"]["paid_at"] = ctx.now(customer_id)
    events.emit(ctx, "invoice_payment.paid", payment)


def close_all(ctx: Context, invoice: Json, reason: str) -> None:
    """Cancel the payments that are still expected."""
    for payment in list(of(ctx, invoice)):
        if payment["status"] == "open":
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = ctx.now(invoice["customer"])
            if payment["is_default"]:
                payment_intents.close(ctx, intent_of(ctx, payment), reason)


def follow(ctx: Context, invoice: Json) -> None:
    """The default payment asks for what remains."""
    for payment in of(ctx, invoice):
        if payment["is_default"] and payment["status"] == "open":
            payment["amount_requested"] = invoice["amount_remaining"]
            intent_of(ctx, payment)["amount"] = invoice["amount_remaining"]


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/invoice_payments."""
    account = ctx.account
    rows: Iterable[Json] = account.of(KIND).values()
    if "invoice" in params:
        ctx.get("invoice", params["invoice"], param="invoice")
        rows = account.related(_RELATION, KIND, params["invoice"])
    wanted = params.get("payment") or {}
    return page(
        rows,
        params,
        "/v1/invoice_payments",
        kind="invoice payment",
        keep=lambda row: (
            params.get("status", row["status"]) == row["status"]
            and all(row["payment"].get(name) == value for name, value in wanted.items())
            and within(row["created"], params.get("created"))
        ),
    )


def expanded(ctx: Context, invoice: Json) -> Json:
    """The `payments` of an invoice, which are answered only when expanded."""
    return envelope(list(of(ctx, invoice)), f"/v1/invoice_payments?invoice={invoice['id']}")


def confirmation_secret(ctx: Context, invoice: Json) -> Json | None:
    """The client secret of the default payment's intent; null until there is one."""
    for payment in of(ctx, invoice):
        if payment["is_default"]:
            intent = intent_of(ctx, payment)
            return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None
