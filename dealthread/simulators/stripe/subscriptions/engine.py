"""Starting, renewing and ending subscriptions; both the API and the schedules come here."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue import plan_discounts
from dealthread.simulators.stripe.catalogue.prices import is_metered
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.invoices.bill import Payer, draft
from dealthread.simulators.stripe.invoices.requests import no_payment_method
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import bills as subscription_bills
from dealthread.simulators.stripe.subscriptions import proration, trials
from dealthread.simulators.stripe.subscriptions.plans import Plan, keep_inline_price
from dealthread.simulators.stripe.subscriptions.shape import plan_of, subscription_object
from dealthread.simulators.stripe.subscriptions.spans import span_at
from dealthread.simulators.stripe.subscriptions.status import (
    CANCEL,
    EXPIRE,
    RENEW,
    is_over,
    set_status,
    settle,
)
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context, snapshot

# docs.stripe.com/billing/subscriptions/overview: a first payment may be made for 23 hours.
INCOMPLETE_SECONDS = 23 * 3600


def start(
    ctx: Context,
    plan: Plan,
    customer: Json,
    *,
    mode: Json,
    payment_behavior: str = "allow_incomplete",
    schedule_id: str | None = None,
) -> Json:
    """Create a subscription with its first invoice, unless that would be empty.

    Without a schedule, an invoice that charges automatically is finalised and charged at once; all
    others are drafts for an hour (docs.stripe.com/billing/subscriptions/invoices).
    """
    now = ctx.now(customer["id"])
    subscription_id, invoice_id = new_id("sub"), new_id("in")
    bill = subscription_bills.first_bill(
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
    if status == "active" and plan.trial_end is not None and plan.trial_end > now:
        status = "trialing"
    subscription = subscription_object(
        plan,
        subscription_id=subscription_id,
        customer_id=customer["id"],
        now=now,
        status=status,
        mode=mode,
    )
    subscription["schedule"], subscription["test_clock"] = schedule_id, customer["test_clock"]
    subscription["latest_invoice"] = invoice_id if bill.charges else None
    account = ctx.account
    account.add("subscription", subscription)
    account.relate("subscription.customer", customer["id"], subscription_id)
    plan_discounts.keep(ctx, plan, subscription)
    if plan.cancel_at is not None or plan.cancel_at_period_end:
        set_end(ctx, subscription, plan.cancel_at, at_period_end=plan.cancel_at_period_end)
    if customer["currency"] is None:
        customer["currency"] = plan.currency
    plan_renewal(ctx, subscription)
    ctx.effect("subscription.created", subscription, metadata=subscription["metadata"])
    if bill.charges:
        invoice = invoicing.open_draft(ctx, bill, days_until_due=plan.days_until_due)
    events.emit(ctx, "customer.subscription.created", subscription)
    trials.announce(ctx, subscription)
    if is_charged_now and bill.charges:
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


def next_boundary(subscription: Json) -> int:
    """The earliest end of a current period among the items."""
    ends: list[int] = [item["current_period_end"] for item in subscription["items"]["data"]]
    return min(ends)


def set_end(ctx: Context, subscription: Json, ends: int | None, *, at_period_end: bool) -> None:
    """Say when a subscription ends by itself, or that it does not."""
    show_end(ctx, subscription, ends, at_period_end=at_period_end)
    ctx.account.plan(CANCEL, subscription["id"], subscription["cancel_at"])


def show_end(ctx: Context, subscription: Json, ends: int | None, *, at_period_end: bool) -> None:
    """How a subscription shows its end."""
    subscription["cancel_at_period_end"] = at_period_end
    subscription["cancel_at"] = next_boundary(subscription) if at_period_end else ends
    is_ending = subscription["cancel_at"] is not None
    subscription["canceled_at"] = ctx.now(subscription["customer"]) if is_ending else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if is_ending else None


def plan_renewal(ctx: Context, subscription: Json) -> None:
    """Put the end of the current period on the agenda; a paused subscription has no next one."""
    ends = None if subscription["status"] == "paused" else next_boundary(subscription)
    ctx.account.plan(RENEW, subscription["id"], ends)


def renew(ctx: Context, subscription: Json) -> None:
    """Begin the next period of the items whose period is over, and draft its invoice.

    Items with another interval are left alone (docs.stripe.com/billing/subscriptions/
    mixed-interval).
    """
    if is_over(subscription) or subscription["status"] == "paused":
        return
    at = ctx.now(subscription["customer"])
    if subscription["cancel_at_period_end"]:
        end(ctx, subscription)
        return
    if not trials.finish(ctx, subscription, at):
        if subscription["status"] == "canceled":
            _tell_end(ctx, subscription, "cancellation_requested")
        return
    before = snapshot(subscription)
    due = [one for one in subscription["items"]["data"] if one["current_period_end"] <= at]
    ended = (
        max(item["current_period_start"] for item in due),
        min(item["current_period_end"] for item in due),
    )
    plan = plan_of(subscription)
    for item in due:
        span = span_at(plan, item["price"]["recurring"], at)
        item["current_period_start"], item["current_period_end"] = span.pair
    plan_renewal(ctx, subscription)
    if subscription["status"] == "incomplete":
        return
    invoice = subscription_bills.draft_now(
        ctx,
        subscription,
        plan,
        at=at,
        reason="subscription_cycle",
        period=ended,
        only={item["id"] for item in due},
    )
    ctx.effect("subscription.renewed", subscription, invoice=invoice and invoice["id"])
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)


def end(ctx: Context, subscription: Json) -> Json:
    """A planned end has come: what is still pending, and the last usage, is billed once more.

    docs.stripe.com/billing/subscriptions/cancel: pending prorations are collected at the end;
    docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup: so is the usage.
    """
    at = ctx.now(subscription["customer"])
    plan = plan_of(subscription)
    cancel(ctx, subscription, reason="cancellation_requested")
    if any(is_metered(item.price) for item in plan.items) or any(
        charge.subscription == subscription["id"]
        for charge in invoice_items.pending(ctx, subscription["customer"], subscription["id"])
    ):
        # Drafted after the end, so it is the one invoice that is still collected by itself.
        subscription_bills.draft_now(
            ctx,
            subscription,
            plan,
            at=at,
            reason="subscription_cycle",
            period=(at, at),
            only=(),
            is_final=True,
        )
    return subscription


def cancel_now(
    ctx: Context,
    subscription: Json,
    *,
    prorate: bool,
    invoice_now: bool,
    details: Json | None = None,
) -> Json:
    """End a subscription at once, with credits for unused time and a final invoice if asked for.

    Docstrings of `Subscription.cancel` and its parameters, stripe 16.1. Pending prorations are
    dropped when neither is asked for.
    """
    at, plan = ctx.now(subscription["customer"]), plan_of(subscription)
    given_back = []
    if prorate:
        for item in subscription["items"]["data"]:
            given_back += proration.credits(
                ctx, subscription, item["id"], at, item["current_period_end"]
            )
    cancel(ctx, subscription, reason="cancellation_requested", details=details)
    proration.keep(ctx, subscription["customer"], given_back)
    if invoice_now:
        invoice = subscription_bills.draft_now(
            ctx,
            subscription,
            plan,
            at=at,
            reason="subscription_update",
            period=(at, at),
            only=(),
            is_final=True,
        )
        if invoice is not None and plan.collection_method == "charge_automatically":
            invoicing.finalize(ctx, invoice)
            invoicing.collect(ctx, invoice)
    elif not prorate:
        invoice_items.drop_prorations(ctx, subscription)
    return subscription


def cancel(ctx: Context, subscription: Json, *, reason: str, details: Json | None = None) -> Json:
    """End a subscription now, without proration."""
    for name, value in (details or {}).items():
        subscription["cancellation_details"][name] = value
    subscription["status"] = "canceled"
    _tell_end(ctx, subscription, reason)
    return subscription


def _tell_end(ctx: Context, subscription: Json, reason: str) -> None:
    """What every end brings with it.

    Its open invoices and its drafts lose `auto_advance`: docs.stripe.com/billing/subscriptions/
    cancel, under the invoice items. The docstring of `Subscription.cancel` (stripe 16.1) names the
    finalised ones only; the page is the more specific one.
    """
    for invoice in ctx.account.related("invoice.subscription", "invoice", subscription["id"]):
        if invoice["status"] in ("draft", "open"):
            invoicing.stop_collecting(ctx, invoice)
    now = ctx.now(subscription["customer"])
    for deed in (RENEW, CANCEL, EXPIRE, trials.WILL_END):
        ctx.account.plan(deed, subscription["id"], None)
    subscription["canceled_at"] = subscription["canceled_at"] or now
    subscription["ended_at"] = now
    subscription["cancellation_details"]["reason"] = reason
    ctx.effect("subscription.canceled", subscription, reason=reason)
    events.emit(ctx, "customer.subscription.deleted", subscription)


def expire(ctx: Context, subscription: Json) -> None:
    """A first payment that never came: the subscription lapses and its invoice is voided."""
    if subscription["status"] != "incomplete":
        return
    for invoice in ctx.account.related("invoice.subscription", "invoice", subscription["id"]):
        if invoice["status"] == "open":
            invoicing.void(ctx, invoice)
    subscription["ended_at"] = ctx.now(subscription["customer"])
    set_status(ctx, subscription, "incomplete_expired")
