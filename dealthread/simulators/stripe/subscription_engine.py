"""Starting, renewing and ending subscriptions; both the API and the schedules come here."""

from __future__ import annotations

from dealthread.simulators.stripe import (
    events,
    invoice_items,
    invoicing,
    payment_methods,
    plan_discounts,
)
from dealthread.simulators.stripe.billing import Bill, Payer, charges_of, current_period, draft
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.invoices import no_payment_method
from dealthread.simulators.stripe.plans import Plan, keep_inline_price
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscription_shape import plan_of, subscription_object
from dealthread.simulators.stripe.subscription_status import (
    CANCEL,
    EXPIRE,
    RENEW,
    is_over,
    set_status,
    settle,
)
from dealthread.simulators.stripe.world import Context, snapshot

# docs.stripe.com/billing/subscriptions/overview: a first payment may be made for 23 hours.
INCOMPLETE_SECONDS = 23 * 3600


def first_bill(
    ctx: Context,
    plan: Plan,
    payer: Payer,
    *,
    invoice_id: str,
    subscription_id: str | None,
    at: int,
) -> Bill:
    """The first invoice of a plan: every period from its start to the one that holds `at`, and
    what is pending for the customer."""
    moment = max(at, plan.start)
    bill = Bill(
        invoice_id=invoice_id,
        payer=payer,
        currency=plan.currency,
        charges=[
            *invoice_items.pending(ctx, payer.id, subscription_id),
            *charges_of(ctx, plan, subscription_id=subscription_id, at=moment, since=plan.start),
        ],
        at=moment,
        billing_reason="subscription_create",
        collection_method=plan.collection_method,
        default_tax_rates=plan.default_tax_rates,
        period=(moment, moment),
        custom_fields=plan.custom_fields,
        footer=plan.footer,
        subscription_id=subscription_id,
        subscription_metadata=plan.metadata,
    )
    return plan_discounts.of_new(bill, plan)


def start(
    ctx: Context,
    plan: Plan,
    customer: Json,
    *,
    mode: Json,
    payment_behavior: str = "allow_incomplete",
    schedule_id: str | None = None,
) -> Json:
    """Create a subscription with its first invoice.

    Without a schedule, an invoice that charges automatically is finalised and charged at once; all
    others are drafts for an hour (docs.stripe.com/billing/subscriptions/invoices).
    """
    now = ctx.now(customer["id"])
    subscription_id, invoice_id = new_id("sub"), new_id("in")
    bill = first_bill(
        ctx,
        plan,
        Payer.of(customer),
        invoice_id=invoice_id,
        subscription_id=subscription_id,
        at=now,
    )
    is_charged_now = plan.collection_method == "charge_automatically" and schedule_id is None
    due = draft(ctx, bill)[0]["amount_due"]
    if is_charged_now and due:
        _check_first_payment(ctx, plan, customer, payment_behavior)
    for item in plan.items:
        keep_inline_price(ctx, item.price)
    for extra in plan.extras:
        keep_inline_price(ctx, extra.price)
    status = "incomplete" if is_charged_now and due else "active"
    subscription = subscription_object(
        plan,
        subscription_id=subscription_id,
        customer_id=customer["id"],
        now=now,
        status=status,
        mode=mode,
    )
    subscription["schedule"], subscription["test_clock"] = schedule_id, customer["test_clock"]
    subscription["latest_invoice"] = invoice_id
    plan_discounts.keep(ctx, plan, subscription)
    account = ctx.account
    account.add("subscription", subscription)
    account.relate("subscription.customer", customer["id"], subscription_id)
    if plan.cancel_at is not None or plan.cancel_at_period_end:
        set_end(ctx, subscription, plan.cancel_at, at_period_end=plan.cancel_at_period_end)
    if customer["currency"] is None:
        customer["currency"] = plan.currency
    plan_renewal(ctx, subscription)
    ctx.effect("subscription.created", subscription, metadata=subscription["metadata"])
    invoice = invoicing.open_draft(ctx, bill, days_until_due=plan.days_until_due)
    events.emit(ctx, "customer.subscription.created", subscription)
    if is_charged_now:
        invoicing.finalize(ctx, invoice)
        if due and payment_behavior != "default_incomplete":
            invoicing.collect(ctx, invoice)
        settle(ctx, invoice)
    if subscription["status"] == "incomplete":
        account.plan(EXPIRE, subscription_id, now + INCOMPLETE_SECONDS)
    return subscription


