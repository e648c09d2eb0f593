"""Subscription items by themselves: each call is a change of the subscription they belong to.

Source: docs.stripe.com/api/subscription_items. Prorations are those of an update of the
subscription with this one item.
"""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue import discounts, plan_discounts
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import SPOKEN, Json
from dealthread.simulators.stripe.subscriptions import item_changes
from dealthread.simulators.stripe.subscriptions import update as subscription_update
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context, snapshot, whole_or_nothing

_KIND = "subscription_item"
_ITEM = frozenset({"discounts", "metadata", "price", "price_data", "quantity", "tax_rates"})


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/subscription_items: adds an item."""
    subscription = ctx.get("subscription", params["subscription"], param="subscription")
    held = {item["id"] for item in subscription["items"]["data"]}
    _change(ctx, subscription, _entry(params), params)
    return next(item for item in subscription["items"]["data"] if item["id"] not in held)


def retrieve(ctx: Context, params: Json, item_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/subscription_items/{id}."""
    return _find(ctx, item_id)[1]


def update(ctx: Context, params: Json, item_id: str) -> Json:
    """POST /v1/subscription_items/{id}."""
    subscription, _ = _find(ctx, item_id)
    _change(ctx, subscription, {**_entry(params), "id": item_id}, params)
    return _find(ctx, item_id)[1]


def delete(ctx: Context, params: Json, item_id: str) -> Json:
    """DELETE /v1/subscription_items/{id}: the last one cannot go, the subscription is cancelled."""
    subscription, _ = _find(ctx, item_id)
    _change(ctx, subscription, {"id": item_id, "deleted": True}, params)
    return {"id": item_id, "object": _KIND, "deleted": True}


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/subscription_items, of one subscription."""
    subscription = ctx.get("subscription", params["subscription"], param="subscription")
    return page(
        subscription["items"]["data"],
        params,
        "/v1/subscription_items",
        kind=SPOKEN[_KIND],
        newest_first=False,
    )


def _entry(params: Json) -> Json:
    return {name: params[name] for name in _ITEM if name in params}


def _find(ctx: Context, item_id: str) -> tuple[Json, Json]:
    for subscription in ctx.account.of("subscription").values():
        for item in subscription["items"]["data"]:
            if item["id"] == item_id:
                return subscription, item
    raise StripeError.no_such(SPOKEN[_KIND], item_id)


def _change(ctx: Context, subscription: Json, entry: Json, params: Json) -> None:
    subscription_update.check_open(subscription, {"items"})
    before = snapshot(subscription)
    terms = {name: value for name, value in params.items() if name not in _ITEM}
    with whole_or_nothing(subscription), discounts.tentative(ctx):
        wanted = item_changes.read(ctx, subscription, [entry], "")
        plan_discounts.update_items(ctx, subscription, [entry], "")
        proposal = subscription_update.proposed(ctx, subscription, wanted, terms)
    subscription_update.commit(ctx, subscription, proposal, terms)
    ctx.effect("subscription.updated", subscription)
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)
