"""Products, prices and tax rates: how they are created, found and changed."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe import events, metadata
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.listing import page, within
from dealthread.simulators.stripe.money import plain, unit_price
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context, snapshot


def create_product(ctx: Context, params: Json) -> Json:
    """POST /v1/products; a custom id is allowed and must be free."""
    product_id = params.get("id") or new_id("prod", 14)
    if ctx.account.find("product", product_id) is not None:
        raise StripeError.refused(
            "Product already exists.", code="resource_already_exists", param="id"
        )
    now = ctx.now()
    product: Json = {
        "id": product_id,
        "object": "product",
        "active": params.get("active", True),
        "created": now,
        "default_price": None,
        "description": params.get("description"),
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": metadata.fresh(params),
        "name": params["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": params.get("statement_descriptor"),
        "tax_code": params.get("tax_code"),
        "tax_details": None,
        "type": params.get("type", "service"),
        "unit_label": params.get("unit_label"),
        "updated": now,
        "url": params.get("url"),
    }
    ctx.account.add("product", product)
    ctx.effect("product.created", product)
    events.emit(ctx, "product.created", product)
    return product


def update_product(ctx: Context, params: Json, product_id: str) -> Json:
    """POST /v1/products/{id}."""
    product = ctx.get("product", product_id)
    before = snapshot(product)
    for name in ("active", "description", "name", "statement_descriptor", "tax_code", "unit_label"):
        if name in params:
            product[name] = params[name]
    metadata.merge(product, params)
    product["updated"] = ctx.now()
    ctx.effect("product.updated", product)
    events.emit(ctx, "product.updated", product, before=before)
    return product


def list_products(ctx: Context, params: Json) -> Json:
    """GET /v1/products."""
    ids = params.get("ids")
    return page(
        ctx.account.of("product").values(),
        params,
        "/v1/products",
        kind="product",
        keep=lambda row: (
            params.get("active", row["active"]) == row["active"]
            and (ids is None or row["id"] in ids)
            and within(row["created"], params.get("created"))
        ),
    )


def usable_product(ctx: Context, product_id: str, param: str) -> Json:
    """The product a price is made for: it exists and is active."""
    product = ctx.get("product", product_id, param=param)
    if not product["active"]:
        raise StripeError.refused(
            f"The product {product_id} is marked as inactive, and thus no new subscriptions or "
            "prices can be created for it.",
            param=param,
        )
    return product


def build_price(
    ctx: Context, given: Json, *, param: str = "", recurring: Json | None, is_active: bool = True
) -> Json:
    """A price object from `price_data` or from the parameters of a create; not yet kept."""
    product_param = f"{param}[product]" if param else "product"
    product = usable_product(ctx, given["product"], product_param)
    amount = unit_price(given, param)
    is_whole = amount == amount.to_integral_value()
    full = None
    if recurring is not None:
        full = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        }
    return {
        "id": new_id("price"),
        "object": "price",
        "active": is_active,
        "billing_scheme": "per_unit",
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
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time" if full is None else "recurring",
        "unit_amount": int(amount) if is_whole else None,
        "unit_amount_decimal": plain(amount),
    }


def create_price(ctx: Context, params: Json) -> Json:
    """POST /v1/prices, per unit."""
    _check_lookup_key(ctx, params)
    price = build_price(
        ctx, params, recurring=params.get("recurring"), is_active=params.get("active", True)
    )
    ctx.account.add("price", price)
    ctx.effect("price.created", price)
    events.emit(ctx, "price.created", price)
    return price


def update_price(ctx: Context, params: Json, price_id: str) -> Json:
    """POST /v1/prices/{id}: amount and interval of a price never change."""
    price = ctx.get("price", price_id)
    before = snapshot(price)
    _check_lookup_key(ctx, params)
    if "tax_behavior" in params:
        if price["tax_behavior"] not in ("unspecified", params["tax_behavior"]):
            raise StripeError.refused(
                "The tax behavior of a price cannot be changed once it is specified.",
                param="tax_behavior",
            )
        price["tax_behavior"] = params["tax_behavior"]
    for name in ("active", "nickname", "lookup_key"):
        if name in params:
            price[name] = params[name]
    metadata.merge(price, params)
    ctx.effect("price.updated", price)
    events.emit(ctx, "price.updated", price, before=before)
    return price


def list_prices(ctx: Context, params: Json) -> Json:
    """GET /v1/prices."""
    keys = params.get("lookup_keys")
    return page(
        ctx.account.of("price").values(),
        params,
        "/v1/prices",
        kind="price",
        keep=lambda row: (
            params.get("active", row["active"]) == row["active"]
            and params.get("product", row["product"]) == row["product"]
            and params.get("currency", row["currency"]) == row["currency"]
            and params.get("type", row["type"]) == row["type"]
            and (keys is None or row["lookup_key"] in keys)
            and within(row["created"], params.get("created"))
        ),
    )


def _check_lookup_key(ctx: Context, params: Json) -> None:
    key = params.get("lookup_key")
    if key is None:
        return
    if any(price["lookup_key"] == key for price in ctx.account.of("price").values()):
        raise StripeError.refused(
            f"A price already uses that lookup key: {key}", param="lookup_key"
        )


def create_tax_rate(ctx: Context, params: Json) -> Json:
    """POST /v1/tax_rates: percentage and inclusiveness never change afterwards."""
    percentage: Decimal = params["percentage"]
    rate: Json = {
        "id": new_id("txr"),
        "object": "tax_rate",
        "active": params.get("active", True),
        "country": params.get("country"),
        "created": ctx.now(),
        "description": params.get("description"),
        "display_name": params["display_name"],
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": params["inclusive"],
        "jurisdiction": params.get("jurisdiction"),
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": metadata.fresh(params),
        # JSON numbers: at most four decimals are accepted, so the text of the float is exact.
        "percentage": float(percentage),
        "rate_type": "percentage",
        "state": params.get("state"),
        "tax_type": params.get("tax_type"),
    }
    ctx.account.add("tax_rate", rate)
    ctx.effect("tax_rate.created", rate)
    events.emit(ctx, "tax_rate.created", rate)
    return rate


def update_tax_rate(ctx: Context, params: Json, rate_id: str) -> Json:
    """POST /v1/tax_rates/{id}."""
    rate = ctx.get("tax_rate", rate_id)
    before = snapshot(rate)
    names = ("active", "country", "description", "display_name", "jurisdiction", "state")
    for name in (*names, "tax_type"):
        if name in params:
            rate[name] = params[name]
    metadata.merge(rate, params)
    ctx.effect("tax_rate.updated", rate)
    events.emit(ctx, "tax_rate.updated", rate, before=before)
    return rate


def list_tax_rates(ctx: Context, params: Json) -> Json:
    """GET /v1/tax_rates."""
    return page(
        ctx.account.of("tax_rate").values(),
        params,
        "/v1/tax_rates",
        kind="tax rate",
        keep=lambda row: (
            params.get("active", row["active"]) == row["active"]
            and params.get("inclusive", row["inclusive"]) == row["inclusive"]
            and within(row["created"], params.get("created"))
        ),
    )


def usable_tax_rates(ctx: Context, rate_ids: list[str], param: str) -> list[Json]:
    """The tax rates named, each existing and active."""
    rates = []
    for index, rate_id in enumerate(rate_ids):
        name = f"{param}[{index}]"
        rate = ctx.get("tax_rate", rate_id, param=name)
        if not rate["active"]:
            raise StripeError.refused(
                f"The tax rate {rate_id} is archived and cannot be used.", param=name
            )
        rates.append(rate)
    return rates
