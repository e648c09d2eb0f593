"""POST /v1/invoices/create_preview: the invoice a create would make, by the create's own functions.

Only previews of something new are carried: a subscription or a schedule for an existing customer or
for one that is only described. Where the parameters leave out what the create would take
(`add_invoice_items` exists for phases, not for `subscription_details`), one-time items go into
`invoice_items`, as Stripe's types have it.
"""

from __future__ import annotations

from dataclasses import replace

from dealthread.simulators.stripe import anchors, discounts, plan_discounts, tax_ids
from dealthread.simulators.stripe.billing import Payer, draft
from dealthread.simulators.stripe.discounts import Redemption
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.phases import resolve
from dealthread.simulators.stripe.plans import (
    Plan,
    check_currency,
    default_rates,
    extras_of,
    items_of,
)
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscription_engine import first_bill
from dealthread.simulators.stripe.subscriptions import check_mode
from dealthread.simulators.stripe.world import Context


def create(ctx: Context, params: Json) -> Json:
    """The preview; nothing is kept."""
    for name in ("subscription", "schedule"):
        if name in params:
            raise StripeError.unsupported(f"previews of an existing {name}", param=name)
    customer = None
    if "customer" in params:
        customer = ctx.get("customer", params["customer"], param="customer")
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
        subtotal = sum(charge.amount for charge in bill.charges)
        redemption = Redemption(payer.id, plan.currency, plan.start, subtotal=subtotal)
        made = discounts.redeem(ctx, params["discounts"], "discounts", redemption)
        bill = replace(bill, discounts=[one.terms for one in made])
    invoice, _ = draft(ctx, bill)
    # Nothing will finalise a preview.
    invoice["auto_advance"] = False
    return invoice


def _plan_of_subscription(ctx: Context, details: Json, now: int) -> Plan:
    items = items_of(ctx, details.get("items", []), "subscription_details[items]")
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
        anchor = anchors.resolve(now, items, start=start, anchor=anchor)
    return Plan(
        items=items,
        start=start,
        anchor=start if anchor is None else anchor,
        default_tax_rates=default_rates(ctx, details, "subscription_details[default_tax_rates]"),
        metadata=details.get("metadata") or {},
    )


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
