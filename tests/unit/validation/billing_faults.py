"""Billing, payment and posting that break a rule."""

from __future__ import annotations

from dealthread.domain.deal import (
    BillingFrequency,
    BillingTiming,
)
from dealthread.domain.money import Money
from dealthread.domain.validation import (
    CreditFacts,
    PostingFinding,
)
from tests.unit.validation.spoilt import EVERGREEN, Spoilt, account, deal, facts

BILLING_FAULTS = [
    Spoilt(
        "V20",
        "billing_frequency",
        "monthly",
        "billing",
        deal(billing_frequency=BillingFrequency.MONTHLY),
    ),
    Spoilt("V20", "billing_frequency", "", "billing", deal(billing_frequency=None)),
    Spoilt(
        "V20",
        "billing_timing",
        "arrears",
        "billing",
        deal(billing_timing=BillingTiming.ARREARS),
    ),
    Spoilt(
        "V22",
        "start_date",
        "2025-12-15",
        "accounting",
        answer=facts(
            posting_findings=(
                PostingFinding(
                    rule="V22", field="start_date", value="2025-12-15", detail="period is closed"
                ),
            )
        ),
    ),
    Spoilt("V23", "payment_terms", "NET90", "credit", deal(payment_terms="NET90"), severity="A"),
    Spoilt("V23", "payment_terms", "NET17", "credit", deal(payment_terms="NET17")),
    Spoilt(
        "V24",
        "collection_method",
        "card",
        "billing",
        answer=facts(payment_method_on_file=False),
    ),
    Spoilt(
        "V25",
        "account.credit_limit",
        "15,890.99 USD",
        "credit",
        answer=facts(
            credit=CreditFacts(exposure=Money.zero("USD"), limit=Money.of("15890.99", "USD"))
        ),
        severity="A",
    ),
    Spoilt(
        "V25",
        "account.credit_limit",
        "250,000.00 USD",
        "credit",
        answer=facts(credit=CreditFacts(exposure=Money.of("240000.00", "USD"))),
        severity="A",
    ),
    Spoilt(
        "V25",
        "account.credit_stop",
        "true",
        "credit",
        answer=facts(credit=CreditFacts(exposure=Money.zero("USD"), stop=True)),
        severity="A",
    ),
    Spoilt(
        "V20",
        "billing_frequency",
        "term",
        "billing",
        deal(**{**EVERGREEN, "billing_frequency": BillingFrequency.TERM}),
    ),
    Spoilt(
        "V25",
        "account.in_collections",
        "true",
        "credit",
        answer=facts(credit=CreditFacts(exposure=Money.zero("USD"), in_collections=True)),
        severity="A",
    ),
    Spoilt("V29", "po_number", "", "billing", account(po_required=True)),
    Spoilt(
        "V38",
        "revenue_account",
        "4000",
        "accounting",
        answer=facts(
            posting_findings=(
                PostingFinding(rule="V38", field="revenue_account", value="4000", detail="closed"),
            )
        ),
    ),
]
