"""What the operations on catalogue, customers and small things accept, as Stripe has it."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.wire.schema import (
    EXPAND,
    Exact,
    Fields,
    Flag,
    Int,
    Many,
    Metadata,
    Spec,
    Text,
    When,
    listing,
)

META: dict[str, Spec] = {"metadata": Metadata(), "expand": EXPAND}
CURRENCY = Text(choices=("usd", "eur", "gbp", "jpy", "chf", "cad", "aud", "sek", "dkk", "nok"))
INTERVAL = Text(choices=("day", "month", "week", "year"))
TAX_BEHAVIOR = Text(choices=("exclusive", "inclusive", "unspecified"))
TAX_RATES = Many(Text(), clears=True, at_most=5)
COLLECTION = Text(choices=("charge_automatically", "send_invoice"))
PRORATION = Text(choices=("always_invoice", "create_prorations", "none"))
QUANTITY = Int(0, 1_000_000)
DAYS = Int(1, 365)
TIME = Int(0, 10_000_000_000)
AMOUNT = Int(0, 99_999_999)

UNIT_DECIMAL = Exact(places=12, minimum=Decimal(0))
# Inline price data has fewer names than the create of a price.
INLINE_RECURRING = Fields(
    {"interval": INTERVAL, "interval_count": Int(1, 36)}, required=("interval",)
)
USAGE_TYPE = Text(choices=("licensed", "metered"))
RECURRING = Fields(
    {**INLINE_RECURRING.fields, "meter": Text(), "usage_type": USAGE_TYPE},
    required=("interval",),
    unsupported=frozenset({"trial_period_days"}),
)
_DEFAULT_PRICE = Fields(
    {
        "currency": CURRENCY,
        "metadata": Metadata(),
        "recurring": INLINE_RECURRING,
        "tax_behavior": TAX_BEHAVIOR,
        "unit_amount": AMOUNT,
        "unit_amount_decimal": UNIT_DECIMAL,
    },
    required=("currency",),
    unsupported=frozenset({"currency_options", "custom_unit_amount"}),
)
PRODUCT_CREATE = Fields(
    {
        **META,
        "active": Flag(),
        "default_price_data": _DEFAULT_PRICE,
        "description": Text(),
        "id": Text(),
        "name": Text(),
        "statement_descriptor": Text(max_length=22),
        "tax_code": Text(),
        "type": Text(choices=("good", "service")),
        "unit_label": Text(),
        "url": Text(),
    },
    required=("name",),
    unsupported=frozenset(
        {
            "images",
            "marketing_features",
            "package_dimensions",
            "shippable",
            "tax_details",
        }
    ),
)
PRODUCT_UPDATE = Fields(
    {
        **META,
        "active": Flag(),
        "default_price": Text(),
        "description": Text(clears=True),
        "name": Text(),
        "statement_descriptor": Text(max_length=22),
        "tax_code": Text(clears=True),
        "unit_label": Text(clears=True),
    },
    unsupported=frozenset(
        {
            "images",
            "marketing_features",
            "package_dimensions",
            "shippable",
            "tax_details",
            "url",
        }
    ),
)
PRODUCT_LIST = listing(
    {"active": Flag(), "ids": Many(Text()), "created": When()}, "shippable", "type", "url"
)

_TIER = Fields(
    {
        "flat_amount": AMOUNT,
        "flat_amount_decimal": UNIT_DECIMAL,
        "unit_amount": AMOUNT,
        "unit_amount_decimal": UNIT_DECIMAL,
        "up_to": Int(1, 999_999_999_999, words=("inf",)),
    },
    required=("up_to",),
)
PRICE_CREATE = Fields(
    {
        **META,
        "active": Flag(),
        "billing_scheme": Text(choices=("per_unit", "tiered")),
        "currency": CURRENCY,
        "lookup_key": Text(max_length=200),
        "nickname": Text(),
        "product": Text(),
        "product_data": Fields(
            {
                name: PRODUCT_CREATE.fields[name]
                for name in (
                    "active",
                    "id",
                    "metadata",
                    "name",
                    "statement_descriptor",
                    "tax_code",
                    "unit_label",
                )
            },
            required=("name",),
            unsupported=frozenset({"tax_details"}),
        ),
        "recurring": RECURRING,
        "tax_behavior": TAX_BEHAVIOR,
        "tiers": Many(_TIER),
        "tiers_mode": Text(choices=("graduated", "volume")),
        "transfer_lookup_key": Flag(),
        "transform_quantity": Fields(
            {"divide_by": Int(1, 999_999_999), "round": Text(choices=("down", "up"))},
            required=("divide_by", "round"),
        ),
        "unit_amount": AMOUNT,
        "unit_amount_decimal": UNIT_DECIMAL,
    },
    required=("currency",),
    unsupported=frozenset({"currency_options", "custom_unit_amount"}),
)
PRICE_UPDATE = Fields(
    {
        **META,
        "active": Flag(),
        "lookup_key": Text(max_length=200),
        "nickname": Text(),
        "tax_behavior": TAX_BEHAVIOR,
        "transfer_lookup_key": Flag(),
    },
    unsupported=frozenset({"currency_options"}),
)
PRICE_LIST = listing(
    {
        "active": Flag(),
        "currency": CURRENCY,
        "lookup_keys": Many(Text(), at_most=10),
        "product": Text(),
        "recurring": Fields({"interval": INTERVAL, "meter": Text(), "usage_type": USAGE_TYPE}),
        "type": Text(choices=("one_time", "recurring")),
        "created": When(),
    }
)

_TAX_TEXTS: dict[str, Spec] = {
    "active": Flag(),
    "country": Text(max_length=2),
    "description": Text(),
    "display_name": Text(max_length=50),
    "jurisdiction": Text(max_length=50),
    "state": Text(),
    "tax_type": Text(
        choices=("gst", "hst", "jct", "pst", "qst", "rst", "sales_tax", "service_tax", "vat")
    ),
}
TAX_RATE_CREATE = Fields(
    {
        **META,
        **_TAX_TEXTS,
        "inclusive": Flag(),
        "percentage": Exact(places=4, minimum=Decimal(0), maximum=Decimal(100)),
    },
    required=("display_name", "inclusive", "percentage"),
)
TAX_RATE_UPDATE = Fields({**META, **_TAX_TEXTS})
TAX_RATE_LIST = listing({"active": Flag(), "inclusive": Flag(), "created": When()})

ADDRESS_FIELDS: dict[str, Spec] = {
    name: Text(clears=True)
    for name in ("city", "country", "line1", "line2", "postal_code", "state")
}
ADDRESS = Fields(ADDRESS_FIELDS, clears=True)
SHIPPING = Fields(
    {"address": Fields(ADDRESS_FIELDS), "name": Text(), "phone": Text(clears=True)},
    required=("address", "name"),
    clears=True,
)
CUSTOM_FIELDS = Many(
    Fields(
        {"name": Text(max_length=40), "value": Text(max_length=140)}, required=("name", "value")
    ),
    clears=True,
    at_most=4,
)
TAX_EXEMPT = Text(choices=("exempt", "none", "reverse"), clears=True)
_CUSTOMER: dict[str, Spec] = {
    **META,
    "address": ADDRESS,
    "balance": Int(-99_999_999, 99_999_999),
    "business_name": Text(clears=True, max_length=150),
    "description": Text(clears=True),
    "email": Text(clears=True, max_length=512),
    "individual_name": Text(clears=True, max_length=150),
    "invoice_prefix": Text(),
    "invoice_settings": Fields(
        {"default_payment_method": Text(), "footer": Text(clears=True)},
        unsupported=frozenset({"custom_fields", "rendering_options"}),
    ),
    "name": Text(clears=True, max_length=256),
    "next_invoice_sequence": Int(1, 1_000_000_000),
    "phone": Text(clears=True, max_length=20),
    "preferred_locales": Many(Text()),
    "shipping": SHIPPING,
    "tax_exempt": TAX_EXEMPT,
}
_TAX_ID = Fields({"type": Text(), "value": Text()}, required=("type", "value"))
TAX_IDS = Many(_TAX_ID)
TAX_ID_CREATE = Fields({**_TAX_ID.fields, "expand": EXPAND}, required=_TAX_ID.required)
_CUSTOMER_UNSUPPORTED = frozenset(
    {
        "cash_balance",
        "source",
        "tax",
        "validate",
    }
)
CUSTOMER_CREATE = Fields(
    {**_CUSTOMER, "payment_method": Text(), "tax_id_data": TAX_IDS, "test_clock": Text()},
    unsupported=_CUSTOMER_UNSUPPORTED,
)
CUSTOMER_UPDATE = Fields(
    _CUSTOMER,
    unsupported=_CUSTOMER_UNSUPPORTED | {"default_source"},
)
CUSTOMER_LIST = listing({"email": Text(), "created": When(), "test_clock": Text()})
CUSTOMER_SEARCH = Fields(
    {"query": Text(), "limit": Int(1, 100), "page": Text(), "expand": EXPAND},
    required=("query",),
)

PAYMENT_METHOD_CREATE = Fields(
    {
        **META,
        "type": Text(),
        "card": Fields(
            {"token": Text()},
            required=("token",),
            unsupported=frozenset({"number", "exp_month", "exp_year", "cvc", "networks"}),
        ),
        "billing_details": Fields(
            {name: Text(clears=True) for name in ("email", "name", "phone")},
            unsupported=frozenset({"address", "tax_id"}),
        ),
    },
    required=("type",),
    unsupported=frozenset({"allow_redisplay", "customer", "payment_method", "radar_options"}),
)
PAYMENT_METHOD_ATTACH = Fields(
    {"customer": Text(), "expand": EXPAND}, unsupported=frozenset({"customer_account"})
)
PAYMENT_METHOD_LIST = listing(
    {"customer": Text(), "type": Text()}, "allow_redisplay", "customer_account"
)
CUSTOMER_METHOD_LIST = listing({"type": Text()}, "allow_redisplay")

EVENT_LIST = listing(
    {"type": Text(), "types": Many(Text(), at_most=20), "delivery_success": Flag()}
    | {"created": When()}
)
WEBHOOK_ENDPOINT_CREATE = Fields(
    {
        **META,
        "api_version": Text(),
        "description": Text(clears=True),
        "enabled_events": Many(Text()),
        "url": Text(),
    },
    required=("enabled_events", "url"),
    unsupported=frozenset({"connect"}),
)
WEBHOOK_ENDPOINT_UPDATE = Fields(
    {
        **META,
        "description": Text(clears=True),
        "disabled": Flag(),
        "enabled_events": Many(Text()),
        "url": Text(),
    }
)
