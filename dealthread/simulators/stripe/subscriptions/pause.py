"""Pausing a subscription and resuming it: no periods and no invoices in between.

Source: docstrings of `Subscription.pause`, `Subscription.resume` and their parameters, stripe
16.1, and the table of docs.stripe.com/billing/subscriptions/mixed-interval on resuming. Refused,
because no page says what follows: a resumption invoice whose payment fails, and
`resume_on_payment_success` with something to pay.
"""

from __future__ import annotations

from dataclasses import replace

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.invoices.bill import Payer, draft
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import bills as subscription_bills
from dealthread.simulators.stripe.subscriptions import debits, proration, trials
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions.change import (
    Proposal,
    Terms,
    check_licensed,
    propose,
)
from dealthread.simulators.stripe.subscriptions.item_changes import unchanged
from dealthread.simulators.stripe.subscriptions.proration import Proration
from dealthread.simulators.stripe.subscriptions.shape import plan_of
from dealthread.simulators.stripe.subscriptions.spans import span_at
from dealthread.simulators.stripe.subscriptions.status import RENEW, set_status
from dealthread.simulators.stripe.subscriptions.update import charges_now
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context, snapshot

_PAUSABLE = ("active", "trialing", "past_due")


def pause(ctx: Context, params: Json, subscription_id: str) -> Json:
    """POST /v1/subscriptions/{id}/pause."""
    subscription = ctx.get("subscription", subscription_id)
    if subscription["schedule"] is not None:
        raise StripeError.refused("You cannot pause a subscription with an attached schedule.")
    if subscription["status"] not in _PAUSABLE:
        raise StripeError.refused(
            f"A subscription that is {subscription['status']} cannot be paused."
        )
    if subscription["status"] == "trialing":
        raise StripeError.unsupported("pausing a trial")
    for item in subscription["items"]["data"]:
        check_licensed(item["price"])
    now = ctx.now(subscription["customer"])
    bill_for = params.get("bill_for") or {}
    kind = (bill_for.get("unused_time_from") or {"type": "now"})["type"]
    given_back: list[Proration] = []
    for item in subscription["items"]["data"]:
        since = item["current_period_start"] if kind == "item_current_period_start" else now
        if kind != "none":
            given_back += proration.credits(
                ctx, subscription, item["id"], since, item["current_period_end"]
            )
    plan = plan_of(subscription)
    ctx.account.plan(RENEW, subscription_id, None)
    trials.pause(ctx, subscription, "pause_requested")
    proration.keep(ctx, subscription["customer"], given_back)
    if params.get("invoicing_behavior") == "invoice":
        invoice = subscription_bills.draft_now(
            ctx,
            subscription,
            plan,
            at=now,
            reason="subscription_update",
            period=(now, now),
            only=(),
        )
        if invoice is not None and plan.collection_method == "charge_automatically":
            invoicing.finalize(ctx, invoice)
            invoicing.collect(ctx, invoice)
    return subscription


def resume(ctx: Context, params: Json, subscription_id: str) -> Json:
    """POST /v1/subscriptions/{id}/resume."""
    subscription = ctx.get("subscription", subscription_id)
    if subscription["status"] != "paused":
        raise StripeError.refused(
            f"Only a paused subscription can be resumed; this one is {subscription['status']}."
        )
    if subscription["collection_method"] != "charge_automatically":
        raise StripeError.refused(
            "Only subscriptions that charge automatically can be resumed.",
            param="collection_method",
        )
    before = snapshot(subscription)
    proposal = _resumption(ctx, subscription, params)
    if proposal.is_billed_now:
        _check_payment(ctx, proposal, params)
    now = ctx.now(subscription["customer"])
    for name in ("billing_cycle_anchor", "billing_cycle_anchor_config", "items"):
        subscription[name] = proposal.subscription[name]
    subscription.pop("status_details", None)
    proration.keep(ctx, subscription["customer"], proposal.prorations)
    if proposal.is_billed_now:
        invoice = subscription_bills.draft_now(
            ctx,
            subscription,
            proposal.plan,
            at=now,
            reason="subscription_update",
            period=(now, now),
            only=proposal.renewing,
        )
        if invoice is not None:
            invoicing.finalize(ctx, invoice)
            invoicing.collect(ctx, invoice)
    set_status(ctx, subscription, "active")
    subscription_engine.plan_renewal(ctx, subscription)
    ctx.effect("subscription.resumed", subscription)
    events.emit(ctx, "customer.subscription.resumed", subscription, before=before)
    return subscription


def _resumption(ctx: Context, subscription: Json, params: Json) -> Proposal:
    """The subscription as it goes on: with new periods from now, or with the cycle it had."""
    behavior = params.get("proration_behavior", "create_prorations")
    anchor = (params.get("billing_cycle_anchor") or {"type": "now"})["type"]
    items = unchanged(subscription)
    if anchor == "now":
        # The time up to the pause was billed or given back then: nothing is prorated now.
        terms = Terms(behavior="none", is_anchored_now=True)
        return propose(ctx, subscription, items, terms)
    now = ctx.now(subscription["customer"])
    copy, plan = snapshot(subscription), plan_of(subscription)
    owed: list[Proration] = []
    for row, item in zip(copy["items"]["data"], plan.items, strict=True):
        check_licensed(item.price)
        span = span_at(plan, item.price["recurring"], now)
        row["current_period_start"], row["current_period_end"] = span.whole[0], span.end
        # What was billed and never given back is still served.
        paid = [one.until for one in debits.unused(ctx, subscription, item.item_id)]
        since = max(params.get("proration_date", now), span.whole[0], *paid)
        owed += proration.owed(ctx, plan, item, since, span.end, subscription["id"])
    if behavior == "none":
        owed = []
    return Proposal(copy, replace(plan), owed, set(), behavior)


def _check_payment(ctx: Context, proposal: Proposal, params: Json) -> None:
    """Refuse what could not be paid: no page says in which state that leaves everything."""
    plan, subscription = proposal.plan, proposal.subscription
    now = ctx.now(subscription["customer"])
    bill = subscription_bills.bill_of(
        plan,
        Payer.of(ctx.get("customer", subscription["customer"])),
        charges_now(ctx, proposal),
        invoice_id=new_id("in"),
        subscription_id=subscription["id"],
        at=now,
        reason="subscription_update",
        period=(now, now),
    )
    if draft(ctx, bill)[0]["amount_due"] <= 0:
        return
    if params.get("payment_behavior") == "resume_on_payment_success":
        raise StripeError.unsupported(
            "resuming when a payment succeeds later", param="payment_behavior"
        )
    method_id = payment_methods.chargeable(
        ctx, customer_id=subscription["customer"], own_default=plan.default_payment_method
    )
    if method_id is None or payment_methods.decline_code(ctx, method_id) is not None:
        raise StripeError.unsupported("resuming a subscription that cannot be charged")
