"""The life of an invoice: draft → open → paid or void, with its number, its balance, its payment.

Sources: docs.stripe.com/invoicing/overview, docs.stripe.com/billing/subscriptions/invoices. Numbers
are given at finalisation only, per account, without gaps.
"""

from __future__ import annotations

from datetime import UTC, datetime

from dealthread.simulators.stripe import events, invoice_items, payment_methods
from dealthread.simulators.stripe.billing import Bill, draft
from dealthread.simulators.stripe.config import format_number
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context, snapshot

# A draft finalises about an hour after it was made, unless it is the first invoice of a
# subscription that charges automatically (docs.stripe.com/billing/subscriptions/invoices).
GRACE_SECONDS = 3600
SECONDS_PER_DAY = 86_400

FINALIZE = "invoice.finalize"


def open_draft(ctx: Context, bill: Bill, *, days_until_due: int | None = None) -> Json:
    """Keep a new draft and plan its finalisation."""
    invoice, lines = draft(ctx, bill)
    invoice["automatically_finalizes_at"] = bill.at + GRACE_SECONDS
    account = ctx.account
    account.add("invoice", invoice)
    account.secret(invoice["id"]).update(lines=lines, days_until_due=days_until_due)
    account.relate("invoice.customer", str(bill.payer.id), invoice["id"])
    if bill.subscription_id is not None:
        account.relate("invoice.subscription", bill.subscription_id, invoice["id"])
    account.plan(FINALIZE, invoice["id"], invoice["automatically_finalizes_at"])
    invoice_items.attach(ctx, str(bill.payer.id), bill.charges, invoice["id"])
    ctx.effect("invoice.created", invoice, total=invoice["total"])
    events.emit(ctx, "invoice.created", invoice)
    return invoice


def subscription_id(invoice: Json) -> str | None:
    """The subscription an invoice belongs to."""
    parent = invoice["parent"]
    details = parent["subscription_details"] if parent is not None else None
    found: str | None = details["subscription"] if details is not None else None
    return found


