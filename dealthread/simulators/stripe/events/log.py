"""Events: a snapshot of the object at the moment of the change, and its webhook deliveries.

Source: docs.stripe.com/api/events. Order of delivery is not promised and duplicates happen; the
kit's webhook sender can be told to do both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

from dealthread.simulators.kit.webhook_sender import Delivery
from dealthread.simulators.stripe.config import API_VERSION
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

# docs.stripe.com/api/events: events are available for 30 days.
KEPT_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class StripeSigner:
    """`Stripe-Signature: t=…,v1=…`: HMAC-SHA256 of `<t>.<body>` under the endpoint's secret."""

    secret: str

    def headers(self, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:  # noqa: ARG002
        """The signature header of one delivery."""
        signed = f"{timestamp}.".encode() + body
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={timestamp},v1={digest}"}


def emit(ctx: Context, kind: str, obj: Json, *, before: Json | None = None) -> Json:
    """Record an event and hand it to every endpoint that listens for its kind.

    `before` is the object as it was; the names that changed go into `previous_attributes`.
    """
    endpoints = [
        endpoint
        for endpoint in ctx.account.of("webhook_endpoint").values()
        if endpoint["status"] == "enabled"
        and ("*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"])
    ]
    customer_id = _customer_of(ctx, obj)
    data: Json = {"object": snapshot(obj)}
    if before is not None:
        data["previous_attributes"] = {
            name: before.get(name) for name in obj if before.get(name) != obj[name]
        }
    event: Json = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": ctx.now(customer_id),
        "data": data,
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": ctx.request_id, "idempotency_key": ctx.idempotency_key},
        "type": kind,
    }
    ctx.account.add("event", event)
    if obj.get("test_clock") is not None or ctx.clock_of(customer_id) is not None:
        # Dated by its clock, kept by the time of the world.
        ctx.account.secret(event["id"])["happened_at"] = ctx.world_now()
    body = json.dumps(event, separators=(",", ":")).encode()
    for endpoint in endpoints:
        ctx.world.webhooks.enqueue(
            Delivery(
                message_id=event["id"],
                url=endpoint["url"],
                body=body,
                signer=StripeSigner(ctx.account.secret(endpoint["id"])["secret"]),
                content_type="application/json; charset=utf-8",
                label=f"{ctx.account.id} {kind} {obj['id']}",
                on_delivered=lambda: _delivered(event),
                headers={"User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"},
            )
        )
    return event


def _customer_of(ctx: Context, obj: Json) -> str | None:
    """Whose event it is: an invoice's payment is its customer's."""
    if obj["object"] == "customer":
        return str(obj["id"])
    if "customer" not in obj and "invoice" in obj:
        obj = ctx.account.find("invoice", obj["invoice"]) or obj
    found: str | None = obj.get("customer")
    return found


def _delivered(event: Json) -> None:
    event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)


def retrieve(ctx: Context, params: Json, event_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/events/{id}: for 30 days after it happened."""
    event = ctx.get("event", event_id)
    if not _is_kept(ctx, event):
        raise StripeError.no_such("event", event_id)
    return event


def _is_kept(ctx: Context, event: Json) -> bool:
    hidden = ctx.account.hidden.get(event["id"], {})
    happened_at = hidden.get("happened_at") or event["created"]
    return bool(happened_at > ctx.now() - KEPT_SECONDS)


def list_events(ctx: Context, params: Json) -> Json:
    """GET /v1/events of the last 30 days."""
    kinds = params.get("types") or ([params["type"]] if "type" in params else None)
    delivered = params.get("delivery_success")
    return page(
        ctx.account.of("event").values(),
        params,
        "/v1/events",
        kind="event",
        keep=lambda row: (
            _is_kept(ctx, row)
            and (kinds is None or any(_is_of(row["type"], kind) for kind in kinds))
            and (delivered is None or (row["pending_webhooks"] == 0) == delivered)
            and within(row["created"], params.get("created"))
        ),
    )


def _is_of(kind: str, wanted: str) -> bool:
    """A kind, or a group of them such as `invoice.*`."""
    return kind == wanted or (wanted.endswith(".*") and kind.startswith(wanted[:-1]))
