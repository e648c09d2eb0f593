"""What the operations on coupons and promotion codes accept, as Stripe documents them."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.catalogue.params import CURRENCY, META, TIME
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

_COUNT = Int(1, 999_999_999)
_AMOUNT = Int(1, 99_999_999)
COUPON_CREATE = Fields(
    {
        **META,
        "amount_off": _AMOUNT,
        "applies_to": Fields({"products": Many(Text())}),
        "currency": CURRENCY,
        "duration": Text(choices=("forever", "once", "repeating")),
        "duration_in_months": Int(1, 1200),
        "id": Text(max_length=500),
        "max_redemptions": _COUNT,
        "name": Text(max_length=40),
        "percent_off": Exact(places=4, minimum=Decimal(0), maximum=Decimal(100)),
        "redeem_by": TIME,
    },
    unsupported=frozenset({"currency_options"}),
)
COUPON_UPDATE = Fields(
    {**META, "name": Text(max_length=40)}, unsupported=frozenset({"currency_options"})
)
COUPON_LIST = listing({"created": When()})

PROMOTION_CODE_CREATE = Fields(
    {
        **META,
        "active": Flag(),
        "code": Text(max_length=500),
        "customer": Text(),
        "expires_at": TIME,
        "max_redemptions": _COUNT,
        "promotion": Fields(
            {"coupon": Text(), "type": Text(choices=("coupon",))}, required=("type",)
        ),
        "restrictions": Fields(
            {
                "first_time_transaction": Flag(),
                "minimum_amount": _AMOUNT,
                "minimum_amount_currency": CURRENCY,
            },
            unsupported=frozenset({"currency_options"}),
        ),
    },
    required=("promotion",),
    unsupported=frozenset({"customer_account"}),
)
PROMOTION_CODE_UPDATE = Fields({**META, "active": Flag()}, unsupported=frozenset({"restrictions"}))
PROMOTION_CODE_LIST = listing(
    {
        "active": Flag(),
        "code": Text(),
        "coupon": Text(),
        "created": When(),
        "customer": Text(),
    },
    "customer_account",
)
# Up to 20 entries: docs.stripe.com/billing/subscriptions/coupons#restrictions.
_DISCOUNT = Fields({"coupon": Text(), "discount": Text(), "promotion_code": Text()})
DISCOUNTS = Many(_DISCOUNT, clears=True, at_most=20)
# Of what is made with its parent, there is nothing to clear.
ITEM_DISCOUNTS = Many(_DISCOUNT, at_most=20)
