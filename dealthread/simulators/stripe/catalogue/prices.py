"""Prices: per unit, in tiers and by the package, licensed or metered; how they are made and found.

Sources: docs.stripe.com/api/prices (docstrings of stripe 16.1), docs.stripe.com/products-prices/
manage-prices, docs.stripe.com/subscriptions/pricing-models/tiered-pricing. Stripe answers tiers
only where they are expanded, so they are kept beside the price; `rateable` puts them back.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.catalogue import rating
from dealthread.simulators.stripe.catalogue.price_rules import read_tiers, scheme_of
from dealthread.simulators.stripe.catalogue.products import create_product, usable_product
from dealthread.simulators.stripe.catalogue.rating import Part
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.wire.money import plain, unit_price
from dealthread.simulators.stripe.world import Context, snapshot


def rateable(ctx: Context, price: Json) -> Json:
    """The price with its tiers, if it has any, as `rating` needs it."""
    if price.get("billing_scheme", "per_unit") == "per_unit":
        return price
    return {**price, "tiers": ctx.account.secret(price["id"])["tiers"]}


def rate(ctx: Context, price: Json, quantity: int | Decimal) -> list[Part]:
    """The lines that bill a quantity at a price."""
    return rating.rate(rateable(ctx, price), quantity)


def expanded_tiers(ctx: Context, price: Json) -> list[Json] | None:
    """The `tiers` of a price, answered only when expanded."""
    return rateable(ctx, price).get("tiers")


def is_metered(price: Json) -> bool:
    """Whether usage decides the quantity, in arrears."""
    recurring = price.get("recurring")
    return recurring is not None and recurring.get("usage_type") == "metered"


def build(
    ctx: Context, given: Json, *, param: str = "", recurring: Json | None, is_active: bool = True
) -> Json:
    """A price object from `price_data` or from the parameters of a create; not yet kept."""
    product = usable_product(ctx, given["product"], f"{param}[product]" if param else "product")
    scheme = scheme_of(given, recurring, param)
    amount = unit_price(given, param) if scheme == "per_unit" else None
    is_whole = amount is not None and amount == amount.to_integral_value()
    full = None
    if recurring is not None:
        usage = recurring.get("usage_type", "licensed")
        full = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": _meter(ctx, recurring, usage),
            "trial_period_days": None,
            "usage_type": usage,
        }
    return {
        "id": new_id("price"),
        "object": "price",
        "active": is_active,
        "billing_scheme": scheme,
        "created": ctx.now(),
        "currency": given["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": given.get("lookup_key"),
        "metadata": metadata.fresh(given),
        "nickname": given.get("nickname"),
        "product": product["id"],
        "recurring": full,
        "tax_behavior": given.get("tax_behavior", "unspecified"),
        "tiers_mode": given.get("tiers_mode"),
        "transform_quantity": given.get("transform_quantity"),
        "type": "one_time" if full is None else "recurring",
        "unit_amount": int(amount) if amount is not None and is_whole else None,
        "unit_amount_decimal": None if amount is None else plain(amount),
    }


def _meter(ctx: Context, recurring: Json, usage: str) -> str | None:
    """The meter of a metered price: it exists and counts."""
    meter_id: str | None = recurring.get("meter")
    if usage == "licensed":
        if meter_id is not None:
            raise StripeError.invalid(
                "A meter can only be set on a price with `usage_type=metered`.",
                param="recurring[meter]",
            )
        return None
    if meter_id is None:
        # Usage records were removed in 2025-03-31.basil: a meter is the only source of usage.
        raise StripeError.missing("recurring[meter]")
    meter = ctx.get("billing.meter", meter_id, param="recurring[meter]")
    if meter["status"] != "active":
        raise StripeError.refused(
            f"The meter {meter_id} is inactive and cannot be attached to a price.",
            param="recurring[meter]",
        )
    return meter_id


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/prices."""
    if "product" in params and "product_data" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: product, product_data.",
            param="product_data",
        )
    if "product" not in params and "product_data" not in params:
        raise StripeError.missing("product")
    tiers = read_tiers(params)
    # Everything of the price is judged before a product is made for it.
    scheme_of(params, params.get("recurring"), "")
    _free_lookup_key(ctx, params)
    if "product_data" in params:
        params = {**params, "product": create_product(ctx, params["product_data"])["id"]}
    price = build(
        ctx, params, recurring=params.get("recurring"), is_active=params.get("active", True)
    )
    return _keep(ctx, price, tiers)


