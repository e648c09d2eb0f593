"""The operations of Stripe's API v1 that billing uses."""

from __future__ import annotations

from adapters.manifest import Manifest, operations

_API = "https://docs.stripe.com/api/"

MANIFEST = Manifest(
    "billing",
    [
        *operations(
            _API + "customers",
            "GET /v1/customers",
            "GET /v1/customers/search",
            "GET /v1/customers/{}",
            "POST /v1/customers",
            "POST /v1/customers/{}",
        ),
        *operations(
            _API + "tax_ids",
            "GET /v1/customers/{}/tax_ids",
            "POST /v1/customers/{}/tax_ids",
        ),
        *operations(_API + "tax_rates", "GET /v1/tax_rates", "GET /v1/tax_rates/{}"),
        *operations(_API + "prices", "GET /v1/prices"),
        *operations(
            _API + "billing/meter",
            "GET /v1/billing/meters",
            "GET /v1/billing/meters/{}",
            "GET /v1/billing/meters/{}/event_summaries",
        ),
        *operations(_API + "billing/meter-event", "POST /v1/billing/meter_events"),
        *operations(
            _API + "subscriptions",
            "GET /v1/subscriptions",
            "GET /v1/subscriptions/{}",
            "POST /v1/subscriptions",
            "POST /v1/subscriptions/{}",
            "DELETE /v1/subscriptions/{}",
        ),
        *operations(
            _API + "subscription_schedules",
            "GET /v1/subscription_schedules",
            "GET /v1/subscription_schedules/{}",
            "POST /v1/subscription_schedules",
            "POST /v1/subscription_schedules/{}",
            "POST /v1/subscription_schedules/{}/cancel",
            "POST /v1/subscription_schedules/{}/release",
        ),
        *operations(
            _API + "invoiceitems",
            "GET /v1/invoiceitems",
            "DELETE /v1/invoiceitems/{}",
        ),
        *operations(
            _API + "invoices",
            "GET /v1/invoices",
            "GET /v1/invoices/{}",
            "GET /v1/invoices/{}/lines",
            "POST /v1/invoices/create_preview",
            "POST /v1/invoices/{}",
            "POST /v1/invoices/{}/attach_payment",
            "POST /v1/invoices/{}/finalize",
            "POST /v1/invoices/{}/mark_uncollectible",
            "POST /v1/invoices/{}/pay",
            "POST /v1/invoices/{}/void",
        ),
        *operations(_API + "invoice-payment", "GET /v1/invoice_payments"),
        *operations(
            _API + "payment-record",
            "GET /v1/payment_records",
            "GET /v1/payment_records/{}",
            "POST /v1/payment_records/report_payment",
        ),
        *operations(
            _API + "credit_notes",
            "GET /v1/credit_notes",
            "GET /v1/credit_notes/preview",
            "GET /v1/credit_notes/{}/lines",
            "POST /v1/credit_notes",
        ),
        *operations(_API + "disputes", "GET /v1/disputes/{}"),
        *operations(_API + "payouts", "GET /v1/payouts", "GET /v1/payouts/{}"),
        *operations(_API + "balance_transactions", "GET /v1/balance_transactions"),
    ],
)
