"""What one can ask of subscriptions: create, read, change a little, list, cancel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dealthread.simulators.stripe.catalogue import plan_discounts
from dealthread.simulators.stripe.clocks import test_clocks
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices.bill import Payer
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import anchors, ends, trials
from dealthread.simulators.stripe.subscriptions import bills as subscription_bills
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions.periods import shortest
from dealthread.simulators.stripe.subscriptions.plans import (
    Plan,
    check_currency,
    default_rates,
    extras_of,
    items_of,
)
from dealthread.simulators.stripe.subscriptions.shape import billing_mode
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context

_ENDED = ("canceled", "incomplete_expired")


def check_mode(params: Json) -> Json:
    """The billing mode; only flexible, the default, is carried."""
    given = params.get("billing_mode")
    if given is not None and given["type"] == "classic":
        raise StripeError.unsupported("billing_mode classic", param="billing_mode[type]")
    return billing_mode(given)


def check_terms(given: Json, collection_method: str, param: str = "") -> int | None:
    """`days_until_due` belongs to invoices that are sent, and only to those."""
    name = f"{param}[days_until_due]" if param else "days_until_due"
    days: int | None = given.get("days_until_due")
    if collection_method == "send_invoice":
        if days is None:
            raise StripeError.missing(name)
        return days
    if days is not None:
        raise StripeError.refused(
            "The `days_until_due` parameter can only be set when `collection_method` is "
            "`send_invoice`.",
            param=name,
        )
    return None


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/subscriptions."""
    if "customer" not in params:
        raise StripeError.missing("customer")
    customer = ctx.get("customer", params["customer"], param="customer")
    test_clocks.check_subscription_room(ctx, customer)
    now = ctx.now(customer["id"])
    items = items_of(ctx, params.get("items", []), "items")
    currency = items[0].price["currency"]
    if params.get("currency", currency) != currency:
        raise StripeError.refused("The currency does not match the prices.", param="currency")
    check_currency(customer, currency)
    collection = params.get("collection_method", "charge_automatically")
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise StripeError.refused(
            "`pending_if_incomplete` can only be used when updating a subscription.",
            param="payment_behavior",
        )
    start = params.get("backdate_start_date", now)
    trial_end = trials.end_of(params, now)
    if trial_end is not None and start < now:
        raise StripeError.unsupported("a trial of a backdated start", param="trial_end")
    config, shown = params.get("billing_cycle_anchor_config"), params.get("billing_cycle_anchor")
    if config is not None:
        if shown is not None or trial_end is not None:
            raise StripeError.invalid(
                "You may only specify one of these parameters: billing_cycle_anchor or trial "
                "parameters, billing_cycle_anchor_config.",
                param="billing_cycle_anchor_config",
            )
        anchors.check_config(start=start, now=now)
        recurring = shortest([item.price["recurring"] for item in items])
        shown = anchors.next_occurrence(now, recurring, config)
    anchor = anchors.resolve(
        now, items, start=start, anchor=shown, config=config, trial_end=trial_end
    )
    is_prorated = params.get("proration_behavior", "create_prorations") != "none"
    if not is_prorated and shown is None and start < now:
        raise StripeError.unsupported(
            "a backdated start that is not prorated, without billing_cycle_anchor",
            param="proration_behavior",
        )
    if not is_prorated and shown is not None and trial_end is not None:
        raise StripeError.unsupported(
            "a trial before an anchor that is not prorated", param="proration_behavior"
        )
    method_id = params.get("default_payment_method")
    if method_id is not None:
        payment_methods.owned_by(ctx, method_id, customer["id"], param="default_payment_method")
    settings = params.get("invoice_settings") or {}
    plan = Plan(
        items=items,
        start=start,
        anchor=anchor,
        anchor_config=None if config is None else anchors.config_object(config),
        collection_method=collection,
        days_until_due=check_terms(params, collection),
        default_tax_rates=default_rates(ctx, params),
        default_payment_method=method_id,
        metadata=metadata.fresh(params),
        description=params.get("description"),
        custom_fields=settings.get("custom_fields") or None,
        footer=settings.get("footer"),
        extras=extras_of(ctx, params.get("add_invoice_items", []), "add_invoice_items", currency),
        trial_end=trial_end,
        trial_settings=(params.get("trial_settings") or {}).get("end_behavior"),
        is_prorated=is_prorated,
        free_until=None if is_prorated else shown,
    )
    plan = replace(
        plan,
        cancel_at=ends.of_new(plan, params, now),
        cancel_at_period_end=params.get("cancel_at_period_end", False),
    )
    first = subscription_bills.first_bill(
        ctx,
        plan,
        Payer.of(customer),
        invoice_id="",
        subscription_id=None,
        at=now,
    )
    plan = plan_discounts.redeemed(
        ctx, plan, params, customer_id=customer["id"], charges=first.charges
    )
    return subscription_engine.start(
        ctx, plan, customer, mode=check_mode(params), payment_behavior=behavior
    )


def cancel(ctx: Context, params: Json, subscription_id: str) -> Json:
    """DELETE /v1/subscriptions/{id}."""
    subscription = ctx.get("subscription", subscription_id)
    if subscription["status"] in _ENDED:
        # As Stripe answers for a subscription that has ended already.
        raise StripeError.no_such("subscription", subscription_id)
    subscription_engine.cancel_now(
        ctx,
        subscription,
        prorate=params.get("prorate", False),
        invoice_now=params.get("invoice_now", False),
        details=params.get("cancellation_details"),
    )
    if subscription["schedule"] is not None:
        schedule = ctx.get("subscription_schedule", subscription["schedule"])
        if schedule["status"] == "active":
            schedule["status"] = "canceled"
            schedule["canceled_at"] = ctx.now(subscription["customer"])
            schedule["current_phase"] = None
            ctx.account.plan("schedule.advance", schedule["id"], None)
            events.emit(ctx, "subscription_schedule.canceled", schedule)
    return subscription


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/subscriptions: without a status, those that have not been canceled."""
    account = ctx.account
    rows: Iterable[Json] = account.of("subscription").values()
    if "customer" in params:
        ctx.get("customer", params["customer"], param="customer")
        rows = account.related("subscription.customer", "subscription", params["customer"])
    wanted = params.get("status")

    def keep(row: Json) -> bool:
        if wanted is None:
            is_shown = row["status"] != "canceled"
        elif wanted == "ended":
            is_shown = row["status"] in _ENDED
        else:
            is_shown = wanted in ("all", row["status"])
        collection = params.get("collection_method", row["collection_method"])
        prices = [item["price"]["id"] for item in row["items"]["data"]]
        is_of_clock = "customer" in params and "test_clock" not in params
        return (
            is_shown
            and (is_of_clock or params.get("test_clock") == row["test_clock"])
            and collection == row["collection_method"]
            and ("price" not in params or params["price"] in prices)
            and within(row["created"], params.get("created"))
        )

    return page(rows, params, "/v1/subscriptions", kind="subscription", keep=keep)
