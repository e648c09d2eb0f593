"""Objects as a network that is played to the Stripe adapter answers them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dealthread.domain.base import Ref, System
from dealthread.domain.documents import Agreement, AgreementStatus, BillingCustomer
from dealthread.ports.billing import StartAgreement
from tests.adapters.stripe_samples import INVOICE_NULLS, LINE_NULLS
from tests.adapters.stripe_wire import page
from tests.support import deals

KEY = "quote-to-cash:org:deal#1/subscription/do"
NOW = datetime(2026, 3, 15, 9, tzinfo=UTC)
ACCOUNT = "acct_us01"
MARKS = {"dealthread_contract": "C-D1", "dealthread_key": KEY}
RATES = page(
    {"id": "txr_1", "percentage": 6.6, "metadata": {"dealthread_tax_code": "US-TX-SAAS"}},
    {"id": "txr_2", "percentage": 0, "metadata": {"dealthread_tax_code": "US-TX-SVC0"}},
    {"id": "txr_0", "percentage": 5, "metadata": {"dealthread_tax_code": "US-TX-SAAS"}},
    {"id": "txr_x", "percentage": 1, "metadata": {}},
)


def ref(kind: str, native_id: str) -> Ref:
    """A native billing reference."""
    return Ref(system=System.BILLING, account=ACCOUNT, kind=kind, native_id=native_id)


CUSTOMER = BillingCustomer(ref=ref("customer", "cus_1"), customer_key="A-HARBORLINE")
START = StartAgreement(contract=deals.d1(), customer=CUSTOMER, hold_first_invoice=False)
AGREEMENT = Agreement(
    ref=ref("subscription", "sub_1"),
    subscription=ref("subscription", "sub_1"),
    status=AgreementStatus.ACTIVE,
)


def invoice(native_id: str = "in_1", **changes: Any) -> dict[str, Any]:
    """A first invoice of one line."""
    line = {
        **LINE_NULLS,
        "id": "il_1",
        "amount": 100,
        "quantity": 1,
        "metadata": {},
        "taxes": [],
        "parent": {"subscription_item_details": {"subscription_item": "si_1"}},
        "period": {"start": 1767225600, "end": 1798761600},
    }
    return {
        **INVOICE_NULLS,
        "id": native_id,
        "object": "invoice",
        "billing_reason": "subscription_create",
        "currency": "usd",
        "status": "open",
        "total": 100,
        "amount_due": 100,
        "total_taxes": [],
        "pre_payment_credit_notes_amount": 0,
        "lines": page(line),
        "metadata": {},
        **changes,
    }


def subscription(**changes: Any) -> dict[str, Any]:
    """An active subscription of ours."""
    item = {"id": "si_1", "metadata": {"dealthread_line": "L-1"}}
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "schedule": None,
        "metadata": MARKS,
        "items": page(item),
        "latest_invoice": invoice(),
        **changes,
    }