def _check_first_payment(ctx: Context, plan: Plan, customer: Json, payment_behavior: str) -> None:
    """Refuse before anything exists, where the vendor would."""
    if payment_behavior == "default_incomplete":
        return
    method_id = payment_methods.chargeable(
        ctx, customer_id=customer["id"], own_default=plan.default_payment_method
    )
    if method_id is None:
        raise no_payment_method()
    decline = payment_methods.decline_code(ctx, method_id)
    if decline is not None and payment_behavior == "error_if_incomplete":
        raise StripeError.card_declined(decline)


def set_end(ctx: Context, subscription: Json, ends: int | None, *, at_period_end: bool) -> None:
    """Say when a subscription ends by itself, or that it does not."""
    period_end = subscription["items"]["data"][0]["current_period_end"]
    subscription["cancel_at_period_end"] = at_period_end
    subscription["cancel_at"] = period_end if at_period_end else ends
    is_ending = subscription["cancel_at"] is not None
    subscription["canceled_at"] = ctx.now(subscription["customer"]) if is_ending else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if is_ending else None
    ctx.account.plan(CANCEL, subscription["id"], subscription["cancel_at"])


def plan_renewal(ctx: Context, subscription: Json) -> None:
    """Put the end of the current period on the agenda."""
    ends = subscription["items"]["data"][0]["current_period_end"]
    ctx.account.plan(RENEW, subscription["id"], ends)


def renew(ctx: Context, subscription: Json) -> None:
    """Begin the next period: move the items on and draft its invoice."""
    if is_over(subscription):
        return
    at = ctx.now(subscription["customer"])
    items = subscription["items"]["data"]
    if subscription["cancel_at_period_end"]:
        cancel(ctx, subscription, reason="cancellation_requested")
        return
    before = snapshot(subscription)
    ended = (items[0]["current_period_start"], items[0]["current_period_end"])
    plan = plan_of(subscription)
    span = current_period(plan, at)
    for item in items:
        item["current_period_start"], item["current_period_end"] = span
    plan_renewal(ctx, subscription)
    if subscription["status"] == "incomplete":
        return
    customer = ctx.get("customer", subscription["customer"])
    bill = Bill(
        invoice_id=new_id("in"),
        payer=Payer.of(customer),
        currency=plan.currency,
        charges=[
            *invoice_items.pending(ctx, customer["id"], subscription["id"]),
            *charges_of(ctx, plan, subscription_id=subscription["id"], at=at, since=span[0]),
        ],
        at=at,
        billing_reason="subscription_cycle",
        collection_method=plan.collection_method,
        default_tax_rates=plan.default_tax_rates,
        period=ended,
        custom_fields=plan.custom_fields,
        footer=plan.footer,
        subscription_id=subscription["id"],
        subscription_metadata=plan.metadata,
    )
    invoice = invoicing.open_draft(ctx, bill, days_until_due=plan.days_until_due)
    subscription["latest_invoice"] = invoice["id"]
    ctx.effect("subscription.renewed", subscription, invoice=invoice["id"])
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)


def cancel(ctx: Context, subscription: Json, *, reason: str, details: Json | None = None) -> Json:
    """End a subscription now, without proration.

    Automatic collection of its *finalised* invoices stops (docstring of `Subscription.cancel`,
    stripe 16.1). Nothing is said of drafts, so the worse is assumed: a draft that nobody held still
    gets its number after its hour, though nothing is charged any more.
    """
    now = ctx.now(subscription["customer"])
    for invoice in ctx.account.related("invoice.subscription", "invoice", subscription["id"]):
        if invoice["status"] == "open":
            invoicing.stop_collecting(ctx, invoice)
    for deed in (RENEW, CANCEL, EXPIRE):
        ctx.account.plan(deed, subscription["id"], None)
    subscription["status"] = "canceled"
    subscription["canceled_at"] = subscription["canceled_at"] or now
    subscription["ended_at"] = now
    subscription["cancellation_details"]["reason"] = reason
    for name, value in (details or {}).items():
        subscription["cancellation_details"][name] = value
    ctx.effect("subscription.canceled", subscription, reason=reason)
    events.emit(ctx, "customer.subscription.deleted", subscription)
    return subscription


def expire(ctx: Context, subscription: Json) -> None:
    """A first payment that never came: the subscription lapses and its invoice is voided."""
    if subscription["status"] != "incomplete":
        return
    for invoice in ctx.account.related("invoice.subscription", "invoice", subscription["id"]):
        if invoice["status"] == "open":
            invoicing.void(ctx, invoice)
    subscription["ended_at"] = ctx.now(subscription["customer"])
    set_status(ctx, subscription, "incomplete_expired")
