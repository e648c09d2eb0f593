"""What one can ask of invoices: list, change, finalise, pay, send, write off, void."""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe.catalogue import discounts
from dealthread.simulators.stripe.catalogue import products as catalogue
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import drafts
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.payments import (
    invoice_payments,
    payment_intents,
    payment_methods,
    retries,
)
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.status import settle
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot, whole_or_nothing

# What stays changeable after finalisation (docs.stripe.com/invoicing/invoice-edits).
_ALWAYS = frozenset({"auto_advance", "default_payment_method", "metadata", "expand"})


def update(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}."""
    invoice = ctx.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        fixed = sorted(set(params) - _ALWAYS)
        if fixed:
            raise StripeError.refused(
                f"Finalized invoices can't be updated in this way: {', '.join(fixed)}",
                code="invoice_not_editable",
                param=fixed[0],
            )
    before = snapshot(invoice)
    with whole_or_nothing(invoice, ctx.account.secret(invoice_id)), discounts.tentative(ctx):
        _change(ctx, invoice, params)
        if "discounts" in params:
            _discount(ctx, invoice, params["discounts"])
    ctx.effect("invoice.updated", invoice)
    events.emit(ctx, "invoice.updated", invoice, before=before)
    return invoice


def _change(ctx: Context, invoice: Json, params: Json) -> None:
    if "collection_method" in params:
        _change_collection(ctx, invoice, params)
    if "days_until_due" in params or "due_date" in params:
        _change_due(ctx, invoice, params)
    if "default_payment_method" in params:
        invoice["default_payment_method"] = payment_methods.owned_by(
            ctx,
            params["default_payment_method"],
            invoice["customer"],
            param="default_payment_method",
        )
    for name in ("description", "footer", "effective_at"):
        if name in params:
            invoice[name] = params[name]
    if "default_tax_rates" in params:
        rates = catalogue.usable_tax_rates(ctx, params["default_tax_rates"], "default_tax_rates")
        drafts.compose(ctx, invoice, drafts.entries(ctx, invoice), default_tax_rates=rates)
    if "custom_fields" in params:
        invoice["custom_fields"] = params["custom_fields"] or None
    metadata.merge(invoice, params)
    _change_advance(ctx, invoice, params)


def _discount(ctx: Context, invoice: Json, given: list[Json]) -> None:
    """`discounts` of a draft: exactly these hold for it."""
    entries = drafts.entries(ctx, invoice)
    redemption = discounts.Redemption(
        invoice["customer"],
        invoice["currency"],
        ctx.now(invoice["customer"]),
        subtotal=sum(charge.amount for charge, _ in entries),
        held=invoice["discounts"],
        place={"invoice": invoice["id"]},
    )
    made = discounts.redeem(ctx, given, "discounts", redemption)
    discounts.keep(ctx, made)
    drafts.compose(ctx, invoice, entries, discounts=[one.terms for one in made])
    discounts.claim(ctx, invoice, ctx.account.secret(invoice["id"])["lines"])


def _change_collection(ctx: Context, invoice: Json, params: Json) -> None:
    method = params["collection_method"]
    hidden = ctx.account.secret(invoice["id"])
    if method == "send_invoice" and invoice["collection_method"] != "send_invoice":
        if "days_until_due" not in params and "due_date" not in params:
            raise StripeError.missing("days_until_due")
    elif method == "charge_automatically":
        invoice["due_date"] = None
        hidden["days_until_due"] = None
    invoice["collection_method"] = method


def _change_due(ctx: Context, invoice: Json, params: Json) -> None:
    if invoice["collection_method"] != "send_invoice":
        raise StripeError.refused(
            "`days_until_due` and `due_date` can only be set when collection_method is "
            "send_invoice.",
            param="days_until_due" if "days_until_due" in params else "due_date",
        )
    if "days_until_due" in params and "due_date" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: days_until_due, due_date.",
            param="due_date",
        )
    if "due_date" in params:
        invoice["due_date"] = params["due_date"]
    else:
        ctx.account.secret(invoice["id"])["days_until_due"] = params["days_until_due"]


def _change_advance(ctx: Context, invoice: Json, params: Json) -> None:
    if "auto_advance" in params:
        if invoice["status"] not in ("draft", "open"):
            raise StripeError.refused(
                f"auto_advance cannot be changed on an invoice that is {invoice['status']}.",
                code="invoice_not_editable",
                param="auto_advance",
            )
        invoice["auto_advance"] = params["auto_advance"]
        if invoice["status"] == "open" and not invoice["auto_advance"]:
            retries.plan(ctx, invoice, None)
    if invoice["status"] != "draft":
        return
    due = invoice["automatically_finalizes_at"]
    if "automatically_finalizes_at" in params:
        if not invoice["auto_advance"]:
            raise StripeError.refused(
                "automatically_finalizes_at needs auto_advance.",
                param="automatically_finalizes_at",
            )
        due = params["automatically_finalizes_at"]
    elif not invoice["auto_advance"]:
        due = None
    elif due is None:
        due = ctx.now(invoice["customer"]) + invoicing.GRACE_SECONDS
    invoicing.plan_finalization(ctx, invoice, due)


def finalize(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/finalize. With automatic advance, collection follows at once."""
    invoice = ctx.get("invoice", invoice_id)
    invoicing.finalize(ctx, invoice, auto_advance=params.get("auto_advance"))
    if invoice["auto_advance"]:
        invoicing.collect(ctx, invoice)
    settle(ctx, invoice)
    return invoice


