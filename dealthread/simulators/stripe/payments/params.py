"""What the operations on payments, refunds, balances and credit notes accept."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.params import (
    AMOUNT,
    CURRENCY,
    META,
    QUANTITY,
    TAX_RATES,
    TIME,
    UNIT_DECIMAL,
)
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

_POSITIVE = Int(1, 99_999_999)
_SIGNED = Int(-99_999_999, 99_999_999)

PAYMENT_INTENT_CREATE = Fields(
    {
        **META,
        "amount": Int(1),
        "confirm": Flag(),
        "currency": CURRENCY,
        "customer": Text(),
        "description": Text(),
        "off_session": Flag(),
        "payment_method": Text(),
    },
    required=("amount", "currency"),
    unsupported=frozenset(
        {
            "allowed_payment_method_types",
            "amount_details",
            "application_fee_amount",
            "automatic_payment_methods",
            "capture_method",
            "confirmation_method",
            "confirmation_token",
            "customer_account",
            "error_on_requires_action",
            "excluded_payment_method_types",
            "hooks",
            "mandate",
            "mandate_data",
            "on_behalf_of",
            "payment_details",
            "payment_method_configuration",
            "payment_method_data",
            "payment_method_options",
            "radar_options",
            "receipt_email",
            "return_url",
            "setup_future_usage",
            "shipping",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
            "use_stripe_sdk",
        }
    ),
)
PAYMENT_INTENT_CONFIRM = Fields(
    {"expand": EXPAND, "off_session": Flag(), "payment_method": Text()},
    unsupported=frozenset(
        {
            "allowed_payment_method_types",
            "amount_details",
            "amount_to_confirm",
            "capture_method",
            "confirmation_token",
            "error_on_requires_action",
            "excluded_payment_method_types",
            "hooks",
            "mandate",
            "mandate_data",
            "payment_details",
            "payment_method_data",
            "payment_method_options",
            "radar_options",
            "receipt_email",
            "return_url",
            "setup_future_usage",
            "shipping",
            "use_stripe_sdk",
        }
    ),
)
PAYMENT_INTENT_CANCEL = Fields(
    {
        "cancellation_reason": Text(
            choices=("abandoned", "duplicate", "fraudulent", "requested_by_customer")
        ),
        "expand": EXPAND,
    }
)
PAYMENT_INTENT_RETRIEVE = Fields({"expand": EXPAND}, unsupported=frozenset({"client_secret"}))
PAYMENT_INTENT_LIST = listing({"created": When(), "customer": Text()}, "customer_account")
CHARGE_LIST = listing(
    {"created": When(), "customer": Text(), "payment_intent": Text()}, "transfer_group"
)

REFUND_CREATE = Fields(
    {
        **META,
        "amount": _POSITIVE,
        "charge": Text(),
        "payment_intent": Text(),
        "reason": Text(choices=("duplicate", "fraudulent", "requested_by_customer")),
    },
    unsupported=frozenset(
        {
            "currency",
            "customer",
            "instructions_email",
            "origin",
            "refund_application_fee",
            "reverse_transfer",
        }
    ),
)
REFUND_UPDATE = Fields({**META})
REFUND_LIST = listing({"charge": Text(), "created": When(), "payment_intent": Text()})

BALANCE_CREATE = Fields(
    {**META, "amount": _SIGNED, "currency": CURRENCY, "description": Text(max_length=350)},
    required=("amount", "currency"),
)
BALANCE_UPDATE = Fields({**META, "description": Text(max_length=350)})
BALANCE_LIST = listing({"created": When(), "invoice": Text()})

_MONEY = Fields(
    {"currency": CURRENCY, "value": _POSITIVE},
    required=("currency", "value"),
)
PAYMENT_RECORD_REPORT = Fields(
    {
        **META,
        "amount_requested": _MONEY,
        "customer_details": Fields(
            {name: Text() for name in ("customer", "email", "name", "phone")},
        ),
        "customer_presence": Text(choices=("off_session", "on_session")),
        "description": Text(),
        "guaranteed": Fields({"guaranteed_at": TIME}, required=("guaranteed_at",)),
        "initiated_at": TIME,
        "outcome": Text(choices=("canceled", "failed", "guaranteed")),
        "payment_method_details": Fields(
            {
                "custom": Fields({"display_name": Text(), "type": Text()}),
                "type": Text(choices=("custom",)),
            },
            unsupported=frozenset({"billing_details", "payment_method"}),
        ),
        "processor_details": Fields(
            {
                "custom": Fields({"payment_reference": Text()}, required=("payment_reference",)),
                "type": Text(choices=("custom",)),
            },
            required=("type",),
        ),
    },
    required=("amount_requested", "initiated_at", "payment_method_details"),
    unsupported=frozenset({"canceled", "failed", "shipping_details"}),
)
PAYMENT_RECORD_LIST = listing({"created_after": TIME, "created_before": TIME})

INVOICE_PAYMENT_LIST = listing(
    {
        "created": When(),
        "invoice": Text(),
        "payment": Fields(
            {
                "payment_intent": Text(),
                "payment_record": Text(),
                "type": Text(choices=("payment_intent", "payment_record")),
            },
            required=("type",),
        ),
        "status": Text(choices=("canceled", "open", "paid")),
    }
)

_CREDIT_NOTE_LINE = Fields(
    {
        "amount": _SIGNED,
        "description": Text(),
        "invoice_line_item": Text(),
        "metadata": Metadata(),
        "quantity": QUANTITY,
        "tax_rates": TAX_RATES,
        "type": Text(choices=("custom_line_item", "invoice_line_item")),
        "unit_amount": AMOUNT,
        "unit_amount_decimal": UNIT_DECIMAL,
    },
    required=("type",),
    unsupported=frozenset({"tax_amounts"}),
)
_CREDIT_NOTE_REFUND = Fields(
    {
        "amount_refunded": _POSITIVE,
        "refund": Text(),
        "type": Text(choices=("payment_record_refund", "refund")),
    },
    unsupported=frozenset({"payment_record_refund"}),
)
_CREDIT_NOTE: dict[str, Spec] = {
    "amount": AMOUNT,
    "credit_amount": AMOUNT,
    "effective_at": TIME,
    "email_type": Text(choices=("credit_note", "none")),
    "invoice": Text(),
    "lines": Many(_CREDIT_NOTE_LINE),
    "memo": Text(),
    "metadata": Metadata(),
    "out_of_band_amount": AMOUNT,
    "reason": Text(choices=("duplicate", "fraudulent", "order_change", "product_unsatisfactory")),
    "refund_amount": AMOUNT,
    "refunds": Many(_CREDIT_NOTE_REFUND),
}
_CREDIT_NOTE_NOT_CARRIED = frozenset({"shipping_cost"})
CREDIT_NOTE = Fields(
    {**_CREDIT_NOTE, "expand": EXPAND},
    required=("invoice",),
    unsupported=_CREDIT_NOTE_NOT_CARRIED,
)
CREDIT_NOTE_PREVIEW_LINES = Fields(
    {**listing().fields, **_CREDIT_NOTE},
    required=("invoice",),
    unsupported=_CREDIT_NOTE_NOT_CARRIED,
)
CREDIT_NOTE_UPDATE = Fields({**META, "memo": Text()})
CREDIT_NOTE_LIST = listing(
    {"customer": Text(), "invoice": Text(), "created": When()}, "customer_account"
)
