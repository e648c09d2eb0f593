"""POST /v1/invoices/create_preview: the invoice a create would make, by the create's own functions.

Something new is a subscription or a schedule for an existing customer or for one that is only
described; what becomes of a subscription that exists is in `upcoming.py`. Where the parameters
leave out what the create would take
(`add_invoice_items` exists for phases, not for `subscription_details`), one-time items go into
`invoice_items`, as Stripe's types have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dealthread.simulators.stripe.catalogue import discounts, plan_discounts
from dealthread.simulators.stripe.catalogue.discounts import Redemption
from dealthread.simulators.stripe.customers import tax_ids
from dealthread.simulators.stripe.invoices import upcoming
from dealthread.simulators.stripe.invoices.bill import Bill, Payer, draft, with_discounts
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import anchors, ends, trials
from dealthread.simulators.stripe.subscriptions.bills import first_bill
from dealthread.simulators.stripe.subscriptions.phases import resolve
from dealthread.simulators.stripe.subscriptions.plans import (
    Plan,
    check_currency,
    default_rates,
    extras_of,
    items_of,
)
from dealthread.simulators.stripe.subscriptions.requests import check_mode
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context


def create(ctx: Context, params: Json) -> Json:
    """The preview; nothing is kept."""
    if "schedule" in params:
        raise StripeError.unsupported("previews of an existing schedule", param="schedule")
    customer = None
    if "customer" in params:
        customer = ctx.get("customer", params["customer"], param="customer")
    elif "subscription" in params:
        held = ctx.get("subscription", params["subscription"], param="subscription")
        customer = ctx.get("customer", held["customer"])
    details = params.get("customer_details") or {}
    if customer is None and not details:
        raise StripeError.missing("customer")
    tax_ids.check_all(details.get("tax_ids", []), "customer_details[tax_ids]")
    payer = Payer.unborn(details) if customer is None else Payer.of(customer, details)
    if "schedule_details" in params and "subscription_details" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: schedule_details, subscription_details.",
            param="schedule_details",
        )
    if "subscription" in params:
        for name in ("schedule_details", "invoice_items"):
            if name in params:
                raise StripeError.unsupported(f"{name} beside a subscription", param=name)
        bill = with_discounts(ctx, upcoming.bill(ctx, params, payer))
        if "discounts" in params:
            held = ctx.get("subscription", params["subscription"])["discounts"]
            bill = _discounted(ctx, bill, params["discounts"], bill.at, held)
        return _shown(ctx, bill)
    now = ctx.now(None if customer is None else customer["id"])
    if "schedule_details" in params:
        plan = _plan_of_schedule(ctx, params["schedule_details"], now, payer)
    elif "subscription_details" in params:
        plan = _plan_of_subscription(ctx, params["subscription_details"], now)
        plan = plan_discounts.redeemed(
            ctx,
            plan,
            params["subscription_details"],
            customer_id=payer.id,
            param="subscription_details",
        )
    else:
        raise StripeError.unsupported("previews of invoice items alone", param="invoice_items")
    check_currency(customer, plan.currency)
    if params.get("currency", plan.currency) != plan.currency:
        raise StripeError.refused("The currency does not match the prices.", param="currency")
    given = params.get("invoice_items", [])
    extras = plan_discounts.redeemed_extras(
        ctx,
        extras_of(ctx, given, "invoice_items", plan.currency),
        given,
        "invoice_items",
        Redemption(payer.id, plan.currency, now),
    )
    plan = replace(plan, extras=(*plan.extras, *extras))
    invoice_id = new_id("upcoming_in")
    bill = first_bill(ctx, plan, payer, invoice_id=invoice_id, subscription_id=None, at=now)
    if "discounts" in params:
        bill = _discounted(ctx, bill, params["discounts"], plan.start)
    return _shown(ctx, bill)


def _discounted(
    ctx: Context, bill: Bill, given: Sequence[Json], start: int, held: Sequence[str] = ()
) -> Bill:
    """The bill with these discounts of the invoice in place of those it would have."""
    subtotal = sum(charge.amount for charge in bill.charges)
    redemption = Redemption(bill.payer.id, bill.currency, start, subtotal=subtotal, held=held)
    made = discounts.redeem(ctx, given, "discounts", redemption)
    return replace(bill, discounts=[one.terms for one in made])


def _shown(ctx: Context, bill: Bill) -> Json:
    invoice, _ = draft(ctx, bill)
    # Nothing will finalise a preview.
    invoice["auto_advance"] = False
    return invoice


def _plan_of_subscription(ctx: Context, details: Json, now: int) -> Plan:
    for name in ("cancel_now", "proration_date"):
        if name in details:
            raise StripeError.refused(
                f"{name} needs a subscription.", param=f"subscription_details[{name}]"
            )
    for index, entry in enumerate(details.get("items", [])):
        if "id" in entry or "deleted" in entry:
            raise StripeError.refused(
                "Items with an id need a subscription.",
                param=f"subscription_details[items][{index}]",
            )
    items = items_of(ctx, details.get("items", []), "subscription_details[items]")
    trial_end = trials.end_of({n: details[n] for n in ("trial_end",) if n in details}, now)
    start = details.get("start_date", now)
    given = details.get("billing_cycle_anchor") or {}
    anchor = given.get("timestamp") if given.get("type") == "timestamp" else None
    if given.get("type") == "unchanged":
        raise StripeError.unsupported(
            "an unchanged anchor of a subscription that does not exist",
            param="subscription_details[billing_cycle_anchor][type]",
        )
    check_mode(details)
    if start <= now:
        anchor = anchors.resolve(now, items, start=start, anchor=anchor, trial_end=trial_end)
    is_prorated = details.get("proration_behavior", "create_prorations") != "none"
    free_until = given.get("timestamp") if not is_prorated else None
    if not is_prorated and start < now and free_until is None:
        raise StripeError.unsupported(
            "a backdated start that is not prorated, without billing_cycle_anchor",
            param="subscription_details[proration_behavior]",
        )
    plan = Plan(
        items=items,
        start=start,
        anchor=start if anchor is None else anchor,
        trial_end=trial_end,
        is_prorated=is_prorated,
        free_until=free_until,
        default_tax_rates=default_rates(ctx, details, "subscription_details[default_tax_rates]"),
        metadata=details.get("metadata") or {},
    )
    return replace(plan, cancel_at=ends.of_new(plan, details, now))


def _plan_of_schedule(ctx: Context, details: Json, now: int, payer: Payer) -> Plan:
    given = details.get("phases", [])
    if given and "start_date" not in given[0]:
        raise StripeError.missing("schedule_details[phases][0][start_date]")
    check_mode(details)
    start = now
    if given and given[0]["start_date"] != "now":
        start = given[0]["start_date"]
    phases = resolve(
        ctx,
        given,
        start=start,
        defaults={},
        param="schedule_details[phases]",
        customer_id=payer.id,
    )
    for before, after, entry in zip(phases, phases[1:], given[1:], strict=False):
        if entry.get("start_date", before.end) != after.start:
            raise StripeError.refused(
                "The start date of a phase must be the end date of the phase before it.",
                param="schedule_details[phases]",
            )
    return phases[0].plan
