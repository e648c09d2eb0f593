"""One-off invoices: made by hand, with what is pending for the customer or with nothing yet.

Source: docs.stripe.com/api/invoices/create and the docstrings of `InvoiceCreateParams` (stripe
16.1): nothing advances by itself unless asked, pending items are left out unless included.
"""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue import discounts
from dealthread.simulators.stripe.catalogue import products as catalogue
from dealthread.simulators.stripe.config import default_currency
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.invoices.bill import Bill, Payer
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import check_currency
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/invoices: a draft."""
    if "customer" not in params:
        raise StripeError.missing("customer")
    customer = ctx.get("customer", params["customer"], param="customer")
    subscription = _subscription(ctx, params)
    collection = params.get("collection_method", "charge_automatically")
    _check_terms(params, collection)
    auto_advance = params.get("auto_advance", False)
    if "automatically_finalizes_at" in params and not auto_advance:
        raise StripeError.refused(
            "automatically_finalizes_at needs auto_advance.", param="automatically_finalizes_at"
        )
    method_id = params.get("default_payment_method")
    if method_id is not None:
        payment_methods.owned_by(ctx, method_id, customer["id"], param="default_payment_method")
    rates = catalogue.usable_tax_rates(
        ctx, params.get("default_tax_rates", []), "default_tax_rates"
    )
    charges = _pending(ctx, params, customer, subscription)
    currency = _currency(ctx, params, customer, charges)
    now = ctx.now(customer["id"])
    invoice_id = new_id("in")
    redemption = discounts.Redemption(
        customer["id"],
        currency,
        now,
        subtotal=sum(charge.amount for charge in charges),
        place={"invoice": invoice_id},
    )
    made = discounts.redeem(ctx, params.get("discounts") or [], "discounts", redemption)
    discounts.keep(ctx, made)
    bill = Bill(
        invoice_id=invoice_id,
        payer=Payer.of(customer),
        currency=currency,
        charges=charges,
        at=now,
        billing_reason="manual",
        collection_method=collection,
        default_tax_rates=rates,
        period=(now, now),
        subscription_id=None if subscription is None else subscription["id"],
        subscription_metadata={} if subscription is None else dict(subscription["metadata"]),
        description=params.get("description"),
        custom_fields=params.get("custom_fields") or None,
        footer=params.get("footer", customer["invoice_settings"]["footer"]),
        # By default those of the customer, who has none.
        discounts=[one.terms for one in made],
    )
    if customer["currency"] is None:
        customer["currency"] = currency
    return invoicing.open_draft(
        ctx,
        bill,
        days_until_due=params.get("days_until_due"),
        terms={
            "auto_advance": auto_advance,
            "default_payment_method": method_id,
            "due_date": params.get("due_date"),
            "effective_at": params.get("effective_at"),
            "metadata": metadata.fresh(params),
        },
        finalizes_at=params.get("automatically_finalizes_at"),
    )


def _subscription(ctx: Context, params: Json) -> Json | None:
    if "subscription" not in params:
        return None
    subscription = ctx.get("subscription", params["subscription"], param="subscription")
    if subscription["customer"] != params["customer"]:
        raise StripeError.no_such("subscription", subscription["id"], param="subscription")
    return subscription


def _check_terms(params: Json, collection: str) -> None:
    given = [name for name in ("days_until_due", "due_date") if name in params]
    if collection == "charge_automatically" and given:
        raise StripeError.refused(
            "`days_until_due` and `due_date` can only be set when collection_method is "
            "send_invoice.",
            param=given[0],
        )
    if len(given) > 1:
        raise StripeError.invalid(
            "You may only specify one of these parameters: days_until_due, due_date.",
            param="due_date",
        )
    if collection == "send_invoice" and not given:
        raise StripeError.missing("days_until_due")


def _pending(ctx: Context, params: Json, customer: Json, subscription: Json | None) -> list[Charge]:
    if params.get("pending_invoice_items_behavior", "exclude") == "exclude":
        return []
    return [
        charge
        for charge in invoice_items.all_pending(ctx, customer["id"])
        if subscription is None or charge.subscription == subscription["id"]
    ]


def _currency(ctx: Context, params: Json, customer: Json, charges: list[Charge]) -> str:
    """That of the request, of the customer, of the items, of the account: the first there is."""
    held = {charge.price["currency"] for charge in charges}
    found: str = (
        params.get("currency")
        or customer["currency"]
        or next(iter(held), default_currency(ctx.account.config))
    )
    check_currency(customer, found)
    if held - {found}:
        raise StripeError.unsupported(
            "pending items in another currency than the invoice", param="currency"
        )
    return found


def delete(ctx: Context, params: Json, invoice_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/invoices/{id}: a one-off draft; its invoice items are pending again."""
    invoice = ctx.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        raise StripeError.refused(
            "You can only delete draft invoices. Finalized invoices must be voided.",
            code="invoice_not_editable",
        )
    if invoicing.subscription_id(invoice) is not None:
        raise StripeError.refused(
            "You can't delete invoices created by subscriptions: they must be voided.",
            code="invoice_not_editable",
        )
    invoicing.plan_finalization(ctx, invoice, None)
    del ctx.account.of("invoice")[invoice_id]
    ctx.account.hidden.pop(invoice_id, None)
    invoice_items.release(ctx, invoice)
    ctx.effect("invoice.deleted", invoice)
    events.emit(ctx, "invoice.deleted", invoice)
    return {"id": invoice_id, "object": "invoice", "deleted": True}
