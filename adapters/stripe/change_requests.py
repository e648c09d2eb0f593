"""Request parameters of changes. Pure; typed by Stripe's own parameter types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from stripe.params import (
    InvoiceCreatePreviewParams,
    SubscriptionScheduleUpdateParams,
    SubscriptionUpdateParams,
)
from stripe.params._subscription_schedule_update_params import (
    SubscriptionScheduleUpdateParamsPhase as PhaseParams,
)

from adapters.http import act_key
from adapters.stripe import requests, translate
from adapters.stripe.change_plan import Differences, Target, end_of, every_of, our_items
from adapters.stripe.plan import Every, Phase, timestamp
from dealthread.domain.contract import Contract
from dealthread.ports.billing import ChangeAgreement

CHANGE = "dealthread_change"
"""On a subscription, schedule or credit note: the key of the last change made to it."""
BEGUN = "dealthread_change_begun"
"""On a subscription: the key of a change that still lacks a call. Its last call takes it away."""


def marks(after: Contract, key: str, retired: Mapping[str, str] | None = None) -> dict[str, str]:
    """Metadata of a change. Items that go leave behind which line they billed: invoice lines name
    items, and an old invoice has to be understood for years."""
    end = end_of(after)
    return {
        CHANGE: act_key(key),
        # An empty text takes the entry away.
        BEGUN: "",
        requests.COMMITTED_UNTIL: end.isoformat() if end else "",
        **_retired(retired or {}),
    }


def begun(key: str, retired: Mapping[str, str] | None = None) -> dict[str, str]:
    """Metadata of a change whose later calls are still to come."""
    return {BEGUN: act_key(key), **_retired(retired or {})}


def _retired(items: Mapping[str, str]) -> dict[str, str]:
    return {f"{requests.ITEM}{item}": line for item, line in items.items()}


def items(
    entries: list[Any], command: ChangeAgreement, metadata: dict[str, str], *, charged: bool
) -> SubscriptionUpdateParams:
    """Items as they shall be from the change's day on."""
    params: SubscriptionUpdateParams = {"items": entries, "metadata": metadata}
    if charged:
        params["proration_behavior"] = "always_invoice"
        params["proration_date"] = timestamp(command.effective_from)
        params["expand"] = ["latest_invoice"]
        if command.after.collection_method.value == "card":
            # The customer is not at a screen; a failed payment is dunned like any other.
            params["off_session"] = True
            params["payment_behavior"] = "allow_incomplete"
    else:
        params["proration_behavior"] = "none"
    return params


def end(day: date | None, metadata: dict[str, str], due: int | None) -> SubscriptionUpdateParams:
    """Ends at a day, or goes on; nothing is prorated for it."""
    params: SubscriptionUpdateParams = {
        "cancel_at": "" if day is None else timestamp(day),
        "proration_behavior": "none",
        "metadata": metadata,
    }
    if due is not None:
        params["days_until_due"] = due
    return params


def preview(
    row: translate.Data, found: Differences, command: ChangeAgreement
) -> InvoiceCreatePreviewParams:
    """The invoice that the charged items would make at once."""
    return {
        "subscription": translate.text(row, "id"),
        "subscription_details": {
            "items": found.charged,
            "proration_behavior": "always_invoice",
            "proration_date": timestamp(command.effective_from),
        },
    }


def phases(
    row: translate.Data,
    schedule: translate.Data,
    target: Target,
    command: ChangeAgreement,
    rates: Mapping[str, str],
    metadata: dict[str, str],
) -> SubscriptionScheduleUpdateParams:
    """The present phase as it is, then what comes. Metadata of a phase becomes the
    subscription's when the phase begins."""
    # Where a phase bills another price, Stripe puts another item in the place of the present one.
    billed = {f"{requests.ITEM}{item['id']}": key for key, item in our_items(row)}
    kept = {**translate.mapping(row, "metadata"), **billed, **metadata}
    kept = {name: value for name, value in kept.items() if value}
    due = due_of(row, command)
    first: PhaseParams = {
        "start_date": translate.minor(schedule, "current_phase", "start_date"),
        "end_date": timestamp(target.later[0].start),
        "items": [_present(item) for item in translate.rows(row, "items", "data")],
        "metadata": kept,
        "proration_behavior": "none",
    }
    rows = [_with_due(first, due)]
    starts = target.every
    for phase in target.later:
        made = later(phase, command, starts, rates, kept)
        starts = phase.recurring[0].every or starts
        rows.append(_with_due(made, due))
    return {
        "end_behavior": "release" if target.end is None else "cancel",
        "metadata": metadata,
        "phases": rows,
        # The present phase bills what it billed before.
        "proration_behavior": "none",
    }


def later(
    phase: Phase,
    command: ChangeAgreement,
    present: Every,
    rates: Mapping[str, str],
    metadata: dict[str, str],
) -> PhaseParams:
    """A phase to come."""
    every = phase.recurring[0].every or present
    params: PhaseParams = {
        "items": [requests.item(charge, rates) for charge in phase.recurring],
        "metadata": metadata,
        "proration_behavior": "none",
    }
    if phase.one_time:
        params["add_invoice_items"] = [requests.item(charge, rates) for charge in phase.one_time]
    if phase.end is not None:
        params["end_date"] = timestamp(phase.end)
    else:
        params["duration"] = {"interval": every.interval, "interval_count": every.count}
    if every != present:
        params["billing_cycle_anchor"] = "phase_start"
    elif command.charge_lines and not is_boundary(command.before.start_date, every, phase.start):
        params["proration_behavior"] = "always_invoice"
    return params


def is_boundary(start: date, every: Every, day: date) -> bool:
    """Whether a period begins on a day."""
    count = 0
    while every.boundary(start, count) < day:
        count += 1
    return every.boundary(start, count) == day


def due_of(row: translate.Data, command: ChangeAgreement) -> int | None:
    """New days until an invoice is due, where they change and invoices are sent."""
    wanted = max(1, command.after.days_until_due)
    if translate.text(row, "collection_method") != "send_invoice":
        return None
    if command.after.days_until_due == command.before.days_until_due:
        return None
    return wanted


def _with_due(phase: PhaseParams, due: int | None) -> PhaseParams:
    if due is not None:
        phase["invoice_settings"] = {"days_until_due": due}
    return phase


def _present(item: translate.Data) -> Any:
    price = translate.mapping(item, "price")
    if translate.at(price, "recurring", "usage_type") == "metered":
        # What is charged as used has no quantity; its price is the catalogue's.
        return {
            "price": translate.text(price, "id"),
            "tax_rates": [translate.text(rate, "id") for rate in translate.rows(item, "tax_rates")],
            "metadata": dict(translate.mapping(item, "metadata")),
        }
    every = every_of(item)
    entry: dict[str, Any] = {
        "quantity": translate.minor(item, "quantity"),
        "tax_rates": [translate.text(rate, "id") for rate in translate.rows(item, "tax_rates")],
        "metadata": dict(translate.mapping(item, "metadata")),
    }
    if price.get("active"):
        entry["price"] = translate.text(price, "id")
        return entry
    # Made by `price_data`, so inactive: Stripe takes no inactive price by its id.
    entry["price_data"] = {
        "currency": translate.text(price, "currency"),
        "product": translate.text(price, "product"),
        "tax_behavior": "exclusive",
        "unit_amount_decimal": translate.decimal(price, "unit_amount_decimal"),
        "recurring": {"interval": every.interval, "interval_count": every.count},
    }
    return entry
