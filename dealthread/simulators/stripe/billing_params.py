"""What subscriptions, schedules, invoices and previews accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.params import (
    ADDRESS,
    AMOUNT,
    COLLECTION,
    CURRENCY,
    DAYS,
    INTERVAL,
    META,
    PRORATION,
    QUANTITY,
    RECURRING,
    SHIPPING,
    TAX_BEHAVIOR,
    TAX_EXEMPT,
    TAX_RATES,
    TIME,
    UNIT_DECIMAL,
)
from dealthread.simulators.stripe.schema import (
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

_PRICE_DATA: dict[str, Spec] = {
    "currency": CURRENCY,
    "product": Text(),
    "tax_behavior": TAX_BEHAVIOR,
    "unit_amount": AMOUNT,
    "unit_amount_decimal": UNIT_DECIMAL,
}
RECURRING_PRICE = Fields(
    {**_PRICE_DATA, "recurring": RECURRING}, required=("currency", "product", "recurring")
)
ONE_TIME_PRICE = Fields(_PRICE_DATA, required=("currency", "product"))
ITEM = Fields(
    {
        "metadata": Metadata(),
        "price": Text(),
        "price_data": RECURRING_PRICE,
        "quantity": QUANTITY,
        "tax_rates": TAX_RATES,
    },
    unsupported=frozenset({"billing_thresholds", "current_trial", "discounts", "plan"}),
)


def _extra(starts: tuple[str, ...], ends: tuple[str, ...]) -> Fields:
    def side(kinds: tuple[str, ...]) -> Fields:
        return Fields({"type": Text(choices=kinds), "timestamp": TIME}, required=("type",))

    return Fields(
        {
            "metadata": Metadata(),
            "period": Fields({"start": side(starts), "end": side(ends)}, ("start", "end")),
            "price": Text(),
            "price_data": ONE_TIME_PRICE,
            "quantity": QUANTITY,
            "tax_rates": TAX_RATES,
        },
        unsupported=frozenset({"discountable", "discounts"}),
    )


SUBSCRIPTION_EXTRA = _extra(
    ("max_item_period_start", "now", "timestamp"), ("min_item_period_end", "timestamp")
)
PHASE_EXTRA = _extra(
    ("max_item_period_start", "phase_start", "timestamp"),
    ("min_item_period_end", "phase_end", "timestamp"),
)
BILLING_MODE = Fields(
    {
        "type": Text(choices=("classic", "flexible")),
        "flexible": Fields({"proration_discounts": Text(choices=("included", "itemized"))}),
    },
    required=("type",),
)
DETAILS = Fields(
    {
        "comment": Text(clears=True),
        "feedback": Text(
            choices=(
                "customer_service",
                "low_quality",
                "missing_features",
                "other",
                "switched_service",
                "too_complex",
                "too_expensive",
                "unused",
            ),
            clears=True,
        ),
    },
    unsupported=frozenset({"feedback_option"}),
)
_NOT_CARRIED = frozenset(
    {
        "application_fee_percent",
        "automatic_tax",
        "billing_schedules",
        "billing_thresholds",
        "customer_account",
        "default_source",
        "discounts",
        "invoice_settings",
        "on_behalf_of",
        "payment_settings",
        "pending_invoice_item_interval",
        "transfer_data",
        "trial_end",
        "trial_from_plan",
        "trial_period_days",
        "trial_settings",
    }
)
SUBSCRIPTION_CREATE = Fields(
    {
        **META,
        "add_invoice_items": Many(SUBSCRIPTION_EXTRA, at_most=20),
        "backdate_start_date": TIME,
        "billing_cycle_anchor": TIME,
        "billing_mode": BILLING_MODE,
        "cancel_at": TIME,
        "cancel_at_period_end": Flag(),
        "collection_method": COLLECTION,
        "currency": CURRENCY,
        "customer": Text(),
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "default_tax_rates": TAX_RATES,
        "description": Text(max_length=500),
        "items": Many(ITEM, at_most=20),
        "off_session": Flag(),
        "payment_behavior": Text(
            choices=(
                "allow_incomplete",
                "default_incomplete",
                "error_if_incomplete",
                "pending_if_incomplete",
            )
        ),
        "proration_behavior": PRORATION,
    },
    unsupported=_NOT_CARRIED | {"billing_cycle_anchor_config"},
)
SUBSCRIPTION_UPDATE = Fields(
    {
        **META,
        "cancel_at": Int(0, 10_000_000_000, clears=True),
        "cancel_at_period_end": Flag(),
        "cancellation_details": DETAILS,
        "collection_method": COLLECTION,
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "default_tax_rates": TAX_RATES,
        "description": Text(clears=True, max_length=500),
        "proration_behavior": PRORATION,
    },
    unsupported=(_NOT_CARRIED - {"customer_account", "trial_period_days"})
    | {
        "add_invoice_items",
        "billing_cycle_anchor",
        "items",
        "off_session",
        "pause_collection",
        "payment_behavior",
        "proration_date",
    },
)
SUBSCRIPTION_CANCEL = Fields(
    {
        "cancellation_details": DETAILS,
        "expand": EXPAND,
        "invoice_now": Flag(),
        "prorate": Flag(),
    }
)
SUBSCRIPTION_LIST = listing(
    {
        "collection_method": COLLECTION,
        "created": When(),
        "customer": Text(),
        "price": Text(),
        "status": Text(
            choices=(
                "active",
                "all",
                "canceled",
                "ended",
                "incomplete",
                "incomplete_expired",
                "past_due",
                "paused",
                "trialing",
                "unpaid",
            )
        ),
    }
)

_SETTINGS = Fields(
    {"days_until_due": DAYS},
    unsupported=frozenset({"account_tax_ids", "custom_fields", "description", "footer", "issuer"}),
)
_ANCHOR = Text(choices=("automatic", "phase_start"))
_PHASE: dict[str, Spec] = {
    "add_invoice_items": Many(PHASE_EXTRA, at_most=20),
    "billing_cycle_anchor": _ANCHOR,
    "collection_method": COLLECTION,
    "currency": CURRENCY,
    "default_payment_method": Text(),
    "default_tax_rates": TAX_RATES,
    "description": Text(clears=True, max_length=500),
    "duration": Fields(
        {"interval": INTERVAL, "interval_count": Int(1, 120)}, required=("interval",)
    ),
    "end_date": TIME,
    "invoice_settings": _SETTINGS,
    "items": Many(ITEM, at_most=20),
    "metadata": Metadata(),
    "proration_behavior": PRORATION,
}
_PHASE_NOT_CARRIED = frozenset(
    {
        "application_fee_percent",
        "automatic_tax",
        "billing_thresholds",
        "discounts",
        "on_behalf_of",
        "transfer_data",
        "trial",
        "trial_end",
    }
)
SCHEDULE_CREATE = Fields(
    {
        **META,
        "billing_mode": BILLING_MODE,
        "customer": Text(),
        "default_settings": Fields(
            {
                "billing_cycle_anchor": _ANCHOR,
                "collection_method": COLLECTION,
                "default_payment_method": Text(),
                "description": Text(clears=True, max_length=500),
                "invoice_settings": _SETTINGS,
            },
            unsupported=frozenset(
                {
                    "application_fee_percent",
                    "automatic_tax",
                    "billing_thresholds",
                    "on_behalf_of",
                    "transfer_data",
                }
            ),
        ),
        "end_behavior": Text(choices=("cancel", "release")),
        "phases": Many(
            Fields(_PHASE, required=("items",), unsupported=_PHASE_NOT_CARRIED), at_most=50
        ),
        "start_date": Int(0, 10_000_000_000, words=("now",)),
    },
    unsupported=frozenset({"customer_account", "from_subscription", "pause_schedules"}),
)
SCHEDULE_UPDATE = Fields(
    META,
    unsupported=frozenset(
        {"default_settings", "end_behavior", "pause_schedules", "phases", "proration_behavior"}
    ),
)
SCHEDULE_CANCEL = Fields({"expand": EXPAND, "invoice_now": Flag(), "prorate": Flag()})
SCHEDULE_RELEASE = Fields({"expand": EXPAND, "preserve_cancel_date": Flag()})
SCHEDULE_LIST = listing(
    {"customer": Text(), "scheduled": Flag()}
    | {name: When() for name in ("created", "canceled_at", "completed_at", "released_at")}
)

INVOICE_UPDATE = Fields(
    {
        **META,
        "auto_advance": Flag(),
        "automatically_finalizes_at": TIME,
        "collection_method": COLLECTION,
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "description": Text(clears=True),
        "due_date": TIME,
        "effective_at": Int(0, 10_000_000_000, clears=True),
        "footer": Text(clears=True),
    },
    unsupported=frozenset(
        {
            "account_tax_ids",
            "application_fee_amount",
            "automatic_tax",
            "custom_fields",
            "default_source",
            "default_tax_rates",
            "discounts",
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
    {"expand": EXPAND, "off_session": Flag(), "payment_method": Text()},
    unsupported=frozenset({"forgive", "mandate", "paid_out_of_band", "source"}),
)
INVOICE_LIST = listing(
    {
        "collection_method": COLLECTION,
        "created": When(),
        "customer": Text(),
        "due_date": When(),
        "status": Text(choices=("draft", "open", "paid", "uncollectible", "void")),
        "subscription": Text(),
    }
)

_PREVIEW_ITEM = Fields(
    {
        "description": Text(),
        "metadata": Metadata(),
        "period": Fields({"start": TIME, "end": TIME}, required=("start", "end")),
        "price": Text(),
        "price_data": ONE_TIME_PRICE,
        "quantity": QUANTITY,
        "tax_rates": TAX_RATES,
    },
    unsupported=frozenset(
        {
            "amount",
            "currency",
            "discountable",
            "discounts",
            "invoiceitem",
            "quantity_decimal",
            "tax_behavior",
            "tax_code",
            "unit_amount",
            "unit_amount_decimal",
        }
    ),
)
INVOICE_PREVIEW = Fields(
    {
        "currency": CURRENCY,
        "customer": Text(),
        "customer_details": Fields(
            {"address": ADDRESS, "shipping": SHIPPING, "tax_exempt": TAX_EXEMPT},
            unsupported=frozenset({"tax", "tax_ids"}),
        ),
        "expand": EXPAND,
        "invoice_items": Many(_PREVIEW_ITEM, at_most=250),
        "preview_mode": Text(choices=("next",)),
        "schedule": Text(),
        "schedule_details": Fields(
            {
                "billing_mode": BILLING_MODE,
                "end_behavior": Text(choices=("cancel", "release")),
                "phases": Many(
                    Fields(
                        {**_PHASE, "start_date": Int(0, 10_000_000_000, words=("now",))},
                        required=("items",),
                        unsupported=_PHASE_NOT_CARRIED,
                    ),
                    at_most=50,
                ),
                "proration_behavior": PRORATION,
            },
            unsupported=frozenset({"pause_schedules"}),
        ),
        "subscription": Text(),
        "subscription_details": Fields(
            {
                "billing_cycle_anchor": Fields(
                    {
                        "type": Text(choices=("now", "timestamp", "unchanged")),
                        "timestamp": TIME,
                    },
                    required=("type",),
                ),
                "billing_mode": BILLING_MODE,
                "default_tax_rates": TAX_RATES,
                "items": Many(ITEM, at_most=20),
                "metadata": Metadata(),
                "proration_behavior": PRORATION,
                "start_date": TIME,
            },
            unsupported=frozenset(
                {
                    "billing_schedules",
                    "cancel_at",
                    "cancel_at_period_end",
                    "cancel_now",
                    "pause",
                    "proration_date",
                    "resume_at",
                    "trial_end",
                }
            ),
        ),
    },
    unsupported=frozenset(
        {"automatic_tax", "customer_account", "discounts", "issuer", "on_behalf_of"}
    ),
)
