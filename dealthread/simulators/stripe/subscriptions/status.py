"""How the state of its invoices moves a subscription's status."""

from __future__ import annotations

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices.life import subscription_id
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context, snapshot

RENEW = "subscription.renew"
CANCEL = "subscription.cancel"
EXPIRE = "subscription.expire"
_ENDED = frozenset({"canceled", "incomplete_expired"})


def is_over(subscription: Json) -> bool:
    """Whether a subscription has ended for good."""
    return subscription["status"] in _ENDED


def set_status(ctx: Context, subscription: Json, status: str) -> None:
    """Change the status, with its event, when it differs."""
    if subscription["status"] == status:
        return
    before = snapshot(subscription)
    subscription["status"] = status
    if status != "incomplete":
        ctx.account.plan(EXPIRE, subscription["id"], None)
    if status in _ENDED:
        for deed in (RENEW, CANCEL):
            ctx.account.plan(deed, subscription["id"], None)
    ctx.effect("subscription.updated", subscription, status=status)
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)


def settle(ctx: Context, invoice: Json) -> None:
    """After an invoice changed: a paid one activates, a failed one makes the subscription past due.

    Source: docs.stripe.com/billing/subscriptions/overview#subscription-statuses.
    """
    owner = subscription_id(invoice)
    subscription = ctx.account.find("subscription", owner)
    if subscription is None or is_over(subscription):
        return
    status, is_first = subscription["status"], invoice["billing_reason"] == "subscription_create"
    if invoice["status"] == "paid" and status in ("incomplete", "past_due", "unpaid"):
        if status != "incomplete" and subscription["latest_invoice"] != invoice["id"]:
            return
        set_status(ctx, subscription, "active")
    elif invoice["status"] == "void" and status == "incomplete" and is_first:
        set_status(ctx, subscription, "incomplete_expired")
    elif (
        invoice["status"] == "open"
        and status == "active"
        and invoice["attempt_count"]
        and invoice["collection_method"] == "charge_automatically"
    ):
        set_status(ctx, subscription, "past_due")
