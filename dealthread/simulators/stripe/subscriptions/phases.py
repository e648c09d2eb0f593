"""The phases of a schedule: their dates, what they bill, and the refusal of what would prorate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dealthread.simulators.stripe.catalogue import plan_discounts
from dealthread.simulators.stripe.catalogue.discounts import entry_of
from dealthread.simulators.stripe.catalogue.prices import is_metered
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.periods import is_on_grid, shift
from dealthread.simulators.stripe.subscriptions.plans import (
    ExtraItem,
    Plan,
    PlanItem,
    default_rates,
    extras_of,
    items_of,
)
from dealthread.simulators.stripe.subscriptions.requests import check_terms
from dealthread.simulators.stripe.subscriptions.shape import ISSUER
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.metadata import fresh
from dealthread.simulators.stripe.world import Context

# docs.stripe.com/billing/subscriptions/subscription-schedules: up to ten phases.
MAX_PHASES = 10
_DEFAULT_PERIOD = {
    "end": {"timestamp": None, "type": "min_item_period_end"},
    "start": {"timestamp": None, "type": "max_item_period_start"},
}


@dataclass(frozen=True)
class Phase:
    """One phase, resolved."""

    plan: Plan
    start: int
    end: int
    proration_behavior: str
    given: Json


def resolve(
    ctx: Context,
    given: Sequence[Json],
    *,
    start: int,
    defaults: Json,
    param: str,
    customer_id: str | None,
    anchor: int | None = None,
) -> list[Phase]:
    """Phases from parameters, one after the other from the start of the schedule.

    Periods are counted from `anchor`, or from the start where none is given.
    """
    if not given:
        raise StripeError.missing(param)
    if len(given) > MAX_PHASES:
        raise StripeError.refused(
            f"A schedule can have at most {MAX_PHASES} current and future phases.", param=param
        )
    phases: list[Phase] = []
    begin = start
    counted = start if anchor is None else anchor
    for index, entry in enumerate(given):
        if is_anchored(entry, defaults) and (index or anchor is None):
            counted = begin
        phase = _resolve_one(
            ctx,
            entry,
            begin=begin,
            anchor=counted,
            defaults=defaults,
            param=f"{param}[{index}]",
            customer_id=customer_id,
        )
        _check_follows(phases, phase, f"{param}[{index}]")
        phases.append(phase)
        begin = phase.end
    return phases


def is_anchored(phase: Json, defaults: Json) -> bool:
    """Whether the billing cycle is counted from the start of a phase on."""
    own = phase.get("billing_cycle_anchor") or defaults.get("billing_cycle_anchor")
    return own == "phase_start"


def _anchor_of(ctx: Context, schedule: Json, index: int) -> int:
    held: int | None = ctx.account.secret(schedule["id"]).get("anchor")
    anchor: int = schedule["phases"][0]["start_date"] if held is None else held
    for phase in schedule["phases"][1 : index + 1]:
        if is_anchored(phase, schedule["default_settings"]):
            anchor = phase["start_date"]
    return anchor


def _resolve_one(
    ctx: Context,
    entry: Json,
    *,
    begin: int,
    anchor: int,
    defaults: Json,
    param: str,
    customer_id: str | None,
) -> Phase:
    items = items_of(ctx, entry["items"], f"{param}[items]")
    end = _end_of(entry, begin, param)
    settings = {**(defaults.get("invoice_settings") or {}), **(entry.get("invoice_settings") or {})}
    collection = entry.get("collection_method") or defaults.get(
        "collection_method", "charge_automatically"
    )
    method_id = entry.get("default_payment_method") or defaults.get("default_payment_method")
    if method_id is not None and customer_id is not None:
        payment_methods.owned_by(
            ctx, method_id, customer_id, param=f"{param}[default_payment_method]"
        )
    currency = items[0].price["currency"]
    if entry.get("currency", currency) != currency:
        raise StripeError.refused(
            "The currency does not match the prices.", param=f"{param}[currency]"
        )
    plan = Plan(
        items=items,
        start=begin,
        anchor=anchor,
        collection_method=collection,
        days_until_due=check_terms(settings, collection, f"{param}[invoice_settings]"),
        default_tax_rates=default_rates(ctx, entry, f"{param}[default_tax_rates]"),
        default_payment_method=method_id,
        metadata=fresh(entry),
        description=entry.get("description") or defaults.get("description"),
        extras=extras_of(
            ctx, entry.get("add_invoice_items", []), f"{param}[add_invoice_items]", currency
        ),
        phase_end=end,
    )
    plan = plan_discounts.redeemed(ctx, plan, entry, customer_id=customer_id, param=param)
    return Phase(plan, begin, end, entry.get("proration_behavior", "create_prorations"), entry)


def _end_of(entry: Json, begin: int, param: str) -> int:
    if "end_date" in entry and "duration" in entry:
        raise StripeError.invalid(
            "You may only specify one of these parameters: end_date, duration.",
            param=f"{param}[end_date]",
        )
    if "duration" in entry:
        return shift(begin, {"interval_count": 1, **entry["duration"]}, 1)
    if "end_date" not in entry:
        raise StripeError.missing(f"{param}[end_date]")
    end: int = entry["end_date"]
    if end <= begin:
        raise StripeError.refused(
            "The end date of a phase must be after its start date.", param=f"{param}[end_date]"
        )
    return end


def _check_follows(phases: Sequence[Phase], phase: Phase, param: str) -> None:
    """Refuse what a phase cannot bill after the one before it."""
    if not phases:
        return
    before, plan = phases[-1].plan, phase.plan
    if plan.currency != before.currency:
        raise StripeError.refused(
            "All phases of a schedule must have the same currency.", param=f"{param}[items]"
        )
    counted = [
        sorted(item.price["id"] for item in one.items if is_metered(item.price))
        for one in (before, plan)
    ]
    if counted[0] != counted[1]:
        raise StripeError.unsupported(
            "a phase with other metered prices than the one before it", param=f"{param}[items]"
        )
    recurrings = [item.price["recurring"] for item in (*before.items, *plan.items)]
    if plan.anchor == phase.start:
        return
    names = ("interval", "interval_count")
    for recurring in recurrings:
        is_known = any(
            all(recurring[name] == item.price["recurring"][name] for name in names)
            for item in before.items
        )
        if not is_known and not is_on_grid(plan.anchor, recurring, phase.start):
            # Flexible billing does not reset the anchor by itself, and no page says what the
            # part of a longer interval costs.
            raise StripeError.unsupported(
                "a phase with a new billing interval that begins inside one of its periods "
                "(billing_cycle_anchor=phase_start)",
                param=f"{param}[items]",
            )


def phase_object(phase: Phase) -> Json:
    """A phase as the schedule shows it."""
    plan, given = phase.plan, phase.given
    settings = given.get("invoice_settings")
    return {
        "add_invoice_items": [_extra_object(extra) for extra in plan.extras],
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": given.get("billing_cycle_anchor"),
        "billing_thresholds": None,
        "collection_method": given.get("collection_method"),
        "currency": plan.currency,
        "default_payment_method": given.get("default_payment_method"),
        "default_tax_rates": list(plan.default_tax_rates),
        "description": given.get("description"),
        "discounts": [entry_of(one) for one in plan.discounts],
        "end_date": phase.end,
        "invoice_settings": None
        if settings is None
        else {
            "account_tax_ids": None,
            "custom_fields": settings.get("custom_fields") or None,
            "days_until_due": settings.get("days_until_due"),
            "description": None,
            "footer": settings.get("footer"),
            "issuer": None,
        },
        "items": [_item_object(item) for item in plan.items],
        "metadata": dict(plan.metadata),
        "on_behalf_of": None,
        "proration_behavior": phase.proration_behavior,
        "start_date": phase.start,
        "transfer_data": None,
        "trial_end": None,
    }


def _item_object(item: PlanItem) -> Json:
    return {
        "billing_thresholds": None,
        "discounts": [entry_of(one) for one in item.discounts],
        "metadata": dict(item.metadata),
        "plan": item.price["id"],
        "price": item.price["id"],
        "quantity": None if is_metered(item.price) else item.quantity,
        "tax_rates": list(item.tax_rates or []),
    }


def _extra_object(extra: ExtraItem) -> Json:
    given = extra.period
    period = _DEFAULT_PERIOD
    if given is not None:
        period = {
            side: {"timestamp": given[side].get("timestamp"), "type": given[side]["type"]}
            for side in ("start", "end")
        }
    return {
        "discountable": extra.is_discountable,
        "discounts": [entry_of(one) for one in extra.discounts],
        "metadata": dict(extra.metadata),
        "period": period,
        "price": extra.price["id"],
        "quantity": extra.quantity,
        "tax_rates": list(extra.tax_rates or []),
    }


def default_settings(given: Json) -> Json:
    """The schedule's default settings as shown."""
    settings = given.get("invoice_settings") or {}
    return {
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": given.get("billing_cycle_anchor", "automatic"),
        "billing_thresholds": None,
        "collection_method": given.get("collection_method", "charge_automatically"),
        "default_payment_method": given.get("default_payment_method"),
        "description": given.get("description"),
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": settings.get("custom_fields") or None,
            "days_until_due": settings.get("days_until_due"),
            "description": None,
            "footer": settings.get("footer"),
            "issuer": dict(ISSUER),
        },
        "on_behalf_of": None,
        "transfer_data": None,
    }


