"""The life of an invoice: draft → open → paid, void or uncollectible, with balance and payments.

Sources: docs.stripe.com/invoicing/overview, docs.stripe.com/billing/subscriptions/invoices,
docs.stripe.com/invoicing/integration/workflow-transitions. Amounts in minor units.
"""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue import discounts
from dealthread.simulators.stripe.customers import balance
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import drafts, minimum_charge, numbering
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices.bill import Bill, draft, with_discounts
from dealthread.simulators.stripe.payments import (
    invoice_payments,
    payment_intents,
    payment_methods,
    retries,
)
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.usage import grace
from dealthread.simulators.stripe.usage import lines as usage_lines
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context, snapshot

# A draft finalises about an hour after it was made, unless it is the first invoice of a
# subscription that charges automatically (docs.stripe.com/billing/subscriptions/invoices).
GRACE_SECONDS = 3600
SECONDS_PER_DAY = 86_400

FINALIZE = "invoice.finalize"
OVERDUE = "invoice.overdue"
# Not a decline of a card: there was none to charge.
NO_METHOD = "no_payment_method"


def open_draft(
    ctx: Context,
    bill: Bill,
    *,
    days_until_due: int | None = None,
    terms: Json | None = None,
    finalizes_at: int | None = None,
) -> Json:
    """Keep a new draft and plan its finalisation; `terms` are fields that a request gave."""
    # What holds now holds for this invoice, whatever becomes of its subscription.
    bill = with_discounts(ctx, bill)
    invoice, lines = draft(ctx, bill)
    invoice.update(terms or {})
    account = ctx.account
    subscription = account.find("subscription", bill.subscription_id)
    if subscription is not None and subscription["status"] == "unpaid":
        # docs.stripe.com/billing/subscriptions/overview: its invoices stay drafts.
        invoice["auto_advance"] = False
    account.add("invoice", invoice)
    account.secret(invoice["id"]).update(lines=lines, days_until_due=days_until_due)
    discounts.claim(ctx, invoice, lines)
    account.relate("invoice.customer", str(bill.payer.id), invoice["id"])
    if bill.subscription_id is not None:
        account.relate("invoice.subscription", bill.subscription_id, invoice["id"])
    due = finalizes_at or bill.at + GRACE_SECONDS
    plan_finalization(ctx, invoice, due if invoice["auto_advance"] else None)
    invoice_items.attach(ctx, str(bill.payer.id), bill.charges, invoice["id"])
    drafts.remember(ctx, bill)
    usage_lines.mark(ctx, bill.charges)
    ctx.effect("invoice.created", invoice, total=invoice["total"])
    events.emit(ctx, "invoice.created", invoice)
    return invoice


def plan_finalization(ctx: Context, invoice: Json, due: int | None) -> None:
    """Say when a draft finalises by itself, or that it does not."""
    invoice["automatically_finalizes_at"] = due
    is_charged = invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically"
    invoice["next_payment_attempt"] = due if is_charged else None
    ctx.account.plan(FINALIZE, invoice["id"], due)


def subscription_id(invoice: Json) -> str | None:
    """The subscription an invoice belongs to."""
    parent = invoice["parent"]
    details = parent["subscription_details"] if parent is not None else None
    found: str | None = details["subscription"] if details is not None else None
    return found


def subscription_of(ctx: Context, invoice: Json) -> Json | None:
    """The subscription an invoice belongs to, as it is now."""
    return ctx.account.find("subscription", subscription_id(invoice))


