"""Schedules of subscriptions that run already: made from one, and given other phases.

Source: docs.stripe.com/billing/subscriptions/subscription-schedules and docstrings of
`SubscriptionScheduleUpdateParams`, stripe 16.1. A schedule made from a subscription has one phase,
its current period. Refused here: changing what the current phase bills (its dates and what follows
can be changed), and discounts, whose redemption no page follows from a subscription to a phase.
"""

from __future__ import annotations

from collections.abc import Sequence

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions import schedules
from dealthread.simulators.stripe.subscriptions.phases import (
    Phase,
    default_settings,
    phase_object,
    resolve,
)
from dealthread.simulators.stripe.subscriptions.plans import keep_inline_price
from dealthread.simulators.stripe.subscriptions.shape import plan_of, same_price
from dealthread.simulators.stripe.subscriptions.status import is_over
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context, snapshot, whole_or_nothing


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/subscription_schedules."""
    if "from_subscription" not in params:
        return schedules.create(ctx, params)
    others = sorted(set(params) - {"from_subscription", "expand"})
    if others:
        raise StripeError.invalid(
            "You cannot set other parameters beside `from_subscription`: " + ", ".join(others),
            param=others[0],
        )
    name = "from_subscription"
    subscription = ctx.get("subscription", params[name], param=name)
    _check_schedulable(subscription)
    customer = ctx.get("customer", subscription["customer"])
    now = ctx.now(customer["id"])
    schedule = schedules.schedule_object(
        customer,
        now,
        mode=snapshot(subscription["billing_mode"]),
        settings=_settings_of(subscription),
        end_behavior="release",
        given_metadata={},
        phases=[phase_object(_present(subscription))],
    )
    schedule["status"], schedule["subscription"] = "active", subscription["id"]
    account = ctx.account
    account.add("subscription_schedule", schedule)
    account.relate("subscription_schedule.customer", customer["id"], schedule["id"])
    account.secret(schedule["id"])["anchor"] = subscription["billing_cycle_anchor"]
    before = snapshot(subscription)
    subscription["schedule"] = schedule["id"]
    schedules.show_phase(ctx, schedule, 0)
    ctx.effect("subscription_schedule.created", schedule, subscription=subscription["id"])
    events.emit(ctx, "subscription_schedule.created", schedule)
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)
    return schedule


def _check_schedulable(subscription: Json) -> None:
    if is_over(subscription):
        raise StripeError.refused(
            "You cannot migrate a subscription that is already canceled.",
            param="from_subscription",
        )
    if subscription["schedule"] is not None:
        raise StripeError.refused(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"{subscription['schedule']}",
            param="from_subscription",
        )
    rows = subscription["items"]["data"]
    if any(one["discounts"] for one in (subscription, *rows)):
        raise StripeError.unsupported(
            "a schedule from a subscription with discounts", param="from_subscription"
        )
    if subscription["status"] not in ("active", "past_due"):
        raise StripeError.unsupported(
            f"a schedule from a subscription that is {subscription['status']}",
            param="from_subscription",
        )
    if subscription["cancel_at"] is not None:
        raise StripeError.unsupported(
            "a schedule from a subscription with an end", param="from_subscription"
        )
    ends = {row["current_period_end"] for row in rows}
    if len(ends) > 1:
        raise StripeError.unsupported(
            "a schedule from a subscription with mixed intervals", param="from_subscription"
        )


def _present(subscription: Json) -> Phase:
    """The current period as a phase."""
    row = subscription["items"]["data"][0]
    plan = plan_of(subscription)
    given: Json = {"collection_method": subscription["collection_method"]}
    if plan.description is not None:
        given["description"] = plan.description
    begin, end = row["current_period_start"], row["current_period_end"]
    return Phase(plan, begin, end, "create_prorations", given)


def _settings_of(subscription: Json) -> Json:
    settings = subscription["invoice_settings"]
    given: Json = {
        "collection_method": subscription["collection_method"],
        "description": subscription["description"],
        "invoice_settings": {
            "custom_fields": settings["custom_fields"],
            "days_until_due": subscription["days_until_due"],
            "footer": settings["footer"],
        },
    }
    if subscription["default_payment_method"] is not None:
        given["default_payment_method"] = subscription["default_payment_method"]
    return default_settings(given)


def update(ctx: Context, params: Json, schedule_id: str) -> Json:
    """POST /v1/subscription_schedules/{id}."""
    schedule = ctx.get("subscription_schedule", schedule_id)
    before = snapshot(schedule)
    if set(params) - {"expand", "metadata"}:
        schedules.check_open(schedule, "update")
    with whole_or_nothing(schedule):
        if "end_behavior" in params:
            schedule["end_behavior"] = params["end_behavior"]
        if "phases" in params:
            _change_phases(ctx, schedule, params["phases"])
        ends = _end_of_subscription(ctx, schedule)
    metadata.merge(schedule, params)
    if schedule["status"] == "active":
        phases = schedule["phases"]
        begun = schedule["current_phase"]["start_date"]
        index = next(i for i, one in enumerate(phases) if one["start_date"] == begun)
        schedules.show_phase(ctx, schedule, index)
        subscription = ctx.get("subscription", schedule["subscription"])
        if subscription["cancel_at"] != ends:
            subscription_engine.set_end(ctx, subscription, ends, at_period_end=False)
    elif schedule["status"] == "not_started":
        start = schedule["phases"][0]["start_date"]
        ctx.account.plan(schedules.ADVANCE, schedule_id, start)
    ctx.effect("subscription_schedule.updated", schedule)
    events.emit(ctx, "subscription_schedule.updated", schedule, before=before)
    return schedule


def _change_phases(ctx: Context, schedule: Json, given: Sequence[Json]) -> None:
    if not given or "start_date" not in given[0]:
        raise StripeError.missing("phases[0][start_date]")
    start = given[0]["start_date"]
    current = schedule["current_phase"]
    now = ctx.now(schedule["customer"])
    if current is not None and start != current["start_date"]:
        raise StripeError.unsupported(
            "phases that do not begin with the current one", param="phases[0][start_date]"
        )
    if current is None and (start == "now" or start <= now):
        raise StripeError.unsupported(
            "starting a schedule by an update", param="phases[0][start_date]"
        )
    for index, entry in enumerate(given[1:], start=1):
        if "start_date" in entry:
            raise StripeError.unsupported(
                "the start_date of a later phase: the one before ends there",
                param=f"phases[{index}][start_date]",
            )
    anchor = ctx.account.secret(schedule["id"]).get("anchor")
    phases = resolve(
        ctx,
        given,
        start=start,
        defaults=_plain(schedule["default_settings"]),
        param="phases",
        customer_id=schedule["customer"],
        anchor=anchor if current is not None else None,
    )
    past = [one for one in schedule["phases"] if one["start_date"] < start]
    if current is not None:
        _check_current(ctx, schedule, phases[0], now)
    else:
        past = []
    for phase in phases:
        for item in phase.plan.items:
            keep_inline_price(ctx, item.price)
        for extra in phase.plan.extras:
            keep_inline_price(ctx, extra.price)
    schedule["phases"] = [*past, *(phase_object(phase) for phase in phases)]


def _plain(settings: Json) -> Json:
    """Default settings as parameters again."""
    return {name: value for name, value in settings.items() if value is not None}


def _check_current(ctx: Context, schedule: Json, phase: Phase, now: int) -> None:
    """The current phase may last longer or shorter, and goes on billing the same."""
    if phase.end <= now:
        raise StripeError.refused(
            "The current phase cannot end in the past.", param="phases[0][end_date]"
        )
    begun = schedule["current_phase"]["start_date"]
    held = next(one for one in schedule["phases"] if one["start_date"] == begun)
    pairs = list(zip(held["items"], phase.plan.items, strict=False))
    is_alike = len(held["items"]) == len(phase.plan.items) and all(
        same_price(ctx.get("price", row["price"]), item.price)
        and (row["quantity"] or 0) == item.quantity
        for row, item in pairs
    )
    if not is_alike or phase.plan.extras:
        raise StripeError.unsupported(
            "changing what the current phase bills", param="phases[0][items]"
        )


def _end_of_subscription(ctx: Context, schedule: Json) -> int | None:
    """`cancel_at` of the subscription: shown in the last phase of a schedule that ends with it."""
    current, last = schedule["current_phase"], schedule["phases"][-1]
    if schedule["end_behavior"] != "cancel" or current is None:
        return None
    if last["start_date"] != current["start_date"]:
        return None
    subscription = ctx.get("subscription", schedule["subscription"])
    ends: int = last["end_date"]
    if ends < subscription_engine.next_boundary(subscription):
        raise StripeError.unsupported(
            "ending a running subscription inside its period by its schedule",
            param="end_behavior",
        )
    return ends
