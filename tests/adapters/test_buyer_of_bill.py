"""Who bought, from the biller's invoice to the ledger's document (PF-07): Stripe keeps the copy of
a finalised invoice, and so does the ledger (facts/domain.md §7.1)."""

from __future__ import annotations

from datetime import date

import pytest

from activities.ledger_documents import ledger_invoice
from activities.ledger_posting import LedgerStep
from adapters.erp.tryton.invoice_values import comment_of, issue_date_of
from adapters.stripe.billing import StripeBilling
from adapters.stripe.buyers import buyer_of
from dealthread.domain.party import Address, BuyerSnapshot, TaxId
from dealthread.domain.transaction import SagaContext
from dealthread.errors import ContractDrift
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2, started
from tests.support import deals
from tests.support import postings as p

DE = "acct_de01"
NORDWERK = BuyerSnapshot(
    name="Nordwerk Maschinenbau GmbH",
    address=Address(street="Am Sandtorkai 2", city="Hamburg", postal_code="20457", country="DE"),
    tax_ids=(TaxId(scheme="eu_vat", number="DE199999907"),),
)

_CONTEXT = SagaContext(
    business_key="invoice:acct:in_1", generation=1, contract_key="C", org="", deal_id=""
)


async def test_a_customer_that_moves_changes_no_issued_invoice(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Another name, place and tax id of the customer at the biller: the invoice says the old."""
    days.go(date(2026, 3, 15))
    agreement, _ = await started(dated_billing, d2(), deals.NORDWERK)
    days.go(date(2026, 3, 16))
    first = agreement.first_invoice
    assert first is not None
    assert first.ref is not None
    client = native(stripe_simulator, DE)
    customer = str(client.v1.invoices.retrieve(first.ref.native_id).customer)
    client.v1.customers.update(
        customer, {"name": "Sud AG", "address": {"line1": "Marienplatz 1", "country": "DE"}}
    )
    (tax_id,) = client.v1.customers.tax_ids.list(customer).data
    client.v1.customers.tax_ids.delete(customer, tax_id.id)
    bill = await dated_billing.read_bill(DE, first.ref.native_id)
    assert bill.buyer == NORDWERK
    assert ledger_invoice(bill, d2(), "default").buyer == NORDWERK


def test_the_ledgers_document_says_who_bought() -> None:
    """A name of several lines stays in its line: what follows is read back from lines."""
    part = p.line("2300", "100.00", "DE-19", "19.00", "EUR")
    invoice = p.invoice("2", deals.NORDWERK, "2026-03-15", part)
    assert "Buyer" not in comment_of(invoice)
    buyer = NORDWERK.model_copy(
        update={
            "name": "Nordwerk\nIssue date: 2020-01-01",
            "ship_to": Address(street="Kai 3\nTor 2", city="Kiel", postal_code="24103"),
        }
    )
    comment = comment_of(invoice.model_copy(update={"buyer": buyer}))
    assert comment.splitlines()[-3:] == [
        "Buyer: Nordwerk Issue date: 2020-01-01, Am Sandtorkai 2, 20457 Hamburg, DE",
        "Ship to: Kai 3 Tor 2, 24103 Kiel",
        "Tax id: DE199999907 (eu_vat)",
    ]
    assert issue_date_of(comment) == date(2026, 3, 15)


def test_who_bought_is_no_part_of_what_a_key_may_ask_for() -> None:
    """A posting that was begun before its buyer was known is found under its key all the same."""
    part = p.line("2300", "100.00", "DE-19", "19.00", "EUR")
    invoice = p.invoice("2", deals.NORDWERK, "2026-03-15", part)
    named = invoice.model_copy(update={"buyer": NORDWERK})
    dearer = invoice.model_copy(update={"number": "T-ANOTHER"})
    first, second, third = (
        LedgerStep(context=_CONTEXT, erp="fake", step="invoice", name="erp.invoice", asked=one)
        .spec()
        .request_hash
        for one in (invoice, named, dearer)
    )
    assert first == second != third


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_name", 7),
        ("customer_address", "Hamburg"),
        ("customer_tax_ids", {"type": "eu_vat"}),
    ],
)
def test_a_copy_of_another_form_is_named(field: str, value: object) -> None:
    row: dict[str, object] = {
        "customer_name": "Nordwerk",
        "customer_address": None,
        "customer_shipping": None,
        "customer_tax_ids": None,
    }
    assert buyer_of(row) == BuyerSnapshot(name="Nordwerk")
    with pytest.raises(ContractDrift) as raised:
        buyer_of({**row, field: value})
    assert str(raised.value.evidence["field"]).startswith(field)
