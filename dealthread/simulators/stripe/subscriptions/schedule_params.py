"""What the operations on schedules, and previews of invoices, accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.coupon_params import DISCOUNTS
from dealthread.simulators.stripe.catalogue.params import (
    ADDRESS,
    COLLECTION,
    CURRENCY,
    CUSTOM_FIELDS,
    DAYS,
    INTERVAL,
    META,
    PRORATION,
    QUANTITY,
    SHIPPING,
    TAX_EXEMPT,
    TAX_IDS,
    TAX_RATES,
    TIME,
)
from dealthread.simulators.stripe.subscriptions.params import (
    BILLING_MODE,
    CANCEL_AT,
    CHANGED_ITEM,
    ONE_TIME_PRICE,
    PHASE_EXTRA,
    PHASE_ITEM,
    SETTINGS_NOT_CARRIED,
    TRIAL_END,
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

_DAYS: dict[str, Spec] = {"days_until_due": DAYS}
_SETTINGS = Fields(
    {**_DAYS, "custom_fields": CUSTOM_FIELDS, "footer": Text(clears=True)},
    unsupported=SETTINGS_NOT_CARRIED,
)
# In a preview the settings of a phase have fewer names.
_PREVIEW_SETTINGS = Fields(_DAYS, unsupported=frozenset({"account_tax_ids", "issuer"}))
_ANCHOR = Text(choices=("automatic", "phase_start"))
_PHASE: dict[str, Spec] = {
    "add_invoice_items": Many(PHASE_EXTRA, at_most=20),
    "billing_cycle_anchor": _ANCHOR,
    "collection_method": COLLECTION,
    "currency": CURRENCY,
    "default_payment_method": Text(),
    "default_tax_rates": TAX_RATES,
    "description": Text(clears=True, max_length=500),
    "discounts": DISCOUNTS,
    "duration": Fields(
        {"interval": INTERVAL, "interval_count": Int(1, 120)}, required=("interval",)
    ),
    "end_date": TIME,
    "invoice_settings": _SETTINGS,
    "items": Many(PHASE_ITEM, at_most=20),
    "metadata": Metadata(),
    "proration_behavior": PRORATION,
}
_PHASE_NOT_CARRIED = frozenset(
    {
        "application_fee_percent",
        "automatic_tax",
        "billing_thresholds",
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
        "from_subscription": Text(),
        "phases": Many(
            Fields(_PHASE, required=("items",), unsupported=_PHASE_NOT_CARRIED), at_most=50
        ),
        "start_date": Int(0, 10_000_000_000, words=("now",)),
    },
    unsupported=frozenset({"customer_account", "pause_schedules"}),
)
SCHEDULE_UPDATE = Fields(
    {
        **META,
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
    unsupported=frozenset({"default_settings", "pause_schedules"}),
)
SCHEDULE_CANCEL = Fields({"expand": EXPAND, "invoice_now": Flag(), "prorate": Flag()})
SCHEDULE_RELEASE = Fields({"expand": EXPAND, "preserve_cancel_date": Flag()})
SCHEDULE_LIST = listing(
    {"customer": Text(), "scheduled": Flag()}
    | {name: When() for name in ("created", "canceled_at", "completed_at", "released_at")},
    "customer_account",
)

_PREVIEW_ITEM = Fields(
    {
        "description": Text(),
        "discountable": Flag(),
        "discounts": DISCOUNTS,
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
            {
                "address": ADDRESS,
                "shipping": SHIPPING,
                "tax_exempt": TAX_EXEMPT,
                "tax_ids": TAX_IDS,
            },
            unsupported=frozenset({"tax"}),
        ),
        "discounts": DISCOUNTS,
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
                        {
                            **_PHASE,
                            "invoice_settings": _PREVIEW_SETTINGS,
                            "start_date": Int(0, 10_000_000_000, words=("now",)),
                        },
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
                "items": Many(CHANGED_ITEM, at_most=20),
                "metadata": Metadata(),
                "cancel_at": CANCEL_AT,
                "cancel_at_period_end": Flag(),
                "cancel_now": Flag(),
                "proration_behavior": PRORATION,
                "proration_date": TIME,
                "start_date": TIME,
                "trial_end": TRIAL_END,
            },
            unsupported=frozenset({"billing_schedules", "pause", "resume_at"}),
        ),
    },
    unsupported=frozenset({"automatic_tax", "customer_account", "issuer", "on_behalf_of"}),
)
