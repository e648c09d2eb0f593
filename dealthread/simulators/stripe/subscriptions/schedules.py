"""Subscription schedules: create, read, list, cancel, release, and their phases in time.

Source: docs.stripe.com/billing/subscriptions/subscription-schedules. A schedule that starts now or
in the past begins at once; its first invoice is a draft for an hour, also when it charges
automatically.
"""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe.clocks import test_clocks
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions import phase_entry
from dealthread.simulators.stripe.subscriptions.phases import (
    default_settings,
    phase_object,
    plan_from_phase,
    resolve,
)
from dealthread.simulators.stripe.subscriptions.plans import check_currency, keep_inline_price
from dealthread.simulators.stripe.subscriptions.requests import check_mode
from dealthread.simulators.stripe.subscriptions.status import is_over
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

ADVANCE = "schedule.advance"


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/subscription_schedules, but not from a subscription (`schedule_changes.py`)."""
    if "customer" not in params:
        raise StripeError.missing("customer")
    customer = ctx.get("customer", params["customer"], param="customer")
    now = ctx.now(customer["id"])
    if "start_date" not in params:
        raise StripeError.missing("start_date")
    start = now if params["start_date"] == "now" else params["start_date"]
    defaults = params.get("default_settings") or {}
    phases = resolve(
        ctx,
        params.get("phases", []),
        start=start,
        defaults=defaults,
        param="phases",
        customer_id=customer["id"],
    )
    check_currency(customer, phases[0].plan.currency)
    test_clocks.check_subscription_room(ctx, customer)
    if phases[0].end <= now:
        raise StripeError.unsupported(
            "a schedule whose first phase has ended already", param="phases[0]"
        )
    for phase in phases:
        for item in phase.plan.items:
            keep_inline_price(ctx, item.price)
        for extra in phase.plan.extras:
            keep_inline_price(ctx, extra.price)
    schedule = schedule_object(
        customer,
        now,
        mode=check_mode(params),
        settings=default_settings(defaults),
        end_behavior=params.get("end_behavior", "release"),
        given_metadata=metadata.fresh(params),
        phases=[phase_object(phase) for phase in phases],
    )
    account = ctx.account
    account.add("subscription_schedule", schedule)
    account.relate("subscription_schedule.customer", customer["id"], schedule["id"])
    if customer["currency"] is None:
        customer["currency"] = phases[0].plan.currency
    ctx.effect("subscription_schedule.created", schedule, metadata=schedule["metadata"])
    if start <= now:
        _begin(ctx, schedule)
    else:
        account.plan(ADVANCE, schedule["id"], start)
    events.emit(ctx, "subscription_schedule.created", schedule)
    return schedule


def schedule_object(
    customer: Json,
    now: int,
    *,
    mode: Json,
    settings: Json,
    end_behavior: str,
    given_metadata: dict[str, str],
    phases: list[Json],
) -> Json:
    """A new schedule that has not begun."""
    return {
        "id": new_id("sub_sched"),
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": mode,
        "canceled_at": None,
        "completed_at": None,
        "created": now,
        "current_phase": None,
        "customer": customer["id"],
        "customer_account": None,
        "default_settings": settings,
        "end_behavior": end_behavior,
        "livemode": False,
        "metadata": given_metadata,
        "pause_schedules": [],
        "phases": phases,
        "released_at": None,
        "released_subscription": None,
        "status": "not_started",
        "subscription": None,
        "test_clock": customer["test_clock"],
    }


def advance(ctx: Context, schedule: Json) -> None:
    """A boundary has come: begin, enter the next phase, or end."""
    if schedule["status"] == "not_started":
        before = snapshot(schedule)
        _begin(ctx, schedule)
        events.emit(ctx, "subscription_schedule.updated", schedule, before=before)
        return
    if schedule["status"] != "active":
        return
    before = snapshot(schedule)
    now = ctx.now(schedule["customer"])
    following = [
        index for index, phase in enumerate(schedule["phases"]) if phase["start_date"] == now
    ]
    if following:
        _enter(ctx, schedule, following[0])
        events.emit(ctx, "subscription_schedule.updated", schedule, before=before)
        return
    _finish(ctx, schedule)


def _begin(ctx: Context, schedule: Json) -> None:
    customer = ctx.get("customer", schedule["customer"])
    plan = plan_from_phase(ctx, schedule, 0)
    subscription = subscription_engine.start(
        ctx, plan, customer, mode=schedule["billing_mode"], schedule_id=schedule["id"]
    )
    schedule["status"] = "active"
    schedule["subscription"] = subscription["id"]
    show_phase(ctx, schedule, 0)
    ctx.effect("subscription_schedule.started", schedule, subscription=subscription["id"])


def show_phase(ctx: Context, schedule: Json, index: int) -> None:
    """Say which phase runs, and put its end on the agenda."""
    phase = schedule["phases"][index]
    schedule["current_phase"] = {
        "end_date": phase["end_date"],
        "start_date": phase["start_date"],
    }
    ctx.account.plan(ADVANCE, schedule["id"], phase["end_date"])


def _enter(ctx: Context, schedule: Json, index: int) -> None:
    """Give the subscription the items and terms of a phase."""
    subscription = ctx.get("subscription", schedule["subscription"])
    show_phase(ctx, schedule, index)
    if not is_over(subscription):
        phase_entry.enter(ctx, schedule, index, subscription)


def _finish(ctx: Context, schedule: Json) -> None:
    now = ctx.now(schedule["customer"])
    subscription = ctx.get("subscription", schedule["subscription"])
    ctx.account.plan(ADVANCE, schedule["id"], None)
    schedule["current_phase"] = None
    if schedule["end_behavior"] == "cancel":
        schedule["status"], schedule["completed_at"] = "completed", now
        if not is_over(subscription):
            subscription_engine.end(ctx, subscription)
        ctx.effect("subscription_schedule.completed", schedule)
        events.emit(ctx, "subscription_schedule.completed", schedule)
        return
    _let_go(ctx, schedule, now)


def _let_go(ctx: Context, schedule: Json, now: int) -> None:
    subscription = ctx.account.find("subscription", schedule["subscription"])
    ctx.account.plan(ADVANCE, schedule["id"], None)
    schedule["status"], schedule["released_at"] = "released", now
    schedule["released_subscription"] = schedule["subscription"]
    schedule["subscription"] = schedule["current_phase"] = None
    if subscription is not None:
        subscription["schedule"] = None
    ctx.effect("subscription_schedule.released", schedule)
    events.emit(ctx, "subscription_schedule.released", schedule)


def check_open(schedule: Json, deed: str) -> None:
    """Refuse a deed on a schedule that is over."""
    if schedule["status"] not in ("not_started", "active"):
        raise StripeError.refused(
            f"You cannot {deed} a subscription schedule that is currently in the "
            f"`{schedule['status']}` status. It must be in one of these statuses: `not_started`, "
            "`active`."
        )


def cancel(ctx: Context, params: Json, schedule_id: str) -> Json:
    """POST /v1/subscription_schedules/{id}/cancel; ends its subscription too.

    `prorate` and `invoice_now` are true unless told otherwise.
    """
    schedule = ctx.get("subscription_schedule", schedule_id)
    check_open(schedule, "cancel")
    now = ctx.now(schedule["customer"])
    if schedule["status"] == "active":
        subscription = ctx.get("subscription", schedule["subscription"])
        if not is_over(subscription):
            subscription_engine.cancel_now(
                ctx,
                subscription,
                prorate=params.get("prorate", True),
                invoice_now=params.get("invoice_now", True),
            )
    ctx.account.plan(ADVANCE, schedule["id"], None)
    schedule["status"], schedule["canceled_at"] = "canceled", now
    schedule["current_phase"] = None
    ctx.effect("subscription_schedule.canceled", schedule)
    events.emit(ctx, "subscription_schedule.canceled", schedule)
    return schedule


def release(ctx: Context, params: Json, schedule_id: str) -> Json:
    """POST /v1/subscription_schedules/{id}/release; the subscription goes on without it."""
    schedule = ctx.get("subscription_schedule", schedule_id)
    check_open(schedule, "release")
    subscription = ctx.account.find("subscription", schedule["subscription"])
    if subscription is not None and not params.get("preserve_cancel_date", False):
        subscription_engine.set_end(ctx, subscription, None, at_period_end=False)
    _let_go(ctx, schedule, ctx.now(schedule["customer"]))
    return schedule


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/subscription_schedules."""
    rows: Iterable[Json] = ctx.account.of("subscription_schedule").values()
    if "customer" in params:
        ctx.get("customer", params["customer"], param="customer")
        rows = ctx.account.related(
            "subscription_schedule.customer", "subscription_schedule", params["customer"]
        )
    times = ("created", "canceled_at", "completed_at", "released_at")
    return page(
        rows,
        params,
        "/v1/subscription_schedules",
        kind="subscription schedule",
        keep=lambda row: (
            (not params.get("scheduled") or row["status"] == "not_started")
            and all(within(row[name], params.get(name)) for name in times)
        ),
    )
