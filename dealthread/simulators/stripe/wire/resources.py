"""The first words of Stripe's v1 paths: what is one of Stripe's, carried here or not."""

from __future__ import annotations

RESOURCES = frozenset(
    "account account_links account_sessions accounts apple_pay application_fees apps balance "
    "balance_settings balance_transactions billing billing_portal charges checkout climate "
    "confirmation_tokens country_specs coupons credit_notes customer_sessions customers disputes "
    "entitlements ephemeral_keys events exchange_rates file_links files financial_connections "
    "forwarding identity invoice_payments invoice_rendering_templates invoiceitems invoices "
    "issuing mandates payment_attempt_records payment_intents payment_links "
    "payment_method_configurations payment_method_domains payment_methods payment_records payouts "
    "plans prices product_catalog products promotion_codes quotes radar refunds reporting reviews "
    "setup_attempts setup_intents shipping_rates sigma sources subscription_items "
    "subscription_schedules subscriptions tax tax_codes tax_ids tax_rates terminal test_helpers "
    "three_d_secure tokens topups transfers treasury webhook_endpoints".split()
)
"""A test compares them with the services of Stripe's own package."""


def is_stripes(path: str) -> bool:
    """Whether a path begins like one of Stripe's."""
    return path.removeprefix("/v1/").partition("/")[0] in RESOURCES
