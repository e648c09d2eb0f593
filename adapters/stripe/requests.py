"""Request parameters from a plan. Pure; typed by Stripe's own parameter types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stripe.params import (
    SubscriptionCreateParams,
    SubscriptionScheduleCreateParams,
)
from stripe.params._subscription_create_params import (
    SubscriptionCreateParamsBillingCycleAnchorConfig as AnchorConfig,
)
from stripe.params._subscription_schedule_create_params import (
    SubscriptionScheduleCreateParamsPhase as PhaseParams,
)

from adapters.http import act_key
from adapters.stripe.plan import Charge, Every, Phase, Plan, midnight, timestamp
from adapters.stripe.usage_prices import key_of
from dealthread.domain.contract import Contract
from dealthread.domain.deal import CollectionMethod

CONTRACT = "dealthread_contract"
KEY = "dealthread_key"
DEAL = "dealthread_deal"
LINE = "dealthread_line"
HOLD = "dealthread_hold"
COLLECTION = "dealthread_collection"
COMMITTED_UNTIL = "dealthread_committed_until"
SELLER_COUNTRY = "dealthread_seller_country"
CREDIT_REASON = "dealthread_credit_reason"
RECEIPT = "dealthread_receipt"
"""Of an invoice that was paid outside of Stripe: the bank's id of the receipt."""
ITEM = "dealthread_item_"
"""Followed by the id of an item that is gone: the line that it billed."""
ALWAYS_DAY = 28
"""The last day that every month has."""


@dataclass(frozen=True)
class Terms:
    """How the agreement is collected and marked."""

    metadata: dict[str, str]
    by_card: bool
    days_until_due: int
    """At least 1: an invoice sent by mail cannot be due when it is finalised."""
    po_number: str


def terms_of(contract: Contract, idempotency_key: str, hold: bool) -> Terms:
    """A held first invoice is collected by mail until it is released: a draft to be charged
    automatically would be finalised at once."""
    card = contract.collection_method is CollectionMethod.CARD
    end = contract.committed_until
    metadata = {
        CONTRACT: contract.key,
        KEY: act_key(idempotency_key),
        DEAL: contract.deal_id,
        HOLD: "review" if hold else "",
        COLLECTION: contract.collection_method.value,
        COMMITTED_UNTIL: end.isoformat() if end else "",
        SELLER_COUNTRY: contract.seller_country,
    }
    return Terms(
        metadata={name: value for name, value in metadata.items() if value},
        by_card=card and not hold,
        days_until_due=max(1, contract.days_until_due),
        po_number=contract.po_number,
    )


def subscription(
    plan: Plan, terms: Terms, customer: str, tax_rates: Mapping[str, str], now: datetime
) -> SubscriptionCreateParams:
    """A subscription that starts now or earlier and bills whole periods from its start."""
    params: SubscriptionCreateParams = {
        "customer": customer,
        "items": [item(charge, tax_rates) for charge in plan.first.recurring],
        "metadata": terms.metadata,
        # With the anchor on the next boundary, the time from the start to it is whole periods:
        # "prorations" is what makes them billed at all (docs: backdate subscriptions).
        "proration_behavior": "create_prorations",
        "expand": ["latest_invoice"],
    }
    if plan.first.one_time:
        params["add_invoice_items"] = [item(c, tax_rates) for c in plan.first.one_time]
    if midnight(plan.start) < now:
        params["backdate_start_date"] = timestamp(plan.start)
    _anchor(params, plan, now)
    if plan.end is not None:
        params["cancel_at"] = timestamp(plan.end)
    if terms.by_card:
        params["collection_method"] = "charge_automatically"
        # The customer is not at a screen; a failed payment leaves the subscription incomplete.
        params["off_session"] = True
        params["payment_behavior"] = "allow_incomplete"
    else:
        params["collection_method"] = "send_invoice"
        params["days_until_due"] = terms.days_until_due
    if terms.po_number:
        params["invoice_settings"] = {
            "custom_fields": [{"name": "PO number", "value": terms.po_number}]
        }
    return params


