"""What the operations on subscriptions and invoices accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.coupon_params import DISCOUNTS, ITEM_DISCOUNTS
from dealthread.simulators.stripe.catalogue.params import (
    AMOUNT,
    COLLECTION,
    CURRENCY,
    CUSTOM_FIELDS,
    DAYS,
    INLINE_RECURRING,
    META,
    PRORATION,
    QUANTITY,
    TAX_BEHAVIOR,
    TAX_RATES,
    TIME,
    UNIT_DECIMAL,
)
from dealthread.simulators.stripe.subscriptions import ends, trials
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

_PRICE_DATA: dict[str, Spec] = {
    "currency": CURRENCY,
    "product": Text(),
    "tax_behavior": TAX_BEHAVIOR,
    "unit_amount": AMOUNT,
    "unit_amount_decimal": UNIT_DECIMAL,
}
RECURRING_PRICE = Fields(
    {**_PRICE_DATA, "recurring": INLINE_RECURRING}, required=("currency", "product", "recurring")
)
ONE_TIME_PRICE = Fields(_PRICE_DATA, required=("currency", "product"))
ITEM_FIELDS: dict[str, Spec] = {
    "discounts": DISCOUNTS,
    "metadata": Metadata(),
    "price": Text(),
    "price_data": RECURRING_PRICE,
    "quantity": QUANTITY,
    "tax_rates": TAX_RATES,
}
_ITEM_NOT_CARRIED = frozenset({"billing_thresholds", "plan"})
PHASE_ITEM = Fields(ITEM_FIELDS, unsupported=_ITEM_NOT_CARRIED)
ITEM = Fields(ITEM_FIELDS, unsupported=_ITEM_NOT_CARRIED | {"current_trial"})


def _extra(starts: tuple[str, ...], ends: tuple[str, ...]) -> Fields:
    def side(kinds: tuple[str, ...]) -> Fields:
        return Fields({"type": Text(choices=kinds), "timestamp": TIME}, required=("type",))

    return Fields(
        {
            "discountable": Flag(),
            "discounts": ITEM_DISCOUNTS,
            "metadata": Metadata(),
            "period": Fields({"start": side(starts), "end": side(ends)}, ("start", "end")),
            "price": Text(),
            "price_data": ONE_TIME_PRICE,
            "quantity": QUANTITY,
            "tax_rates": TAX_RATES,
        }
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
SETTINGS_NOT_CARRIED = frozenset({"account_tax_ids", "description", "issuer"})
_NOT_CARRIED = frozenset(
    {
        "application_fee_percent",
        "automatic_tax",
        "billing_schedules",
        "billing_thresholds",
        "customer_account",
        "default_source",
        "on_behalf_of",
        "payment_settings",
        "pending_invoice_item_interval",
        "transfer_data",
        "trial_from_plan",
    }
)
_CANCEL_AT = Int(0, 10_000_000_000, words=ends.WORDS)
CANCEL_AT = Int(0, 10_000_000_000, words=ends.WORDS, clears=True)
_TRIAL_SETTINGS = Fields(
    {
        "end_behavior": Fields(
            {"missing_payment_method": Text(choices=("cancel", "create_invoice", "pause"))},
            unsupported=frozenset({"billing_cycle_anchor"}),
        )
    },
    required=("end_behavior",),
)
TRIAL_END = Int(0, 10_000_000_000, words=("now",))
PAYMENT_BEHAVIOR = Text(
    choices=(
        "allow_incomplete",
        "default_incomplete",
        "error_if_incomplete",
        "pending_if_incomplete",
    )
)
SUBSCRIPTION_CREATE = Fields(
    {
        **META,
        "add_invoice_items": Many(SUBSCRIPTION_EXTRA, at_most=20),
        "backdate_start_date": TIME,
        "billing_cycle_anchor": TIME,
        "billing_cycle_anchor_config": Fields(
            {
                "day_of_month": Int(1, 31),
                "hour": Int(0, 23),
                "minute": Int(0, 59),
                "month": Int(1, 12),
                "second": Int(0, 59),
            },
            required=("day_of_month",),
        ),
        "billing_mode": BILLING_MODE,
        "cancel_at": _CANCEL_AT,
        "cancel_at_period_end": Flag(),
        "collection_method": COLLECTION,
        "currency": CURRENCY,
        "customer": Text(),
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "default_tax_rates": TAX_RATES,
        "description": Text(max_length=500),
        "discounts": DISCOUNTS,
        "invoice_settings": Fields(
            {"custom_fields": CUSTOM_FIELDS, "footer": Text()}, unsupported=SETTINGS_NOT_CARRIED
        ),
        "items": Many(ITEM, at_most=20),
        "off_session": Flag(),
        "payment_behavior": PAYMENT_BEHAVIOR,
        "proration_behavior": PRORATION,
        "trial_end": TRIAL_END,
        "trial_period_days": Int(0, trials.MAX_DAYS),
        "trial_settings": _TRIAL_SETTINGS,
    },
    unsupported=_NOT_CARRIED,
)
# The item of a change: named by its id, or a new one.
CHANGED_ITEM = Fields(
    {**ITEM_FIELDS, "deleted": Flag(), "id": Text()},
    unsupported=_ITEM_NOT_CARRIED | {"clear_usage", "current_trial"},
)
SUBSCRIPTION_UPDATE = Fields(
    {
        **META,
        "add_invoice_items": Many(SUBSCRIPTION_EXTRA, at_most=20),
        "billing_cycle_anchor": Fields(
            {"type": Text(choices=("now", "unchanged"))}, required=("type",)
        ),
        "cancel_at": CANCEL_AT,
        "cancel_at_period_end": Flag(),
        "cancellation_details": DETAILS,
        "collection_method": COLLECTION,
        "days_until_due": DAYS,
        "default_payment_method": Text(),
        "default_tax_rates": TAX_RATES,
        "description": Text(clears=True, max_length=500),
        "discounts": DISCOUNTS,
        "invoice_settings": Fields(
            {"custom_fields": CUSTOM_FIELDS, "footer": Text(clears=True)},
            unsupported=SETTINGS_NOT_CARRIED,
        ),
        "items": Many(CHANGED_ITEM, at_most=20),
        "off_session": Flag(),
        "pause_collection": Fields(
            {
                "behavior": Text(choices=("keep_as_draft", "mark_uncollectible", "void")),
                "resumes_at": TIME,
            },
            required=("behavior",),
            clears=True,
        ),
        "payment_behavior": PAYMENT_BEHAVIOR,
        "proration_behavior": PRORATION,
        "proration_date": TIME,
        "trial_end": TRIAL_END,
        "trial_settings": _TRIAL_SETTINGS,
    },
    unsupported=_NOT_CARRIED - {"customer_account"},
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
        "test_clock": Text(),
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
    },
    "automatic_tax",
    "current_period_end",
    "current_period_start",
    "customer_account",
    "plan",
)