def finalize(ctx: Context, invoice: Json, *, auto_advance: bool | None = None) -> Json:
    """Give the draft its number and open it; nothing due means paid."""
    if invoice["status"] != "draft":
        raise StripeError.refused(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    before = snapshot(invoice)
    account, now = ctx.account, ctx.now(invoice["customer"])
    if auto_advance is not None:
        invoice["auto_advance"] = auto_advance
    year = datetime.fromtimestamp(now, UTC).year
    invoice["number"] = format_number(
        account.config.number_format, account.next_invoice_number, year
    )
    account.next_invoice_number += 1
    account.plan(FINALIZE, invoice["id"], None)
    invoice["automatically_finalizes_at"] = None
    invoice["status"] = "open"
    invoice["status_transitions"]["finalized_at"] = now
    if invoice["effective_at"] is None:
        invoice["effective_at"] = now
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        days = account.secret(invoice["id"])["days_until_due"]
        invoice["due_date"] = now + days * SECONDS_PER_DAY
    _use_balance(ctx, invoice)
    page = f"https://invoice.stripe.com/i/{account.id}/test_{invoice['id']}"
    invoice["hosted_invoice_url"] = page
    invoice["invoice_pdf"] = f"https://pay.stripe.com/invoice/{account.id}/test_{invoice['id']}/pdf"
    if invoice["amount_due"] > 0:
        _expect_payment(ctx, invoice)
    ctx.effect("invoice.finalized", invoice, number=invoice["number"], total=invoice["total"])
    events.emit(ctx, "invoice.finalized", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    if invoice["amount_due"] == 0:
        _mark_paid(ctx, invoice, 0)
    return invoice


def _use_balance(ctx: Context, invoice: Json) -> None:
    """The customer's balance is taken by the next invoice finalised; nobody can choose which."""
    customer = ctx.get("customer", invoice["customer"])
    starting = customer["balance"]
    due = invoice["total"] + starting
    invoice["starting_balance"] = starting
    invoice["ending_balance"] = min(0, due)
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, due)
    if starting != invoice["ending_balance"]:
        before = snapshot(customer)
        customer["balance"] = invoice["ending_balance"]
        ctx.effect("customer.balance_used", customer, invoice=invoice["id"])
        events.emit(ctx, "customer.updated", customer, before=before)


def _expect_payment(ctx: Context, invoice: Json) -> Json:
    payment: Json = {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": ctx.now(invoice["customer"]),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": new_id("pi"), "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    ctx.account.add("invoice_payment", payment)
    ctx.account.relate("invoice_payment.invoice", invoice["id"], payment["id"])
    return payment


def _default_payment(ctx: Context, invoice: Json) -> Json:
    """The payment that was expected when the invoice was finalised."""
    payments = ctx.account.related("invoice_payment.invoice", "invoice_payment", invoice["id"])
    return next(payments)


def charge(ctx: Context, invoice: Json, method_id: str) -> str | None:
    """Charge the invoice to a method; the decline code, or None when it is paid."""
    before = snapshot(invoice)
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    decline = payment_methods.decline_code(ctx, method_id)
    if decline is None:
        _mark_paid(ctx, invoice, invoice["amount_remaining"], before=before)
        return None
    ctx.effect("invoice.payment_failed", invoice, decline_code=decline)
    events.emit(ctx, "invoice.payment_failed", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    return decline


def method_for(ctx: Context, invoice: Json) -> str | None:
    """What a charge would use: the invoice's own default, its subscription's, the customer's."""
    subscription = ctx.account.find("subscription", subscription_id(invoice))
    inherited = subscription["default_payment_method"] if subscription is not None else None
    return payment_methods.chargeable(
        ctx,
        customer_id=invoice["customer"],
        own_default=invoice["default_payment_method"] or inherited,
    )


def collect(ctx: Context, invoice: Json) -> str | None:
    """Charge automatically after finalisation; the decline code, or None."""
    if invoice["status"] != "open" or invoice["collection_method"] != "charge_automatically":
        return None
    method_id = method_for(ctx, invoice)
    if method_id is not None:
        return charge(ctx, invoice, method_id)
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    ctx.effect("invoice.payment_failed", invoice, decline_code="no_payment_method")
    events.emit(ctx, "invoice.payment_failed", invoice)
    return "no_payment_method"


def _mark_paid(ctx: Context, invoice: Json, amount: int, *, before: Json | None = None) -> None:
    was = before or snapshot(invoice)
    now = ctx.now(invoice["customer"])
    invoice["status"] = "paid"
    invoice["amount_paid"] += amount
    invoice["amount_remaining"] = 0
    invoice["status_transitions"]["paid_at"] = now
    if amount:
        payment = _default_payment(ctx, invoice)
        payment["amount_paid"], payment["status"] = amount, "paid"
        payment["status_transitions"]["paid_at"] = now
    invoice["attempted"] = True
    ctx.effect("invoice.paid", invoice, amount=amount)
    events.emit(ctx, "invoice.updated", invoice, before=was)
    events.emit(ctx, "invoice.paid", invoice)
    events.emit(ctx, "invoice.payment_succeeded", invoice)


def void(ctx: Context, invoice: Json) -> Json:
    """Void a finalised invoice; its number stays used."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeError.refused(
            f"You can only void invoices that are open or uncollectible. This invoice is "
            f"{invoice['status']}.",
            code="invoice_not_editable",
        )
    if invoice["pre_payment_credit_notes_amount"]:
        raise StripeError.unsupported("voiding an invoice that has credit notes")
    before = snapshot(invoice)
    now = ctx.now(invoice["customer"])
    invoice["status"] = "void"
    invoice["auto_advance"] = False
    invoice["status_transitions"]["voided_at"] = now
    for payment in ctx.account.related("invoice_payment.invoice", "invoice_payment", invoice["id"]):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = now
    used = invoice["ending_balance"] - invoice["starting_balance"]
    if used:
        customer = ctx.get("customer", invoice["customer"])
        customer["balance"] -= used
    ctx.effect("invoice.voided", invoice, number=invoice["number"])
    events.emit(ctx, "invoice.voided", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    return invoice


def stop_collecting(ctx: Context, invoice: Json) -> None:
    """No automatic step any more, as after the end of a subscription."""
    if not invoice["auto_advance"]:
        return
    before = snapshot(invoice)
    invoice["auto_advance"] = False
    events.emit(ctx, "invoice.updated", invoice, before=before)


def lower(ctx: Context, invoice: Json, amount: int, *, before: Json) -> None:
    """A credit note before payment lowers what is left; nothing left means paid."""
    invoice["amount_due"] -= amount
    invoice["amount_remaining"] -= amount
    if invoice["amount_remaining"] > 0:
        events.emit(ctx, "invoice.updated", invoice, before=before)
        return
    for payment in ctx.account.related("invoice_payment.invoice", "invoice_payment", invoice["id"]):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = ctx.now(invoice["customer"])
    _mark_paid(ctx, invoice, 0, before=before)