def _anchor(params: SubscriptionCreateParams, plan: Plan, now: datetime) -> None:
    if not by_day_of_month(plan):
        params["billing_cycle_anchor"] = timestamp(plan.next_boundary(now))
        return
    # An anchor on 28 February would pull a cycle of the 31st to the 28th for good, and
    # `billing_cycle_anchor_config` cannot be had with a start in the past (docs: billing-cycle).
    # Without either, flexible billing anchors on the start itself (docs: billing-mode/compare).
    params["billing_mode"] = {"type": "flexible"}
    if "backdate_start_date" not in params:
        # The request arrives a moment after the start.
        params["billing_cycle_anchor_config"] = _day_of(plan)


def _day_of(plan: Plan) -> AnchorConfig:
    config: AnchorConfig = {"day_of_month": plan.start.day, "hour": 0, "minute": 0, "second": 0}
    if plan.cycle() != Every("month", 1):
        config["month"] = plan.cycle().boundary(plan.start, 1).month
    return config


def by_day_of_month(plan: Plan) -> bool:
    """Whether the cycle's day is missing in some months."""
    return plan.start.day > ALWAYS_DAY and plan.cycle().interval != "day"


def schedule(
    plan: Plan, terms: Terms, customer: str, tax_rates: Mapping[str, str]
) -> SubscriptionScheduleCreateParams:
    """A schedule: several phases, or a start to come."""
    params: SubscriptionScheduleCreateParams = {
        "customer": customer,
        "start_date": timestamp(plan.start),
        "end_behavior": "release" if plan.end is None else "cancel",
        "metadata": terms.metadata,
        "phases": [
            _phase(plan, phase, terms, tax_rates, first=index == 0)
            for index, phase in enumerate(plan.phases)
        ],
        "expand": ["subscription.latest_invoice"],
    }
    if terms.by_card:
        params["default_settings"] = {"collection_method": "charge_automatically"}
    else:
        params["default_settings"] = {
            "collection_method": "send_invoice",
            "invoice_settings": {"days_until_due": terms.days_until_due},
        }
    if terms.po_number:
        settings = params["default_settings"].setdefault("invoice_settings", {})
        settings["custom_fields"] = [{"name": "PO number", "value": terms.po_number}]
    return params


def _phase(
    plan: Plan, phase: Phase, terms: Terms, tax_rates: Mapping[str, str], *, first: bool
) -> PhaseParams:
    params: PhaseParams = {
        "items": [item(charge, tax_rates) for charge in phase.recurring],
        # A phase's metadata becomes the subscription's: it is found by it.
        "metadata": terms.metadata,
    }
    if phase.one_time:
        params["add_invoice_items"] = [item(c, tax_rates) for c in phase.one_time]
    if phase.end is not None:
        params["end_date"] = timestamp(phase.end)
    else:
        every = plan.cycle()
        params["duration"] = {"interval": every.interval, "interval_count": every.count}
    if first:
        params["billing_cycle_anchor"] = "phase_start"
        params["proration_behavior"] = "create_prorations"
    else:
        # On a boundary the new quantity is simply billed; within a period the change is prorated.
        aligned = _on_boundary(plan, phase)
        params["proration_behavior"] = "none" if aligned else "create_prorations"
    return params


def _on_boundary(plan: Plan, phase: Phase) -> bool:
    every, periods = plan.cycle(), 1
    while every.boundary(plan.start, periods) < phase.start:
        periods += 1
    return every.boundary(plan.start, periods) == phase.start


def item(charge: Charge, tax_rates: Mapping[str, str]) -> Any:
    """One item; Stripe's parameter types for it have these fields in common. `tax_rates` holds the
    ids of the catalogue by our keys, prices of usage among them."""
    if charge.usage is not None:
        return {
            "price": tax_rates[key_of(charge)],
            "tax_rates": [tax_rates[charge.rate_key]],
            "metadata": {LINE: charge.line_key},
        }
    price: dict[str, Any] = {
        "currency": charge.currency,
        "product": charge.product,
        "tax_behavior": "exclusive",
        "unit_amount_decimal": charge.unit_amount,
    }
    if charge.every is not None:
        price["recurring"] = {
            "interval": charge.every.interval,
            "interval_count": charge.every.count,
        }
    return {
        "price_data": price,
        "quantity": charge.quantity,
        "tax_rates": [tax_rates[charge.rate_key]],
        "metadata": {LINE: charge.line_key},
    }
