"""What the operations on invoice items accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.coupon_params import DISCOUNTS
from dealthread.simulators.stripe.catalogue.params import CURRENCY, META, QUANTITY, TAX_RATES, TIME
from dealthread.simulators.stripe.subscriptions.params import ONE_TIME_PRICE
from dealthread.simulators.stripe.wire.schema import (
    Exact,
    Fields,
    Flag,
    Int,
    Many,
    Text,
    When,
    listing,
)

# May be negative, unlike that of a price.
_UNIT = Exact(places=12)
INVOICE_ITEM_CREATE = Fields(
    {
        **META,
        # A negative amount lowers what is due.
        "amount": Int(-99_999_999, 99_999_999),
        "currency": CURRENCY,
        "customer": Text(),
        "description": Text(),
        "invoice": Text(),
        "discountable": Flag(),
        "discounts": DISCOUNTS,
        "period": Fields({"start": TIME, "end": TIME}, required=("start", "end")),
        "price_data": ONE_TIME_PRICE,
        "pricing": Fields({"price": Text()}),
        "quantity": QUANTITY,
        "subscription": Text(),
        "tax_rates": Many(Text(), at_most=TAX_RATES.at_most),
        "unit_amount_decimal": _UNIT,
    },
    unsupported=frozenset(
        {
            "customer_account",
            "quantity_decimal",
            "tax_behavior",
            "tax_code",
        }
    ),
)
INVOICE_ITEM_UPDATE = Fields(
    {
        **META,
        "amount": Int(-99_999_999, 99_999_999),
        "description": Text(),
        "period": Fields({"start": TIME, "end": TIME}, required=("start", "end")),
        "price_data": ONE_TIME_PRICE,
        "pricing": Fields({"price": Text()}),
        "quantity": QUANTITY,
        "tax_rates": TAX_RATES,
        "unit_amount_decimal": _UNIT,
    },
    unsupported=frozenset(
        {
            "discountable",
            "discounts",
            "invoicing_rules",
            "quantity_decimal",
            "tax_behavior",
            "tax_code",
        }
    ),
)
INVOICE_ITEM_LIST = listing(
    {"created": When(), "customer": Text(), "invoice": Text(), "pending": Flag()},
    "customer_account",
)