def pay(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/pay, with a card or outside of Stripe."""
    invoice = ctx.get("invoice", invoice_id)
    if invoice["status"] == "paid":
        raise StripeError.refused("Invoice is already paid")
    if invoice["status"] == "draft":
        raise StripeError.unsupported("paying a draft; finalize it first")
    if invoice["status"] == "void":
        raise StripeError.refused("This invoice is void and can't be paid.")
    own = params.get("payment_method")
    if params.get("paid_out_of_band"):
        if own is not None:
            raise StripeError.unsupported("a method of a payment out of band")
        invoicing.pay_elsewhere(ctx, invoice)
        settle(ctx, invoice)
        return invoice
    if own is not None:
        payment_methods.owned_by(ctx, own, invoice["customer"], param="payment_method")
    method_id = own or invoicing.method_for(ctx, invoice)
    if method_id is None:
        raise no_payment_method()
    decline = invoicing.charge(ctx, invoice, method_id)
    settle(ctx, invoice)
    if decline is not None:
        payment = invoice_payments.default_of(ctx, invoice)
        raise payment_intents.declined(invoice_payments.intent_of(ctx, payment), decline)
    return invoice


def send(ctx: Context, params: Json, invoice_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/invoices/{id}/send: finalises a draft, then tells of the sending; no mail goes."""
    invoice = ctx.get("invoice", invoice_id)
    if invoice["collection_method"] != "send_invoice":
        raise StripeError.refused(
            "You can only manually send an invoice if its collection method is set to "
            "'send_invoice'."
        )
    if invoice["status"] in ("void", "uncollectible"):
        raise StripeError.refused(f"You cannot send an invoice that is {invoice['status']}.")
    if invoice["customer_email"] is None:
        raise StripeError.refused(
            "Missing email. In order to create invoices that are sent to the customer, the "
            "customer must have a valid email."
        )
    if invoice["status"] == "draft":
        invoicing.finalize(ctx, invoice)
        settle(ctx, invoice)
    ctx.effect("invoice.sent", invoice)
    events.emit(ctx, "invoice.sent", invoice)
    return invoice


def mark_uncollectible(ctx: Context, params: Json, invoice_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/invoices/{id}/mark_uncollectible."""
    return invoicing.write_off(ctx, ctx.get("invoice", invoice_id))


def no_payment_method() -> StripeError:
    """A charge with nothing to charge."""
    return StripeError.refused(
        "This customer has no attached payment source or default payment method. Please consider "
        "adding a default payment method.",
        code="resource_missing",
    )


def void(ctx: Context, params: Json, invoice_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/invoices/{id}/void."""
    invoice = invoicing.void(ctx, ctx.get("invoice", invoice_id))
    settle(ctx, invoice)
    return invoice


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/invoices."""
    account = ctx.account
    rows: Iterable[Json]
    if "subscription" in params:
        ctx.get("subscription", params["subscription"], param="subscription")
        rows = account.related("invoice.subscription", "invoice", params["subscription"])
    elif "customer" in params:
        ctx.get("customer", params["customer"], param="customer")
        rows = account.related("invoice.customer", "invoice", params["customer"])
    else:
        rows = account.of("invoice").values()
    names = ("customer", "status", "collection_method")
    return page(
        rows,
        params,
        "/v1/invoices",
        kind="invoice",
        keep=lambda row: (
            all(params.get(name, row[name]) == row[name] for name in names)
            and within(row["created"], params.get("created"))
            and within(row["due_date"], params.get("due_date"))
        ),
    )


def lines(ctx: Context, params: Json, invoice_id: str) -> Json:
    """GET /v1/invoices/{id}/lines: all lines, oldest first."""
    invoice = ctx.get("invoice", invoice_id)
    return page(
        ctx.account.secret(invoice_id)["lines"],
        params,
        invoice["lines"]["url"],
        kind="line item",
        newest_first=False,
    )
