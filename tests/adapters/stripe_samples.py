"""What several tests of the Stripe adapter send: a customer, a key, a line at another price."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from dealthread.domain.contract import Contract
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.party import Contact, ContactPurpose
from dealthread.ports.billing import OnboardBillingCustomer
from tests.support import deals

NOW = datetime(2026, 3, 15, 9, tzinfo=UTC)
KEY = "quote-to-cash:org:deal#1/customer/do"
RATES = {
    "US-TX-SAAS 6.6 %": "txr_1",
    "US-TX-SVC0 0 %": "txr_2",
    "DE-19 19 %": "txr_3",
    "US-NY-SAAS 8.875 %": "txr_4",
}
PERSON = "Erika Mustermann"
EMAIL = "erika@example.com"

INVOICE_NULLS = {
    "number": None,
    "effective_at": None,
    "due_date": None,
    "status_transitions": {"finalized_at": None},
}
"""What an invoice of Stripe's says about what it does not have."""
LINE_NULLS = {"description": None, "discount_amounts": [], "taxes": [], "pricing": None}
"""The same of an invoice line."""
CUSTOMER_NULLS = {"invoice_settings": {"default_payment_method": None}, "default_source": None}
"""The same of a customer."""


def onboarding(contract: Contract) -> OnboardBillingCustomer:
    """Harborline, with a person and a tax identifier."""
    contact = Contact(
        ref=contract.customer_ref,
        purpose=ContactPurpose.ACCOUNTS_PAYABLE,
        name=PERSON,
        email=EMAIL,
        language="de",
    )
    party = deals.NORDWERK.model_copy(update={"contacts": (contact,)})
    return OnboardBillingCustomer(
        customer_key="A-NORDWERK",
        billing_account="acct_us01",
        party=party,
        parent_customer_key="A-PARENT",
        currency="USD",
    )


def recurring(
    contract: Contract, price: str, quantity: str, period: int, committed: str
) -> Contract:
    """The contract with its first line only, at another price."""
    line = contract.lines[0].model_copy(
        update={
            "unit_price": UnitPrice.of(price, contract.currency),
            "quantity": Decimal(quantity),
            "period_months": period,
            "committed_net": Money.of(committed, contract.currency),
            "end_date": contract.end_date,
        }
    )
    return contract.model_copy(update={"lines": (line,)})
