"""What one can ask of invoices: read, list, change a draft, finalise, pay, void."""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe import events, invoicing, metadata, payment_methods
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.listing import envelope, page, within
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscription_status import settle
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
    with whole_or_nothing(invoice, ctx.account.secret(invoice_id)):
        _change(ctx, invoice, params)
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
    metadata.merge(invoice, params)
    _change_advance(ctx, invoice, params)


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
        invoice["auto_advance"] = params["auto_advance"]
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
    invoice["automatically_finalizes_at"] = due
    ctx.account.plan(invoicing.FINALIZE, invoice["id"], due)


def finalize(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/finalize. With automatic advance, collection follows at once."""
    invoice = ctx.get("invoice", invoice_id)
    invoicing.finalize(ctx, invoice, auto_advance=params.get("auto_advance"))
    if invoice["auto_advance"]:
        invoicing.collect(ctx, invoice)
    settle(ctx, invoice)
    return invoice


def pay(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/pay."""
    invoice = ctx.get("invoice", invoice_id)
    if invoice["status"] == "paid":
        raise StripeError.refused("Invoice is already paid")
    if invoice["status"] == "draft":
        raise StripeError.unsupported("paying a draft; finalize it first")
    if invoice["status"] == "void":
        raise StripeError.refused("This invoice is void and can't be paid.")
    own = params.get("payment_method")
    if own is not None:
        payment_methods.owned_by(ctx, own, invoice["customer"], param="payment_method")
    method_id = own or invoicing.method_for(ctx, invoice)
    if method_id is None:
        raise no_payment_method()
    decline = invoicing.charge(ctx, invoice, method_id)
    settle(ctx, invoice)
    if decline is not None:
        raise StripeError.card_declined(decline)
    return invoice


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


def delete(ctx: Context, params: Json, invoice_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/invoices/{id}: only one-off drafts can be deleted, and none is made here."""
    invoice = ctx.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        raise StripeError.refused(
            "You can only delete draft invoices. Finalized invoices must be voided.",
            code="invoice_not_editable",
        )
    raise StripeError.refused(
        "You can't delete invoices created by subscriptions: they must be voided.",
        code="invoice_not_editable",
    )


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


def payments(ctx: Context, params: Json) -> Json:
    """GET /v1/invoice_payments."""
    account = ctx.account
    rows: Iterable[Json] = account.of("invoice_payment").values()
    if "invoice" in params:
        rows = account.related("invoice_payment.invoice", "invoice_payment", params["invoice"])
    return page(
        rows,
        params,
        "/v1/invoice_payments",
        kind="invoice payment",
        keep=lambda row: (
            params.get("status", row["status"]) == row["status"]
            and within(row["created"], params.get("created"))
        ),
    )


def payments_of(ctx: Context, invoice: Json) -> Json:
    """The `payments` of an invoice, which are answered only when expanded."""
    rows = ctx.account.related("invoice_payment.invoice", "invoice_payment", invoice["id"])
    return envelope(list(rows), f"/v1/invoice_payments?invoice={invoice['id']}")
