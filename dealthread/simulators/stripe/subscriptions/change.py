"""What a change of a subscription comes to: new items, periods and prorations; nothing is kept.

An update, an item's own update, a phase and a preview all come here, so that what was previewed is
what is billed. Sources: docs.stripe.com/billing/subscriptions/{prorations,change-price,
billing-cycle,cancel} and docstrings of stripe 16.1, for flexible billing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dealthread.simulators.stripe.catalogue.prices import is_metered
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import ends, proration, trials
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions.item_changes import ItemChange
from dealthread.simulators.stripe.subscriptions.plans import Plan, PlanItem, check_alike
from dealthread.simulators.stripe.subscriptions.proration import Proration
from dealthread.simulators.stripe.subscriptions.shape import (
    item_object,
    items_list,
    plan_of,
    same_price,
)
from dealthread.simulators.stripe.subscriptions.spans import Span, span_at
from dealthread.simulators.stripe.usage import lines as usage_lines
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context, snapshot

_CHANGEABLE = (
    "current_period_end",
    "current_period_start",
    "metadata",
    "plan",
    "price",
    "quantity",
    "tax_rates",
)


@dataclass(frozen=True)
class Terms:
    """What a request wants to change beside the items."""

    behavior: str = "create_prorations"
    proration_date: int | None = None
    is_anchored_now: bool = False
    # None: untouched; "now" ends the trial.
    trial_end: int | str | None = None
    # Names and values of `cancel_at` and `cancel_at_period_end`, as sent.
    ending: Json = field(default_factory=dict)


@dataclass
class Proposal:
    """A changed copy of a subscription, and what has to be billed for it."""

    subscription: Json
    plan: Plan
    prorations: list[Proration]
    # Items whose new period begins now and is billed at once.
    renewing: set[str]
    behavior: str

    @property
    def is_billed_now(self) -> bool:
        """Whether an invoice is made at once."""
        return bool(self.renewing or (self.behavior == "always_invoice" and self.prorations))


def propose(
    ctx: Context, subscription: Json, changes: Sequence[ItemChange], terms: Terms
) -> Proposal:
    """The change applied to a copy. Raises StripeError for what Stripe would refuse."""
    now = ctx.now(subscription["customer"])
    old, copy = subscription, snapshot(subscription)
    date = _proration_date(old, terms, now)
    starts_trial = _change_trial(old, copy, terms, now)
    ends_trial = terms.trial_end == "now" and old["status"] == "trialing"
    if terms.is_anchored_now and old["status"] == "trialing":
        raise StripeError.unsupported(
            "a reset of the anchor during a trial", param="billing_cycle_anchor"
        )
    is_reset = terms.is_anchored_now or starts_trial or ends_trial
    if is_reset and not starts_trial:
        copy["billing_cycle_anchor"], copy["billing_cycle_anchor_config"] = now, None
    items = [change.item for change in changes if change.item is not None]
    if not items:
        raise StripeError.refused(
            "A subscription must have at least one active item; cancel it instead.",
            param="items",
        )
    check_alike([item.price for item in items], "items")
    held = {one["id"]: one for one in old["items"]["data"]}
    if terms.ending:
        copy["cancel_at"] = ends.of_present(old, terms.ending, now)
        copy["cancel_at_period_end"] = terms.ending.get("cancel_at_period_end", False)
    if copy["cancel_at_period_end"]:
        # It follows the end of the period, whatever that becomes.
        copy["cancel_at"] = None
    plan = replace(plan_of(copy), items=items)
    is_trial = copy["status"] == "trialing"
    rows, prorations, renewing = [], [], set[str]()
    for change in changes:
        was = None if change.old_id is None else held[change.old_id]
        if change.item is None:
            if was is not None:
                prorations += removed(ctx, old, was, date)
            continue
        item = change.item
        span = span_of(plan, item, was, now, is_reset=is_reset)
        rows.append(row_of(item, old["id"], span, was, now))
        if is_reset:
            renewing.add(item.item_id)
            if was is not None and not same_price(was["price"], item.price):
                # Its new period would bill the usage before it at the new price.
                check_licensed(was["price"])
            if was is not None:
                end = was["current_period_end"]
                prorations += proration.credits(ctx, old, was["id"], date, end)
        elif not is_trial:
            prorations += surviving(ctx, old, plan, item, was, span, date)
    copy["items"] = items_list(old["id"], rows)
    if copy["cancel_at_period_end"]:
        copy["cancel_at"] = subscription_engine.next_boundary(copy)
    if terms.behavior == "none":
        prorations = []
    if is_trial and not is_reset and terms.behavior == "always_invoice" and _differ(old, rows):
        raise StripeError.unsupported(
            "an immediate invoice for a change during a trial", param="proration_behavior"
        )
    return Proposal(copy, plan, prorations, renewing, terms.behavior)


def _proration_date(subscription: Json, terms: Terms, now: int) -> int:
    """Within the current period, or from the backdated start on in the first one."""
    date = terms.proration_date
    if date is None:
        return now
    if terms.behavior == "none":
        raise StripeError.refused(
            "You cannot pass `proration_date` when `proration_behavior` is `none`.",
            param="proration_date",
        )
    items = subscription["items"]["data"]
    earliest = max(item["current_period_start"] for item in items)
    is_first = earliest <= subscription["created"]
    if is_first:
        earliest = subscription["start_date"]
    if not earliest <= date < min(item["current_period_end"] for item in items):
        raise StripeError.refused(
            "Cannot specify a proration date outside of the subscription's current period.",
            param="proration_date",
        )
    return date


def _change_trial(old: Json, copy: Json, terms: Terms, now: int) -> bool:
    """Whether a trial begins now; the copy shows the new trial."""
    wanted = terms.trial_end
    if wanted is None:
        return False
    if wanted == "now":
        if old["status"] == "trialing":
            copy["trial_end"], copy["status"] = now, "active"
        return False
    trials.check_end(int(wanted), now)
    copy["trial_end"] = copy["billing_cycle_anchor"] = int(wanted)
    copy["billing_cycle_anchor_config"] = None
    if old["status"] == "trialing":
        return False
    copy["trial_start"], copy["status"] = now, "trialing"
    return True


def span_of(plan: Plan, item: PlanItem, was: Json | None, now: int, *, is_reset: bool) -> Span:
    """The current period of an item after the change."""
    recurring = item.price["recurring"]
    if was is not None and not is_reset:
        old = was["price"]["recurring"]
        names = ("interval", "interval_count")
        if any(old[name] != recurring[name] for name in names):
            raise StripeError.unsupported(
                "another billing interval for an item without a reset of the anchor "
                "(billing_cycle_anchor[type]=now)",
                param="items",
            )
        span = span_at(plan, recurring, max(now, was["current_period_start"]))
        # A shortened first period, or one resumed, keeps its beginning.
        return replace(span, start=was["current_period_start"])
    return span_at(plan, recurring, now)


def row_of(item: PlanItem, subscription_id: str, span: Span, was: Json | None, now: int) -> Json:
    """The item after the change; what the change does not name stays."""
    fresh = item_object(item, subscription_id, span.pair, now)
    if was is None:
        return fresh
    return {**snapshot(was), **{name: fresh[name] for name in _CHANGEABLE}}


def removed(ctx: Context, subscription: Json, was: Json, date: int) -> list[Proration]:
    """Credits of an item that is served no more; of a metered one, what was used of it."""
    if is_metered(was["price"]):
        return _used(ctx, subscription, was, date)
    return proration.credits(ctx, subscription, was["id"], date, was["current_period_end"])


def surviving(
    ctx: Context,
    subscription: Json,
    plan: Plan,
    item: PlanItem,
    was: Json | None,
    span: Span,
    date: int,
) -> list[Proration]:
    """Credits and debits of an item whose cycle goes on."""
    owner = subscription["id"]
    if was is None:
        if is_metered(item.price):
            return []
        return proration.owed(ctx, plan, item, date, span.end, owner)
    old_end = was["current_period_end"]
    if same_price(was["price"], item.price) and (was["quantity"] or 0) == item.quantity:
        if is_metered(item.price):
            return []
        if span.end < old_end:
            return proration.credits(ctx, subscription, was["id"], span.end, old_end)
        return proration.owed(ctx, plan, item, old_end, span.end, owner)
    if is_metered(was["price"]) and is_metered(item.price):
        return _used(ctx, subscription, was, date)
    check_licensed(was["price"])
    check_licensed(item.price)
    return [
        *proration.credits(ctx, subscription, was["id"], date, old_end),
        *proration.owed(ctx, plan, item, date, span.end, owner),
    ]


def _used(ctx: Context, subscription: Json, was: Json, date: int) -> list[Proration]:
    """The usage so far, at the price that goes.

    docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup#update-prices-mid-cycle.
    """
    if date != ctx.now(subscription["customer"]):
        raise StripeError.unsupported("a date for usage", param="proration_date")
    plan = plan_of(subscription)
    item = next(one for one in plan.items if one.item_id == was["id"])
    return [
        Proration(charge, was["id"])
        for charge in usage_lines.early(
            ctx,
            plan,
            item,
            subscription_id=subscription["id"],
            customer_id=subscription["customer"],
            at=date,
        )
    ]


def check_licensed(price: Json) -> None:
    """Refuse a change that would have to bill usage before its period ends."""
    if is_metered(price):
        raise StripeError.unsupported("changing or removing a metered item", param="items")


def _differ(old: Json, rows: Sequence[Json]) -> bool:
    def terms(items: Sequence[Json]) -> list[tuple[str, str, int]]:
        return [(one["id"], one["price"]["id"], one["quantity"]) for one in items]

    return terms(old["items"]["data"]) != terms(rows)