def _end_of_last(schedule: Json, index: int) -> int | None:
    """The end of a subscription is shown while its schedule is in the last phase.

    docs.stripe.com/billing/subscriptions/cancel#cancel-after-scheduled-changes.
    """
    if schedule["end_behavior"] != "cancel" or index + 1 < len(schedule["phases"]):
        return None
    end: int = schedule["phases"][index]["end_date"]
    return end


def plan_from_phase(ctx: Context, schedule: Json, index: int) -> Plan:
    """The plan of a phase, read back from the schedule's own object."""
    phase, defaults = schedule["phases"][index], schedule["default_settings"]
    own, common = phase["invoice_settings"] or {}, defaults["invoice_settings"]
    # What a phase leaves empty, the schedule's default fills.
    settings = {name: own.get(name) or common[name] for name in common}
    collection = phase["collection_method"] or defaults["collection_method"]
    plan = Plan(
        items=[
            PlanItem(
                price=ctx.get("price", item["price"], param="price"),
                quantity=item["quantity"] or 0,
                tax_rates=item["tax_rates"] or None,
                metadata=item["metadata"],
            )
            for item in phase["items"]
        ],
        start=phase["start_date"],
        anchor=_anchor_of(ctx, schedule, index),
        collection_method=collection,
        days_until_due=settings["days_until_due"] if collection == "send_invoice" else None,
        default_tax_rates=phase["default_tax_rates"],
        default_payment_method=phase["default_payment_method"]
        or defaults["default_payment_method"],
        metadata=phase["metadata"],
        description=phase["description"] or defaults["description"],
        custom_fields=settings["custom_fields"],
        footer=settings["footer"],
        extras=[
            ExtraItem(
                price=ctx.get("price", extra["price"], param="price"),
                quantity=extra["quantity"],
                tax_rates=extra["tax_rates"] or None,
                metadata=extra["metadata"],
                period=extra["period"],
            )
            for extra in phase["add_invoice_items"]
        ],
        phase_end=phase["end_date"],
        cancel_at=_end_of_last(schedule, index),
        is_prorated=phase["proration_behavior"] != "none",
    )
    return plan_discounts.redeemed(
        ctx,
        plan,
        plan_discounts.plain_phase(phase),
        customer_id=schedule["customer"],
        is_agreed=True,
    )
