"""Products and tax rates: how they are created, found and changed."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
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
    default = params.get("default_price")
    if default is not None:
        price = ctx.get("price", default, param="default_price")
        if price["product"] != product_id or not price["active"]:
            raise StripeError.refused(
                f"The price {default} is not an active price of this product.",
                param="default_price",
            )
        product["default_price"] = default
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
