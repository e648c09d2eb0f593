"""What the operations on invoice items accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.billing_params import ONE_TIME_PRICE
from dealthread.simulators.stripe.params import CURRENCY, META, QUANTITY, TAX_RATES, TIME
from dealthread.simulators.stripe.schema import Fields, Flag, Int, Many, Text, When, listing

INVOICE_ITEM_CREATE = Fields(
    {
        **META,
        # A negative amount lowers what is due.
        "amount": Int(-99_999_999, 99_999_999),
        "currency": CURRENCY,
        "customer": Text(),
        "description": Text(),
        "period": Fields({"start": TIME, "end": TIME}, required=("start", "end")),
        "price_data": ONE_TIME_PRICE,
        "pricing": Fields({"price": Text()}),
        "quantity": QUANTITY,
        "subscription": Text(),
        "tax_rates": Many(Text(), at_most=TAX_RATES.at_most),
    },
    unsupported=frozenset(
        {
            "customer_account",
            "discountable",
            "discounts",
            "invoice",
            "quantity_decimal",
            "tax_behavior",
            "tax_code",
            "unit_amount_decimal",
        }
    ),
)
INVOICE_ITEM_LIST = listing(
    {"created": When(), "customer": Text(), "invoice": Text(), "pending": Flag()},
    "customer_account",
)
