"""The subscription object from a plan, and the plan back from the object."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.catalogue.prices import is_metered
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import Plan, PlanItem
from dealthread.simulators.stripe.subscriptions.spans import span_at
from dealthread.simulators.stripe.wire.listing import envelope

ISSUER = {"type": "self"}


def billing_mode(given: Json | None) -> Json:
    """Flexible is the default since API version 2025-09-30.clover (docstrings of stripe 16.1)."""
    flexible = (given or {}).get("flexible")
    return {
        "flexible": None
        if flexible is None
        else {"proration_discounts": flexible.get("proration_discounts")},
        "type": "flexible",
        "updated_at": None,
    }


def legacy_plan(price: Json) -> Json:
    """The plan object that a subscription item still carries beside its price."""
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": price["recurring"]["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": None,
        "usage_type": price["recurring"]["usage_type"],
    }


def item_object(item: PlanItem, subscription_id: str, span: tuple[int, int], created: int) -> Json:
    """A subscription item; periods live on items, not on the subscription."""
    return {
        "id": item.item_id,
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": created,
        "current_period_end": span[1],
        "current_period_start": span[0],
        "discounts": [],
        "metadata": dict(item.metadata),
        "plan": legacy_plan(item.price),
        "price": item.price,
        "quantity": None if is_metered(item.price) else item.quantity,
        "subscription": subscription_id,
        "tax_rates": list(item.tax_rates or []),
    }


def items_list(subscription_id: str, items: list[Json]) -> Json:
    """The list of a subscription's items."""
    return envelope(items, f"/v1/subscription_items?subscription={subscription_id}")


def subscription_object(
    plan: Plan, *, subscription_id: str, customer_id: str, now: int, status: str, mode: Json
) -> Json:
    """A new subscription."""
    default_behavior = {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"}
    behavior = {**default_behavior, **(plan.trial_settings or {})}
    return {
        "id": subscription_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": plan.anchor,
        "billing_cycle_anchor_config": plan.anchor_config,
        "billing_mode": mode,
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            "feedback_option": None,
            "reason": None,
        },
        "collection_method": plan.collection_method,
        "created": now,
        "currency": plan.currency,
        "customer": customer_id,
        "customer_account": None,
        "days_until_due": plan.days_until_due,
        "default_payment_method": plan.default_payment_method,
        "default_source": None,
        "default_tax_rates": list(plan.default_tax_rates),
        "description": plan.description,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": plan.custom_fields,
            "description": None,
            "footer": plan.footer,
            "issuer": dict(ISSUER),
        },
        "items": items_list(
            subscription_id,
            [
                item_object(item, subscription_id, _period(plan, item, now), now)
                for item in plan.items
            ],
        ),
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": dict(plan.metadata),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": plan.start,
        "status": status,
        "test_clock": None,
        "transfer_data": None,
        "trial_end": plan.trial_end,
        "trial_settings": {"end_behavior": behavior},
        "trial_start": None if plan.trial_end is None else plan.start,
    }


def _period(plan: Plan, item: PlanItem, at: int) -> tuple[int, int]:
    return span_at(plan, item.price["recurring"], at).pair


def plan_of(subscription: Json) -> Plan:
    """The plan a subscription is billed by from now on."""
    items = [
        PlanItem(
            price=item["price"],
            quantity=item["quantity"] or 0,
            tax_rates=item["tax_rates"] or None,
            metadata=item["metadata"],
            item_id=item["id"],
        )
        for item in subscription["items"]["data"]
    ]
    return Plan(
        items=items,
        start=subscription["start_date"],
        anchor=subscription["billing_cycle_anchor"],
        anchor_config=subscription["billing_cycle_anchor_config"],
        collection_method=subscription["collection_method"],
        days_until_due=subscription["days_until_due"],
        default_tax_rates=subscription["default_tax_rates"],
        default_payment_method=subscription["default_payment_method"],
        metadata=subscription["metadata"],
        description=subscription["description"],
        custom_fields=subscription["invoice_settings"]["custom_fields"],
        footer=subscription["invoice_settings"]["footer"],
        trial_start=subscription["trial_start"],
        trial_end=subscription["trial_end"],
        trial_settings=subscription["trial_settings"]["end_behavior"],
        cancel_at=subscription["cancel_at"],
        cancel_at_period_end=subscription["cancel_at_period_end"],
    )


def same_price(one: Json, other: Json) -> bool:
    """Whether two prices bill the same: the same price, or inline ones with equal terms."""
    if one["id"] == other["id"]:
        return True
    if "tiered" in (one["billing_scheme"], other["billing_scheme"]):
        # Inline prices have no tiers.
        return False
    names = ("currency", "product", "recurring", "transform_quantity")
    return all(one[name] == other[name] for name in names) and Decimal(
        one["unit_amount_decimal"]
    ) == Decimal(other["unit_amount_decimal"])
