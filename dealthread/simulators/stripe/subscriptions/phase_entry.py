"""A phase begins: the subscription gets its items and terms, and the change is billed.

Source: docs.stripe.com/billing/subscriptions/subscription-schedules and the docstrings of phases in
stripe 16.1. Where a phase begins with a period, the renewal due at that instant bills it; inside a
period its `proration_behavior` says how the change is prorated. Items are matched by their price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dealthread.simulators.stripe.catalogue import discounts, plan_discounts
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices.bill import extra_charges
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import bills as subscription_bills
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions import proration
from dealthread.simulators.stripe.subscriptions.change import removed, row_of, span_of, surviving
from dealthread.simulators.stripe.subscriptions.phases import is_anchored, plan_from_phase
from dealthread.simulators.stripe.subscriptions.plans import Plan, PlanItem
from dealthread.simulators.stripe.subscriptions.proration import Proration
from dealthread.simulators.stripe.subscriptions.shape import items_list, plan_of, same_price
from dealthread.simulators.stripe.subscriptions.spans import Span, span_at
from dealthread.simulators.stripe.world import Context, snapshot


@dataclass
class _Entered:
    """The rows of the items, and what the change of them is worth."""

    rows: list[Json]
    prorations: list[Proration]


def enter(ctx: Context, schedule: Json, index: int, subscription: Json) -> None:
    """Change the subscription to a phase of its schedule, at the instant the phase begins."""
    phase, now = schedule["phases"][index], ctx.now(schedule["customer"])
    before = snapshot(subscription)
    plan = plan_from_phase(ctx, schedule, index)
    is_reset = is_anchored(phase, schedule["default_settings"])
    if is_reset:
        subscription["billing_cycle_anchor"] = now
    subscription_engine.set_end(ctx, subscription, plan.cancel_at, at_period_end=False)
    terms = replace(plan_of(subscription), items=plan.items)
    entered = _items(ctx, subscription, terms, now, is_reset=is_reset)
    subscription["items"] = items_list(subscription["id"], entered.rows)
    plan_discounts.enter(ctx, before, subscription, phase)
    _change_terms(subscription, plan)
    if phase["proration_behavior"] != "none":
        proration.keep(ctx, schedule["customer"], entered.prorations)
    _keep_extras(ctx, subscription, plan, now)
    subscription_engine.plan_renewal(ctx, subscription)
    is_renewing = subscription_engine.next_boundary(subscription) <= now
    if phase["proration_behavior"] == "always_invoice" and not is_renewing:
        subscription_bills.draft_now(
            ctx,
            subscription,
            plan_of(subscription),
            at=now,
            reason="subscription_update",
            period=(now, now),
            only=(),
        )
    ctx.effect("subscription.phase_entered", subscription, phase=index)
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)


def _items(ctx: Context, subscription: Json, plan: Plan, now: int, *, is_reset: bool) -> _Entered:
    """Items that renew at this instant are left to the renewal; the others are prorated."""
    left = list(subscription["items"]["data"])
    is_renewing = is_reset or any(row["current_period_end"] <= now for row in left)
    entered = _Entered([], [])
    matched: list[tuple[PlanItem, Json | None]] = []
    for wanted in plan.items:
        was = next((row for row in left if same_price(row["price"], wanted.price)), None)
        if was is not None:
            left.remove(was)
        matched.append((wanted if was is None else replace(wanted, item_id=was["id"]), was))
    plan = replace(plan, items=[item for item, _ in matched])
    for item, was in matched:
        _enter_item(
            ctx, subscription, plan, item, was, now, entered, is_reset, is_renewing=is_renewing
        )
    for row in left:
        if row["current_period_end"] > now:
            entered.prorations += removed(ctx, subscription, row, now)
    return entered


def _enter_item(
    ctx: Context,
    subscription: Json,
    plan: Plan,
    item: PlanItem,
    was: Json | None,
    now: int,
    entered: _Entered,
    is_reset: bool,
    *,
    is_renewing: bool,
) -> None:
    if was is not None and is_reset and was["current_period_end"] > now:
        entered.prorations += proration.credits(
            ctx, subscription, was["id"], now, was["current_period_end"]
        )
    natural = span_at(plan, item.price["recurring"], now)
    is_due = was is None and is_renewing and natural.start == now
    if is_reset or is_due or (was is not None and was["current_period_end"] <= now):
        begun = now if was is None else was["current_period_start"]
        span = Span(begun, now, (begun, now))
    else:
        span = span_of(plan, item, was, now, is_reset=False)
        entered.prorations += surviving(ctx, subscription, plan, item, was, span, now)
    entered.rows.append(row_of(item, subscription["id"], span, was, now))


def _change_terms(subscription: Json, plan: Plan) -> None:
    subscription["collection_method"] = plan.collection_method
    subscription["days_until_due"] = plan.days_until_due
    subscription["default_tax_rates"] = list(plan.default_tax_rates)
    subscription["invoice_settings"]["custom_fields"] = plan.custom_fields
    subscription["invoice_settings"]["footer"] = plan.footer
    merged = {**subscription["metadata"], **plan.metadata}
    subscription["metadata"] = {key: value for key, value in merged.items() if value != ""}


def _keep_extras(ctx: Context, subscription: Json, plan: Plan, now: int) -> None:
    """One-time items of the phase; a renewal due now bills them, else the next invoice does."""
    for extra in plan.extras:
        discounts.keep(ctx, extra.discounts)
    spans = _periods(plan, now)
    widest = max(span.start for span in spans), min(span.end for span in spans)
    for charge in extra_charges(ctx, plan, subscription["id"], widest, now):
        invoice_items.keep(ctx, subscription["customer"], charge)


def _periods(plan: Plan, now: int) -> Sequence[Span]:
    return [span_at(plan, item.price["recurring"], now) for item in plan.items]