def create_with_default(ctx: Context, params: Json) -> Json:
    """POST /v1/products, with the price that `default_price_data` describes."""
    given = params.get("default_price_data")
    if given is not None:
        # Judged before the product exists.
        unit_price(given, "default_price_data")
    product = create_product(ctx, params)
    if given is None:
        return product
    before = snapshot(product)
    data = {**given, "product": product["id"]}
    price = _keep(ctx, build(ctx, data, recurring=given.get("recurring")), None)
    product["default_price"] = price["id"]
    events.emit(ctx, "product.updated", product, before=before)
    return product


def _keep(ctx: Context, price: Json, tiers: list[Json] | None) -> Json:
    if tiers is not None:
        ctx.account.secret(price["id"])["tiers"] = tiers
    ctx.account.add("price", price)
    ctx.effect("price.created", price)
    events.emit(ctx, "price.created", price)
    return price


def update(ctx: Context, params: Json, price_id: str) -> Json:
    """POST /v1/prices/{id}: amount and interval of a price never change."""
    price = ctx.get("price", price_id)
    before = snapshot(price)
    if params.get("active") is False and _is_default(ctx, price):
        raise StripeError.refused(
            "This price cannot be archived because it is the default price of its product.",
            param="active",
        )
    if "tax_behavior" in params and price["tax_behavior"] not in (
        "unspecified",
        params["tax_behavior"],
    ):
        raise StripeError.refused(
            "The tax behavior of a price cannot be changed once it is specified.",
            param="tax_behavior",
        )
    _free_lookup_key(ctx, params, own=price_id)
    for name in ("active", "lookup_key", "nickname", "tax_behavior"):
        if name in params:
            price[name] = params[name]
    metadata.merge(price, params)
    ctx.effect("price.updated", price)
    events.emit(ctx, "price.updated", price, before=before)
    return price


def _is_default(ctx: Context, price: Json) -> bool:
    default = ctx.get("product", price["product"], param="product")["default_price"]
    return bool(default == price["id"])


def _free_lookup_key(ctx: Context, params: Json, own: str | None = None) -> None:
    """Take the lookup key from the price that has it, if that is wanted; else refuse."""
    key = params.get("lookup_key")
    if key is None:
        return
    for price in ctx.account.of("price").values():
        if price["lookup_key"] != key or price["id"] == own:
            continue
        if not params.get("transfer_lookup_key"):
            raise StripeError.refused(
                f"A price (`{price['id']}`) already uses that lookup key.", param="lookup_key"
            )
        before = snapshot(price)
        price["lookup_key"] = None
        events.emit(ctx, "price.updated", price, before=before)


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/prices: active ones unless told otherwise, never inline ones (docstring of 16.1)."""
    keys, recurring = params.get("lookup_keys"), params.get("recurring") or {}
    return page(
        ctx.account.of("price").values(),
        params,
        "/v1/prices",
        kind="price",
        keep=lambda row: (
            params.get("active", True) == row["active"]
            and not ctx.account.hidden.get(row["id"], {}).get("is_inline", False)
            and params.get("product", row["product"]) == row["product"]
            and params.get("currency", row["currency"]) == row["currency"]
            and params.get("type", row["type"]) == row["type"]
            and (keys is None or row["lookup_key"] in keys)
            and all(
                (row["recurring"] or {}).get(name) == value for name, value in recurring.items()
            )
            and within(row["created"], params.get("created"))
        ),
    )
