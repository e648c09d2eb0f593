"""Webhook endpoints: where events go, and the secret that signs them."""

from __future__ import annotations

import secrets

from dealthread.simulators.stripe.config import API_VERSION
from dealthread.simulators.stripe.events.kinds import EVENT_KINDS
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context


def create(ctx: Context, params: Json, *, secret: str | None = None) -> Json:
    """POST /v1/webhook_endpoints; the secret is shown in this answer and never again."""
    version = params.get("api_version")
    if version not in (None, API_VERSION):
        raise StripeError.unsupported(
            f"events rendered in API version {version}", param="api_version"
        )
    _check(params)
    endpoint: Json = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": version,
        "application": None,
        "created": ctx.now(),
        "description": params.get("description"),
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": metadata.fresh(params),
        "status": "enabled",
        "url": params["url"],
    }
    ctx.account.add("webhook_endpoint", endpoint)
    hidden = ctx.account.secret(endpoint["id"])
    hidden["secret"] = secret or "whsec_" + secrets.token_hex(16)
    ctx.effect("webhook_endpoint.created", endpoint)
    return {**endpoint, "secret": hidden["secret"]}


def _check(params: Json) -> None:
    if "url" in params and not params["url"].startswith(("http://", "https://")):
        raise StripeError.invalid("Not a valid URL", code="url_invalid", param="url")
    if "enabled_events" in params and not params["enabled_events"]:
        raise StripeError.missing("enabled_events")
    for index, kind in enumerate(params.get("enabled_events", [])):
        if kind != "*" and kind not in EVENT_KINDS:
            raise StripeError.invalid(
                f"Invalid enabled_events[{index}]: {kind} is no kind of event",
                param=f"enabled_events[{index}]",
            )


def update(ctx: Context, params: Json, endpoint_id: str) -> Json:
    """POST /v1/webhook_endpoints/{id}; a disabled one is sent nothing new."""
    endpoint = ctx.get("webhook_endpoint", endpoint_id)
    _check(params)
    for name in ("description", "enabled_events", "url"):
        if name in params:
            endpoint[name] = params[name]
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    metadata.merge(endpoint, params)
    ctx.effect("webhook_endpoint.updated", endpoint)
    return endpoint


def delete(ctx: Context, params: Json, endpoint_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/webhook_endpoints/{id}."""
    endpoint = ctx.get("webhook_endpoint", endpoint_id)
    del ctx.account.of("webhook_endpoint")[endpoint_id]
    ctx.effect("webhook_endpoint.deleted", endpoint)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/webhook_endpoints."""
    return page(
        ctx.account.of("webhook_endpoint").values(),
        params,
        "/v1/webhook_endpoints",
        kind="webhook endpoint",
    )
