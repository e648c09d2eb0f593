"""What a meter counts for a customer in a span of time.

Sources: docs.stripe.com/billing/subscriptions/usage-based/meters/configure (formulas, windows of
pre-aggregated events in UTC), docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api
(decimal values; below zero in all is billed as 0). Here usage counts as soon as it is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.usage import meters
from dealthread.simulators.stripe.usage.meter_events import KIND, RELATION, relation_key
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import envelope
from dealthread.simulators.stripe.world import Context

_MINUTE = 60
_WINDOWS = {"day": 86_400, "hour": 3_600}


def quantity(ctx: Context, price: Json, customer_id: str | None, start: int, end: int) -> Decimal:
    """The units a metered price bills for [start, end)."""
    if customer_id is None:
        return Decimal(0)
    meter = ctx.get(meters.KIND, price["recurring"]["meter"])
    return max(Decimal(0), aggregated(ctx, meter, customer_id, start, end))


def aggregated(ctx: Context, meter: Json, customer_id: str, start: int, end: int) -> Decimal:
    """The meter's formula over the events of [start, end) that were not canceled."""
    key = relation_key(meter["id"], customer_id)
    rows = [
        row
        for row in ctx.account.related(RELATION, KIND, key)
        if start <= row["timestamp"] < end and not row["is_canceled"]
    ]
    window = _WINDOWS.get(meter["event_time_window"])
    if window is not None:
        # A later event of the same hour or day takes the place of the one before.
        rows = list({row["timestamp"] // window: row for row in rows}.values())
    return _formula(meter["default_aggregation"]["formula"], rows)


def _formula(formula: str, rows: Sequence[Json]) -> Decimal:
    if formula == "count":
        return Decimal(len(rows))
    if formula == "sum":
        return sum((Decimal(row["value"]) for row in rows), Decimal(0))
    if not rows:
        return Decimal(0)
    # The later received wins among those of one instant.
    last = max(enumerate(rows), key=lambda pair: (pair[1]["timestamp"], pair[0]))[1]
    return Decimal(last["value"])


def summaries(ctx: Context, params: Json, meter_id: str) -> Json:
    """GET /v1/billing/meters/{id}/event_summaries: one summary of the whole range."""
    meter = ctx.get(meters.KIND, meter_id)
    customer = ctx.get("customer", params["customer"], param="customer")
    start, end = params["start_time"], params["end_time"]
    for name in ("start_time", "end_time"):
        if params[name] % _MINUTE:
            raise StripeError.invalid(
                f"`{name}` must be aligned with minute boundaries.", param=name
            )
    if start >= end:
        raise StripeError.invalid("`end_time` must be after `start_time`.", param="end_time")
    value = aggregated(ctx, meter, customer["id"], start, end)
    summary: Json = {
        "id": new_id("mtrusg"),
        "object": "billing.meter_event_summary",
        # A JSON number, as Stripe's type has it.
        "aggregated_value": int(value) if value == value.to_integral_value() else float(value),
        "end_time": end,
        "livemode": False,
        "meter": meter_id,
        "start_time": start,
    }
    return envelope([summary], f"/v1/billing/meters/{meter_id}/event_summaries")
