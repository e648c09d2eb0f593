"""The operations on what is sold and for how much: catalogue, prices, discounts, usage.

A row is as in `settlement_routes`.
"""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue import (
    coupon_params,
    coupons,
    discounts,
    params,
    prices,
    promotion_codes,
)
from dealthread.simulators.stripe.catalogue import products as catalogue
from dealthread.simulators.stripe.invoices.routes import Row
from dealthread.simulators.stripe.usage import counting as usage
from dealthread.simulators.stripe.usage import meter_events, meter_params, meters
from dealthread.simulators.stripe.wire.schema import EXPAND_ONLY, Fields

_NOTHING = Fields({})
_METER, _CODE = "billing/meters/{}", "promotion_codes/{}"

ROWS: tuple[Row, ...] = (
    ("POST", "products", prices.create_with_default, params.PRODUCT_CREATE),
    ("GET", "products", catalogue.list_products, params.PRODUCT_LIST),
    ("GET", "products/{}", "product", EXPAND_ONLY),
    ("POST", "products/{}", catalogue.update_product, params.PRODUCT_UPDATE),
    ("POST", "prices", prices.create, params.PRICE_CREATE),
    ("GET", "prices", prices.listed, params.PRICE_LIST),
    ("GET", "prices/{}", "price", EXPAND_ONLY),
    ("POST", "prices/{}", prices.update, params.PRICE_UPDATE),
    ("POST", "tax_rates", catalogue.create_tax_rate, params.TAX_RATE_CREATE),
    ("GET", "tax_rates", catalogue.list_tax_rates, params.TAX_RATE_LIST),
    ("GET", "tax_rates/{}", "tax_rate", EXPAND_ONLY),
    ("POST", "tax_rates/{}", catalogue.update_tax_rate, params.TAX_RATE_UPDATE),
    ("POST", "coupons", coupons.create, coupon_params.COUPON_CREATE),
    ("GET", "coupons", coupons.listed, coupon_params.COUPON_LIST),
    ("GET", "coupons/{}", coupons.retrieve, EXPAND_ONLY),
    ("POST", "coupons/{}", coupons.update, coupon_params.COUPON_UPDATE),
    ("DELETE", "coupons/{}", coupons.delete, _NOTHING),
    ("POST", "promotion_codes", promotion_codes.create, coupon_params.PROMOTION_CODE_CREATE),
    ("GET", "promotion_codes", promotion_codes.listed, coupon_params.PROMOTION_CODE_LIST),
    ("GET", _CODE, promotion_codes.retrieve, EXPAND_ONLY),
    ("POST", _CODE, promotion_codes.update, coupon_params.PROMOTION_CODE_UPDATE),
    ("DELETE", "customers/{}/discount", discounts.delete_of_customer, _NOTHING),
    ("DELETE", "subscriptions/{}/discount", discounts.delete_of_subscription, _NOTHING),
    ("POST", "billing/meters", meters.create, meter_params.METER_CREATE),
    ("GET", "billing/meters", meters.listed, meter_params.METER_LIST),
    ("GET", _METER, meters.KIND, EXPAND_ONLY),
    ("POST", _METER, meters.update, meter_params.METER_UPDATE),
    ("POST", f"{_METER}/deactivate", meters.deactivate, EXPAND_ONLY),
    ("POST", f"{_METER}/reactivate", meters.reactivate, EXPAND_ONLY),
    ("GET", f"{_METER}/event_summaries", usage.summaries, meter_params.EVENT_SUMMARY_LIST),
    ("POST", "billing/meter_events", meter_events.create, meter_params.METER_EVENT_CREATE),
    (
        "POST",
        "billing/meter_event_adjustments",
        meter_events.adjust,
        meter_params.METER_EVENT_ADJUSTMENT_CREATE,
    ),
)
