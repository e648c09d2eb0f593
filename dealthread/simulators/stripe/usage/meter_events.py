"""Meter events: usage as it is reported, once by identifier, and what cancels it.

Sources: docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api and the docstrings of
`MeterEventCreateParams` (stripe 16.1). Stripe takes events in asynchronously and tells by thin
events what was wrong with them; those are not carried, so what Stripe would drop later is refused
here at once, by our own code. That a known identifier is refused in the answer itself, without an
error code, is reported by many who met it (github.com/langfuse/langfuse/pull/16292).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.usage import meters
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.money import plain
from dealthread.simulators.stripe.world import Context

KIND = "billing.meter_event"
RELATION = "billing.meter_event.customer"
_DAY = 86_400
# "within the past 35 calendar days or up to 5 minutes in the future".
_PAST, _FUTURE = 35 * _DAY, 5 * 60
# "uniqueness within a rolling period of at least 24 hours"; cancelling within 24 hours.
_WINDOW = _DAY


def relation_key(meter_id: str, customer_id: str) -> str:
    """Where the events of a customer on a meter hang."""
    return f"{meter_id}|{customer_id}"


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/billing/meter_events."""
    meter = _meter(ctx, params["event_name"])
    payload: dict[str, str] = params["payload"]
    customer_id = payload.get(meter["customer_mapping"]["event_payload_key"])
    if customer_id is None:
        raise _dropped("meter_event_no_customer_defined")
    if ctx.account.find("customer", customer_id) is None:
        raise _dropped("meter_event_customer_not_found")
    value = _value(payload, meter)
    now = ctx.now(customer_id)
    timestamp = params.get("timestamp", now)
    if timestamp < now - _PAST:
        raise _dropped("timestamp_too_far_in_past", "timestamp")
    if timestamp > now + _FUTURE:
        raise _dropped("timestamp_in_future", "timestamp")
    identifier = params.get("identifier") or new_id("mev")
    known = _known(ctx, identifier)
    if known is not None and now - known["created"] < _WINDOW:
        raise StripeError.refused(f"An event already exists with identifier {identifier}.")
    row: Json = {
        "id": new_id("mev"),
        "object": KIND,
        "created": now,
        "customer": customer_id,
        "identifier": identifier,
        "is_canceled": False,
        "meter": meter["id"],
        "timestamp": timestamp,
        "value": plain(value),
    }
    ctx.account.add(KIND, row)
    ctx.account.relate(RELATION, relation_key(meter["id"], customer_id), row["id"])
    _identifiers(ctx)[identifier] = row["id"]
    ctx.effect("billing.meter_event.created", row, value=row["value"])
    return {
        "object": KIND,
        "created": now,
        "event_name": meter["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": payload,
        "timestamp": timestamp,
    }


def _meter(ctx: Context, event_name: str) -> Json:
    meter = meters.active(ctx, event_name)
    if meter is None:
        is_archived = any(
            row["event_name"] == event_name for row in ctx.account.of(meters.KIND).values()
        )
        raise _dropped("archived_meter" if is_archived else "no_meter", "event_name")
    return meter


def _value(payload: dict[str, str], meter: Json) -> Decimal:
    text = payload.get(meter["value_settings"]["event_payload_key"])
    if text is None:
        raise _dropped("meter_event_value_not_found")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise _dropped("meter_event_invalid_value") from None
    if not value.is_finite():
        raise _dropped("meter_event_invalid_value")
    return value


def _dropped(code: str, param: str = "payload") -> StripeError:
    return StripeError.unsupported(
        f"the event that would tell you later of an error in this meter event ({code})",
        param=param,
    )


def _identifiers(ctx: Context) -> Json:
    """The latest event by its identifier."""
    return ctx.account.secret(KIND)


def _known(ctx: Context, identifier: str) -> Json | None:
    return ctx.account.find(KIND, _identifiers(ctx).get(identifier))


def adjust(ctx: Context, params: Json) -> Json:
    """POST /v1/billing/meter_event_adjustments: cancel one event of the last 24 hours."""
    cancel = params.get("cancel") or {}
    if "identifier" not in cancel:
        raise StripeError.missing("cancel[identifier]")
    meter = _meter(ctx, params["event_name"])
    row = _known(ctx, cancel["identifier"])
    if row is None or row["meter"] != meter["id"]:
        raise StripeError.no_such("meter event", cancel["identifier"], param="cancel[identifier]")
    if ctx.now(row["customer"]) - row["created"] > _WINDOW:
        raise StripeError.refused(
            "Only events of the last 24 hours can be canceled.", param="cancel[identifier]"
        )
    row["is_canceled"] = True
    ctx.effect("billing.meter_event.canceled", row)
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": cancel["identifier"]},
        "event_name": params["event_name"],
        "livemode": False,
        # It is done already; Stripe does it later and shows no more than this.
        "status": "pending",
        "type": "cancel",
    }
