"""Free trials: nothing is charged until they end, and what happens then without a card.

Source: docs.stripe.com/billing/subscriptions/trials/free-trials and docstrings of stripe 16.1.
"""

from __future__ import annotations

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.status import set_status
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context

WILL_END = "subscription.trial_will_end"
_SECONDS_PER_DAY = 86_400
# `customer.subscription.trial_will_end` comes three days before, or at once for shorter trials.
_NOTICE_SECONDS = 3 * _SECONDS_PER_DAY
MAX_DAYS = 730


def end_of(params: Json, now: int) -> int | None:
    """When the trial of a new subscription ends; None for no trial."""
    if "trial_end" in params and "trial_period_days" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: trial_end, trial_period_days.",
            param="trial_period_days",
        )
    if "trial_period_days" in params:
        days: int = params["trial_period_days"]
        return now + days * _SECONDS_PER_DAY if days else None
    ends = params.get("trial_end", "now")
    if ends == "now":
        return None
    check_end(ends, now)
    found: int = ends
    return found


def check_end(ends: int, now: int) -> None:
    """A trial ends in the future, two years from now at most."""
    if ends <= now:
        raise StripeError.refused(
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="trial_end",
        )
    if ends > now + MAX_DAYS * _SECONDS_PER_DAY:
        raise StripeError.refused(
            "The maximum number of trial period days is 730 (2 years).", param="trial_end"
        )


def announce(ctx: Context, subscription: Json) -> None:
    """Plan the notice of a trial's end."""
    if subscription["status"] != "trialing":
        ctx.account.plan(WILL_END, subscription["id"], None)
        return
    now = ctx.now(subscription["customer"])
    due = max(now, subscription["trial_end"] - _NOTICE_SECONDS)
    if due == now:
        tell(ctx, subscription)
        due = None
    ctx.account.plan(WILL_END, subscription["id"], due)


def tell(ctx: Context, subscription: Json) -> None:
    """The notice itself."""
    if subscription["status"] == "trialing":
        events.emit(ctx, "customer.subscription.trial_will_end", subscription)


def finish(ctx: Context, subscription: Json, at: int) -> bool:
    """A period begins: if it ends the trial, the status follows. False: nothing is to be billed.

    Only a subscription that charges automatically can lack a payment method.
    """
    if subscription["status"] != "trialing" or at < subscription["trial_end"]:
        return True
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if behavior != "create_invoice" and _lacks_method(ctx, subscription):
        if behavior == "cancel":
            subscription["status"] = "canceled"
        else:
            pause(ctx, subscription, "trial_end_without_payment_method")
        return False
    set_status(ctx, subscription, "active")
    return True


def _lacks_method(ctx: Context, subscription: Json) -> bool:
    if subscription["collection_method"] != "charge_automatically":
        return False
    own = subscription["default_payment_method"]
    customer_id = subscription["customer"]
    return payment_methods.chargeable(ctx, customer_id=customer_id, own_default=own) is None


def pause(ctx: Context, subscription: Json, reason: str) -> None:
    """The status `paused`: no periods, no invoices, until it is resumed."""
    subscription["status_details"] = {
        "paused": {
            "subscription": {"type": reason},
            "transitioned_at": ctx.now(subscription["customer"]),
            "type": "subscription",
        }
    }
    set_status(ctx, subscription, "paused")
    events.emit(ctx, "customer.subscription.paused", subscription)