def finalize(ctx: Context, invoice: Json, *, auto_advance: bool | None = None) -> Json:
    """Give the draft its number and open it; nothing due, or too little, means paid."""
    if invoice["status"] != "draft":
        raise StripeError.refused(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    grace.close(ctx, invoice)
    _check_amount(ctx, invoice, auto_advance=auto_advance)
    before = snapshot(invoice)
    account, now = ctx.account, ctx.now(invoice["customer"])
    customer = ctx.get("customer", invoice["customer"])
    if auto_advance is not None:
        invoice["auto_advance"] = auto_advance
    numbering.assign(ctx, invoice, customer, now)
    plan_finalization(ctx, invoice, None)
    invoice["status"] = "open"
    invoice["status_transitions"]["finalized_at"] = now
    if invoice["effective_at"] is None:
        invoice["effective_at"] = now
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        days = account.secret(invoice["id"])["days_until_due"]
        invoice["due_date"] = now + days * SECONDS_PER_DAY
    _use_balance(ctx, invoice, customer)
    page = f"https://invoice.stripe.com/i/{account.id}/test_{invoice['id']}"
    invoice["hosted_invoice_url"] = page
    invoice["invoice_pdf"] = f"https://pay.stripe.com/invoice/{account.id}/test_{invoice['id']}/pdf"
    if invoice["amount_due"] > 0:
        invoice_payments.expect(ctx, invoice)
    if invoice["collection_method"] == "send_invoice" and invoice["amount_due"] > 0:
        account.plan(OVERDUE, invoice["id"], invoice["due_date"])
    drafts.forget(ctx, invoice)
    discounts.consume(ctx, invoice, account.secret(invoice["id"])["lines"])
    ctx.effect("invoice.finalized", invoice, number=invoice["number"], total=invoice["total"])
    events.emit(ctx, "invoice.finalized", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    if invoice["amount_due"] == 0:
        _mark_paid(ctx, invoice)
    return invoice


def _check_amount(ctx: Context, invoice: Json, *, auto_advance: bool | None) -> None:
    """A charge of more than the maximum would become a debit of the balance: nothing we do."""
    due = invoice["total"] + ctx.get("customer", invoice["customer"])["balance"]
    is_charged = invoice["collection_method"] == "charge_automatically" and (
        invoice["auto_advance"] if auto_advance is None else auto_advance
    )
    if is_charged and due > minimum_charge.MAXIMUM:
        raise StripeError.unsupported("an invoice of more than can be charged")


def _use_balance(ctx: Context, invoice: Json, customer: Json) -> None:
    """The balance is taken by the next invoice finalised; what is too little to charge goes there.

    docs.stripe.com/billing/customer/balance: a total below zero is credited, an amount due below
    the minimum charge is debited and added to the next invoice.
    """
    starting = customer["balance"]
    due = invoice["total"] + starting
    invoice["starting_balance"] = starting
    taken = min(0, due) - starting
    if taken:
        balance.move(ctx, customer, taken, "applied_to_invoice", invoice=invoice)
    invoice["amount_due"] = max(0, due)
    if minimum_charge.is_too_small(due, invoice["currency"]):
        balance.move(ctx, customer, due, "invoice_too_small", invoice=invoice)
        invoice["amount_due"] = 0
    invoice["amount_remaining"] = invoice["amount_due"]
    invoice["ending_balance"] = customer["balance"]


def charge(
    ctx: Context, invoice: Json, method_id: str, *, is_automatic: bool = False
) -> str | None:
    """Charge what remains of an invoice to a method; the decline code, or None when it is paid.

    Only the first attempt and automatic ones count for the retry schedule.
    """
    before = snapshot(invoice)
    minimum_charge.check(invoice["amount_remaining"], invoice["currency"])
    invoice["attempted"] = True
    if is_automatic or not invoice["attempt_count"]:
        invoice["attempt_count"] += 1
    payment = invoice_payments.default_of(ctx, invoice)
    intent = invoice_payments.intent_of(ctx, payment)
    decline = payment_intents.attempt(ctx, intent, method_id)
    if decline is None:
        amount = invoice["amount_remaining"]
        invoice_payments.mark_paid(ctx, payment, amount)
        _credit(ctx, invoice, amount, before=before)
        return None
    retries.remember(ctx, invoice, decline, method_id)
    if is_automatic or invoice["next_payment_attempt"] is None:
        retries.plan_next(ctx, invoice, subscription_of(ctx, invoice))
    _tell_failure(ctx, invoice, decline, before)
    return decline


def _tell_failure(ctx: Context, invoice: Json, decline: str, before: Json) -> None:
    ctx.effect("invoice.payment_failed", invoice, decline_code=decline)
    events.emit(ctx, "invoice.payment_failed", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)


def credit_payment(ctx: Context, invoice: Json, payment: Json, amount: int) -> None:
    """A payment attached to the invoice has succeeded: it counts for the invoice."""
    before = snapshot(invoice)
    invoice_payments.mark_paid(ctx, payment, amount)
    _credit(ctx, invoice, amount, before=before)


def credit_record(ctx: Context, invoice: Json, payment: Json, amount: int) -> None:
    """A payment that was made elsewhere is attached: it counts for the invoice at once."""
    before = snapshot(invoice)
    invoice_payments.mark_paid(ctx, payment, amount)
    invoice["amount_paid_off_stripe"] += amount
    _credit(ctx, invoice, amount, before=before, is_by_intent=False)


def _credit(
    ctx: Context, invoice: Json, amount: int, *, before: Json, is_by_intent: bool = True
) -> None:
    invoice["amount_paid"] += amount
    invoice["amount_remaining"] -= amount
    if invoice["amount_remaining"] == 0:
        _mark_paid(ctx, invoice, before=before, is_by_intent=is_by_intent)
        return
    invoice_payments.follow(ctx, invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)


def method_for(ctx: Context, invoice: Json) -> str | None:
    """What a charge would use: the invoice's own default, its subscription's, the customer's."""
    subscription = subscription_of(ctx, invoice)
    inherited = subscription["default_payment_method"] if subscription is not None else None
    return payment_methods.chargeable(
        ctx,
        customer_id=invoice["customer"],
        own_default=invoice["default_payment_method"] or inherited,
    )


def collect(ctx: Context, invoice: Json) -> str | None:
    """Charge automatically after finalisation or at a retry; the decline code, or None."""
    retries.plan(ctx, invoice, None)
    if (
        invoice["status"] != "open"
        or invoice["collection_method"] != "charge_automatically"
        # A credit note may have left less than can be charged: then a person must settle it.
        or minimum_charge.is_too_small(invoice["amount_remaining"], invoice["currency"])
    ):
        return None
    method_id = method_for(ctx, invoice)
    decline = NO_METHOD if method_id is None else retries.useless(ctx, invoice, method_id)
    if method_id is not None and decline is None:
        return charge(ctx, invoice, method_id, is_automatic=True)
    before = snapshot(invoice)
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    retries.plan_next(ctx, invoice, subscription_of(ctx, invoice))
    _tell_failure(ctx, invoice, str(decline), before)
    return decline


def _mark_paid(
    ctx: Context, invoice: Json, *, before: Json | None = None, is_by_intent: bool = False
) -> None:
    """Nothing remains. `invoice.payment_succeeded` is told only of a payment intent's success."""
    was = before or snapshot(invoice)
    invoice["status"] = "paid"
    invoice["auto_advance"] = False
    invoice["status_transitions"]["paid_at"] = ctx.now(invoice["customer"])
    invoice["attempted"] = True
    _end(ctx, invoice)
    invoice_payments.close_all(ctx, invoice, "automatic")
    ctx.effect("invoice.paid", invoice, amount=invoice["amount_paid"])
    events.emit(ctx, "invoice.updated", invoice, before=was)
    events.emit(ctx, "invoice.paid", invoice)
    if is_by_intent:
        events.emit(ctx, "invoice.payment_succeeded", invoice)


def _end(ctx: Context, invoice: Json) -> None:
    """Nothing happens to it by itself any more."""
    retries.plan(ctx, invoice, None)
    ctx.account.plan(OVERDUE, invoice["id"], None)


def pay_elsewhere(ctx: Context, invoice: Json) -> None:
    """Mark what remains as paid outside of Stripe: no charge is made."""
    before = snapshot(invoice)
    amount = invoice["amount_remaining"]
    invoice["amount_paid"] += amount
    invoice["amount_paid_off_stripe"] += amount
    invoice["amount_remaining"] = 0
    _mark_paid(ctx, invoice, before=before)


def write_off(ctx: Context, invoice: Json) -> Json:
    """Mark an open invoice as uncollectible; it can still be paid or voided."""
    if invoice["status"] != "open":
        raise StripeError.refused(
            f"You can only mark open invoices as uncollectible. This invoice is "
            f"{invoice['status']}.",
            code="invoice_not_editable",
        )
    before = snapshot(invoice)
    invoice["status"] = "uncollectible"
    invoice["auto_advance"] = False
    invoice["status_transitions"]["marked_uncollectible_at"] = ctx.now(invoice["customer"])
    _end(ctx, invoice)
    ctx.effect("invoice.marked_uncollectible", invoice, number=invoice["number"])
    events.emit(ctx, "invoice.marked_uncollectible", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    return invoice


def void(ctx: Context, invoice: Json) -> Json:
    """Void a finalised invoice; its number stays used, the balance it took is given back."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeError.refused(
            f"You can only void invoices that are open or uncollectible. This invoice is "
            f"{invoice['status']}.",
            code="invoice_not_editable",
        )
    if invoice["pre_payment_credit_notes_amount"]:
        raise StripeError.unsupported("voiding an invoice that has credit notes")
    if invoice["amount_paid"] or invoice_payments.has_attached(ctx, invoice):
        # docs.stripe.com/invoicing/partial-payments: with an open or paid payment it cannot be
        # voided. The one that every invoice begins with is cancelled by the void.
        raise StripeError.refused(
            "You cannot void an invoice that has open or paid payments.",
            code="invoice_not_editable",
        )
    before = snapshot(invoice)
    invoice["status"] = "void"
    invoice["auto_advance"] = False
    invoice["status_transitions"]["voided_at"] = ctx.now(invoice["customer"])
    _end(ctx, invoice)
    invoice_payments.close_all(ctx, invoice, "void_invoice")
    taken = balance.applied_to(ctx, invoice)
    if taken:
        # docs.stripe.com/changelog/2019-12-03/customer-balances-returned-voided-invoices
        customer = ctx.get("customer", invoice["customer"])
        balance.move(ctx, customer, -taken, "unapplied_from_invoice", invoice=invoice)
    ctx.effect("invoice.voided", invoice, number=invoice["number"])
    events.emit(ctx, "invoice.voided", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    return invoice


def stop_collecting(ctx: Context, invoice: Json) -> None:
    """No automatic step of a draft or an open invoice, as after the end of its subscription.

    The seller can switch them on again by `auto_advance`.
    """
    if not invoice["auto_advance"]:
        return
    before = snapshot(invoice)
    invoice["auto_advance"] = False
    if invoice["status"] == "draft":
        plan_finalization(ctx, invoice, None)
    else:
        retries.plan(ctx, invoice, None)
    events.emit(ctx, "invoice.updated", invoice, before=before)


def change_due(ctx: Context, invoice: Json, amount: int, *, before: Json) -> None:
    """A credit note before payment changes what is left to pay; nothing left means paid."""
    invoice["amount_due"] += amount
    invoice["amount_remaining"] += amount
    if invoice["amount_remaining"] > 0:
        invoice_payments.follow(ctx, invoice)
        events.emit(ctx, "invoice.updated", invoice, before=before)
        return
    _mark_paid(ctx, invoice, before=before)
