"""Meters: how reported usage is counted for a billing period.

Sources: docs.stripe.com/billing/subscriptions/usage-based/meters/configure and the docstrings of
`MeterCreateParams` (stripe 16.1). Only the display name of a meter ever changes.
"""

from __future__ import annotations

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "billing.meter"


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/billing/meters; an event name is one active meter's alone."""
    _check_free(ctx, params["event_name"])
    now = ctx.now()
    mapping, value = params.get("customer_mapping"), params.get("value_settings")
    meter: Json = {
        "id": new_id("mtr"),
        "object": KIND,
        "created": now,
        "customer_mapping": mapping or {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "default_aggregation": {"formula": params["default_aggregation"]["formula"]},
        "display_name": params["display_name"],
        "event_name": params["event_name"],
        "event_time_window": params.get("event_time_window"),
        "livemode": False,
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": now,
        "value_settings": value or {"event_payload_key": "value"},
    }
    ctx.account.add(KIND, meter)
    ctx.effect("billing.meter.created", meter)
    events.emit(ctx, "billing.meter.created", meter)
    return meter


def _check_free(ctx: Context, event_name: str) -> None:
    if active(ctx, event_name) is not None:
        raise StripeError.refused(
            f"There is already an active meter with the event name {event_name}.",
            param="event_name",
        )


def active(ctx: Context, event_name: str) -> Json | None:
    """The active meter of an event name."""
    for meter in ctx.account.of(KIND).values():
        if meter["event_name"] == event_name and meter["status"] == "active":
            return meter
    return None


def update(ctx: Context, params: Json, meter_id: str) -> Json:
    """POST /v1/billing/meters/{id}: its display name."""
    meter = ctx.get(KIND, meter_id)
    before = snapshot(meter)
    if "display_name" in params:
        meter["display_name"] = params["display_name"]
    return _changed(ctx, meter, before, "updated")


def deactivate(ctx: Context, params: Json, meter_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/billing/meters/{id}/deactivate: no more events, no more prices."""
    meter = ctx.get(KIND, meter_id)
    if meter["status"] != "active":
        raise StripeError.refused("This meter is inactive already.")
    before = snapshot(meter)
    meter["status"] = "inactive"
    meter["status_transitions"] = {"deactivated_at": ctx.now()}
    return _changed(ctx, meter, before, "deactivated")


def reactivate(ctx: Context, params: Json, meter_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/billing/meters/{id}/reactivate."""
    meter = ctx.get(KIND, meter_id)
    if meter["status"] == "active":
        raise StripeError.refused("This meter is active already.")
    _check_free(ctx, meter["event_name"])
    before = snapshot(meter)
    meter["status"] = "active"
    meter["status_transitions"] = {"deactivated_at": None}
    return _changed(ctx, meter, before, "reactivated")


def _changed(ctx: Context, meter: Json, before: Json, how: str) -> Json:
    meter["updated"] = ctx.now()
    ctx.effect(f"billing.meter.{how}", meter)
    events.emit(ctx, f"billing.meter.{how}", meter, before=before)
    return meter


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/billing/meters."""
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/billing/meters",
        kind="meter",
        keep=lambda row: params.get("status", row["status"]) == row["status"],
    )
