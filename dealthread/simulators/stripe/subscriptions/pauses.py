"""Pausing: of collection, where invoices go on, and of the subscription, where nothing does.

Sources: docs.stripe.com/billing/subscriptions/pause-payment and /pause; docstrings of
`Subscription.pause` and `Subscription.resume`, stripe 16.1.
"""

from __future__ import annotations

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context, snapshot

RESUME_COLLECTION = "subscription.resume_collection"


def set_collection(ctx: Context, subscription: Json, given: Json | None) -> None:
    """The parameter `pause_collection`: paused, or collecting again."""
    if given is None:
        subscription["pause_collection"] = None
        return
    resumes_at = given.get("resumes_at")
    if resumes_at is not None and resumes_at <= ctx.now(subscription["customer"]):
        raise StripeError.refused(
            "`resumes_at` must be in the future.", param="pause_collection[resumes_at]"
        )
    subscription["pause_collection"] = {
        "behavior": given["behavior"],
        "resumes_at": resumes_at,
    }


def plan_collection(ctx: Context, subscription: Json) -> None:
    """Put the end of a pause of collection on the agenda."""
    pause = subscription["pause_collection"]
    due = None if pause is None else pause["resumes_at"]
    ctx.account.plan(RESUME_COLLECTION, subscription["id"], due)


def resume_collection(ctx: Context, subscription: Json) -> None:
    """The instant of `resumes_at` has come."""
    before = snapshot(subscription)
    subscription["pause_collection"] = None
    ctx.effect("subscription.updated", subscription, pause_collection=None)
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)


def hold(ctx: Context, subscription: Json, invoice: Json) -> None:
    """A new invoice while collection is paused may have to wait as a draft."""
    pause = subscription["pause_collection"]
    if pause is not None and pause["behavior"] == "keep_as_draft":
        invoice["auto_advance"] = False
        invoice["automatically_finalizes_at"] = None
        ctx.account.plan(invoicing.FINALIZE, invoice["id"], None)


def is_given_up(ctx: Context, subscription: Json | None, invoice: Json) -> bool:
    """Void an invoice just finalised, or write it off, where collection is paused that way."""
    pause = None if subscription is None else subscription["pause_collection"]
    if pause is None or invoice["status"] != "open":
        return False
    if pause["behavior"] == "void":
        invoicing.void(ctx, invoice)
    elif pause["behavior"] == "mark_uncollectible":
        invoicing.write_off(ctx, invoice)
    return bool(pause["behavior"] != "keep_as_draft")
