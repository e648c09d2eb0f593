"""Coupons: what may be taken off, for how long, how often, until when.

Sources: docs.stripe.com/billing/subscriptions/coupons, docstrings of `CouponCreateParams` and
`Coupon.delete` (stripe 16.1). `applies_to` is answered only when it is expanded.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.periods import shift
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "coupon"
_DELETED = "deleted_coupon"
# `redeem_by` "cannot be set to more than 5 years in the future".
_MAX_YEARS = 5


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/coupons; a custom id is allowed and must be free."""
    now = ctx.now()
    _check(params, now)
    products = (params.get("applies_to") or {}).get("products", [])
    for index, product_id in enumerate(products):
        ctx.get("product", product_id, param=f"applies_to[products][{index}]")
    coupon_id = params.get("id") or new_id("co", 8).removeprefix("co_")
    if ctx.account.find(KIND, coupon_id) is not None:
        raise StripeError.refused(
            "Coupon already exists.", code="resource_already_exists", param="id"
        )
    percent: Decimal | None = params.get("percent_off")
    coupon: Json = {
        "id": coupon_id,
        "object": KIND,
        "amount_off": params.get("amount_off"),
        "created": now,
        "currency": params.get("currency") if percent is None else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": metadata.fresh(params),
        "name": params.get("name"),
        # A JSON number: at most four decimals are accepted, so the text of the float is exact.
        "percent_off": None if percent is None else float(percent),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    ctx.account.secret(coupon_id)["products"] = products
    ctx.account.add(KIND, coupon)
    ctx.effect("coupon.created", coupon)
    events.emit(ctx, "coupon.created", coupon)
    return coupon


def _check(params: Json, now: int) -> None:
    if "percent_off" in params and "amount_off" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: percent_off, amount_off.",
            param="amount_off",
        )
    if "percent_off" not in params and "amount_off" not in params:
        raise StripeError.missing("percent_off")
    if "amount_off" in params and "currency" not in params:
        raise StripeError.missing("currency")
    if "percent_off" in params and params["percent_off"] <= 0:
        raise StripeError.invalid("Invalid percent_off: must be positive", param="percent_off")
    is_repeating = params.get("duration", "once") == "repeating"
    if is_repeating and "duration_in_months" not in params:
        raise StripeError.missing("duration_in_months")
    if not is_repeating and "duration_in_months" in params:
        raise StripeError.invalid(
            "`duration_in_months` can only be set when `duration` is `repeating`.",
            param="duration_in_months",
        )
    last = params.get("redeem_by")
    if last is None:
        return
    latest = shift(now, {"interval": "year", "interval_count": _MAX_YEARS}, 1)
    if not now < last <= latest:
        raise StripeError.refused(
            "`redeem_by` must be in the future, and at most five years away.", param="redeem_by"
        )


def products_of(ctx: Context, coupon: Json) -> tuple[str, ...]:
    """The products a coupon is for; none named means all."""
    return tuple(ctx.account.secret(coupon["id"]).get("products", ()))


def expanded_products(ctx: Context, coupon: Json) -> Json | None:
    """The `applies_to` of a coupon, answered only when expanded."""
    products = products_of(ctx, coupon)
    return {"products": list(products)} if products else None


def refresh(ctx: Context, coupon: Json, customer_id: str | None = None) -> Json:
    """The coupon, with `valid` as it is now."""
    most, last = coupon["max_redemptions"], coupon["redeem_by"]
    coupon["valid"] = (most is None or coupon["times_redeemed"] < most) and (
        last is None or ctx.now(customer_id) <= last
    )
    return coupon


def usable(ctx: Context, coupon_id: str, customer_id: str | None, param: str) -> Json:
    """The coupon of a redemption: it exists and is still valid."""
    coupon = refresh(ctx, ctx.get(KIND, coupon_id, param=param), customer_id)
    if not coupon["valid"]:
        last = coupon["redeem_by"]
        if last is not None and ctx.now(customer_id) > last:
            raise StripeError.refused(
                f"Coupon expired: {coupon_id}", code="coupon_expired", param=param
            )
        raise StripeError.refused(
            f"Coupon {coupon_id} has been redeemed the maximum number of times.", param=param
        )
    return coupon


def agreed(ctx: Context, coupon_id: str) -> Json:
    """The coupon that somebody was promised, whatever became of it since."""
    return ctx.account.find(KIND, coupon_id) or ctx.get(_DELETED, coupon_id)


def retrieve(ctx: Context, params: Json, coupon_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/coupons/{id}."""
    return refresh(ctx, ctx.get(KIND, coupon_id))


def update(ctx: Context, params: Json, coupon_id: str) -> Json:
    """POST /v1/coupons/{id}: its name and metadata; what it takes off never changes."""
    coupon = refresh(ctx, ctx.get(KIND, coupon_id))
    before = snapshot(coupon)
    if "name" in params:
        coupon["name"] = params["name"]
    metadata.merge(coupon, params)
    ctx.effect("coupon.updated", coupon)
    events.emit(ctx, "coupon.updated", coupon, before=before)
    return coupon


def delete(ctx: Context, params: Json, coupon_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/coupons/{id}: discounts that exist stay, its promotion codes end."""
    coupon = ctx.get(KIND, coupon_id)
    del ctx.account.of(KIND)[coupon_id]
    # For schedules that agreed on it.
    ctx.account.add(_DELETED, coupon)
    for code in ctx.account.related("promotion_code.coupon", "promotion_code", coupon_id):
        ctx.account.secret(code["id"])["has_ended"] = True
        code["active"] = False
    ctx.effect("coupon.deleted", coupon)
    events.emit(ctx, "coupon.deleted", coupon)
    return {"id": coupon_id, "object": KIND, "deleted": True}


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/coupons."""
    for coupon in ctx.account.of(KIND).values():
        refresh(ctx, coupon)
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/coupons",
        kind=KIND,
        keep=lambda row: within(row["created"], params.get("created")),
    )
