"""What the operations on invoices and their lines accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.coupon_params import DISCOUNTS
from dealthread.simulators.stripe.catalogue.params import (
    COLLECTION,
    CURRENCY,
    CUSTOM_FIELDS,
    DAYS,
    META,
    QUANTITY,
    TAX_RATES,
    TIME,
)
from dealthread.simulators.stripe.subscriptions.params import ONE_TIME_PRICE
from dealthread.simulators.stripe.wire.schema import (
    EXPAND,
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

_NOT_CARRIED = frozenset(
    {
        "account_tax_ids",
        "application_fee_amount",
        "automatic_tax",
        "default_source",
        "issuer",
        "number",
        "on_behalf_of",
        "payment_settings",
        "rendering",
        "shipping_cost",
        "shipping_details",
        "statement_descriptor",
        "transfer_data",
    }
)
INVOICE_CREATE = Fields(
    {
        **META,
        "auto_advance": Flag(),
        "automatically_finalizes_at": TIME,
        "collection_method": COLLECTION,
        "currency": CURRENCY,
        "custom_fields": CUSTOM_FIELDS,
        "customer": Text(),
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "default_tax_rates": Many(Text(), at_most=TAX_RATES.at_most),
        "description": Text(),
        "discounts": DISCOUNTS,
        "due_date": TIME,
        "effective_at": TIME,
        "footer": Text(),
        "pending_invoice_items_behavior": Text(choices=("exclude", "include")),
        "subscription": Text(),
    },
    unsupported=_NOT_CARRIED | {"customer_account", "from_invoice"},
)
INVOICE_UPDATE = Fields(
    {
        **META,
        "auto_advance": Flag(),
        "automatically_finalizes_at": TIME,
        "collection_method": COLLECTION,
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "custom_fields": CUSTOM_FIELDS,
        "default_tax_rates": TAX_RATES,
        "description": Text(clears=True),
        "discounts": DISCOUNTS,
        "due_date": TIME,
        "effective_at": Int(0, 10_000_000_000, clears=True),
        "footer": Text(clears=True),
    },
    unsupported=frozenset(
        {
            "account_tax_ids",
            "application_fee_amount",
            "automatic_tax",
            "default_source",
            "issuer",
            "number",
            "on_behalf_of",
            "payment_settings",
            "rendering",
            "shipping_cost",
            "shipping_details",
            "statement_descriptor",
            "transfer_data",
        }
    ),
)
INVOICE_FINALIZE = Fields({"auto_advance": Flag(), "expand": EXPAND})
INVOICE_PAY = Fields(
    {
        "expand": EXPAND,
        "off_session": Flag(),
        "paid_out_of_band": Flag(),
        "payment_method": Text(),
    },
    unsupported=frozenset({"forgive", "mandate", "source"}),
)
INVOICE_LIST = listing(
    {
        "collection_method": COLLECTION,
        "created": When(),
        "customer": Text(),
        "due_date": When(),
        "status": Text(choices=("draft", "open", "paid", "uncollectible", "void")),
        "subscription": Text(),
    },
    "customer_account",
)
INVOICE_ATTACH_PAYMENT = Fields(
    {"expand": EXPAND, "payment_intent": Text(), "payment_record": Text()}
)
# A negative amount lowers what is due.
ITEM_AMOUNT = Int(-99_999_999, 99_999_999)
PERIOD = Fields({"start": TIME, "end": TIME}, required=("start", "end"))
_LINE: dict[str, Spec] = {
    "amount": ITEM_AMOUNT,
    "description": Text(),
    "metadata": Metadata(),
    "period": PERIOD,
    "price_data": Fields(
        ONE_TIME_PRICE.fields,
        required=ONE_TIME_PRICE.required,
        unsupported=frozenset({"product_data"}),
    ),
    "pricing": Fields({"price": Text()}),
    "quantity": QUANTITY,
    "tax_rates": TAX_RATES,
}
_LINE_NOT_CARRIED = frozenset({"discountable", "discounts", "quantity_decimal", "tax_amounts"})
_ALL_LINES: dict[str, Spec] = {"expand": EXPAND, "invoice_metadata": Metadata()}
INVOICE_ADD_LINES = Fields(
    {
        **_ALL_LINES,
        "lines": Many(Fields({**_LINE, "invoice_item": Text()}, unsupported=_LINE_NOT_CARRIED)),
    },
    required=("lines",),
)
INVOICE_UPDATE_LINES = Fields(
    {
        **_ALL_LINES,
        "lines": Many(
            Fields({**_LINE, "id": Text()}, required=("id",), unsupported=_LINE_NOT_CARRIED)
        ),
    },
    required=("lines",),
)
INVOICE_REMOVE_LINES = Fields(
    {
        **_ALL_LINES,
        "lines": Many(
            Fields(
                {"behavior": Text(choices=("delete", "unassign")), "id": Text()},
                required=("behavior", "id"),
            )
        ),
    },
    required=("lines",),
)
INVOICE_LINE_UPDATE = Fields({**_LINE, "expand": EXPAND}, unsupported=_LINE_NOT_CARRIED)
