"""The worked deals at the simulated biller: started, and their amounts."""

from __future__ import annotations

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.domain.deal import CollectionMethod
from dealthread.domain.documents import Agreement, BillingCustomer
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.party import Party
from dealthread.outcome import Done
from dealthread.ports.billing import StartAgreement
from tests.adapters.test_stripe_contract import customer_of
from tests.support import deals

KEY = "quote-to-cash:org:deal#1/subscription/do"
UNDO = "quote-to-cash:org:deal#1/subscription/undo"


def by_bank(contract: Contract) -> Contract:
    """The same deal, invoiced by mail."""
    return contract.model_copy(
        update={"collection_method": CollectionMethod.BANK_TRANSFER, "days_until_due": 30}
    )


def d2(country: str = "DE") -> Contract:
    """D2, sold from a country."""
    return deals.d2().model_copy(update={"seller_country": country})


NORDWERK = deals.NORDWERK


async def started(
    billing: StripeBilling, contract: Contract, party: Party, *, hold: bool = False, key: str = KEY
) -> tuple[Agreement, BillingCustomer]:
    """Customer and agreement of a deal."""
    customer = await customer_of(billing, contract, party)
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=hold),
        idempotency_key=key,
    )
    assert isinstance(outcome, Done), outcome
    return outcome.value, customer


def amounts(invoice: BillingInvoice | None) -> tuple[str, str, str]:
    """Net, tax, gross."""
    assert invoice is not None
    return str(invoice.net.amount), str(invoice.tax.amount), str(invoice.gross.amount)
