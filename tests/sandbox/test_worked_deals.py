"""The worked deals are the published ones, and invented customers differ from each other."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dealthread.domain.vat_id import id_problem
from dealthread.sandbox import worked_deals
from dealthread.sandbox.demo import customers_of
from dealthread.sandbox.invented import InventedCustomers, german_vat_id
from dealthread.sandbox.records import Customer, account_record, line_record, opportunity_record
from dealthread.sandbox.worked_deals import FIGURES, K1, K2, K3, K4, K5, NORDWERK_HOLDING


@pytest.mark.parametrize(
    ("code", "invoice", "booking"),
    [
        ("D1", "15891.00", "15891.00"),
        ("D2", "21134.40", "21134.40"),
        ("D4", "47034.00", "211653.00"),
    ],
)
def test_the_figures_are_the_published_ones(code: str, invoice: str, booking: str) -> None:
    """First bill and booking total; the net is the sum of the deal's own lines."""
    assert FIGURES[code].invoice_total == Decimal(invoice)
    assert FIGURES[code].booking_total == Decimal(booking)
    sale = {"D1": worked_deals.d1, "D2": worked_deals.d2, "D4": worked_deals.d4}[code]()
    assert sum(line.quantity * line.unit_price for line in sale.lines) == FIGURES[code].booking_net


@pytest.mark.parametrize("customer", [K2, NORDWERK_HOLDING, K3, K5])
def test_tax_identifiers_have_a_right_checksum(customer: Customer) -> None:
    assert id_problem(customer.tax_scheme, customer.tax_id) is None


@pytest.mark.parametrize("number", [0, 1, 7, 48, 999, 123456])
def test_an_invented_german_vat_id_has_a_right_checksum(number: int) -> None:
    assert id_problem("eu_vat", german_vat_id(number)) is None


def test_the_first_run_uses_the_worked_customers_and_later_ones_invent() -> None:
    assert customers_of(1) == (K1, K2, K4)
    names = {customer.name for customer in customers_of(2)}
    assert names.isdisjoint({K1.name, K2.name, K4.name})


def test_no_two_invented_customers_are_alike() -> None:
    """Name, domain, street and identifier over 300 runs: nobody is taken for a duplicate."""
    customers: list[Customer] = []
    for run in range(1, 301):
        invented = InventedCustomers(run)
        german = invented.german(2)
        customers += [invented.texan(1), german, invented.new_yorker(3)]
        customers += [invented.oregonian(slot) for slot in (4, 5, 6)]
        assert german.parent is not None
        customers.append(german.parent)
    assert len({customer.name for customer in customers}) == len(customers)
    assert len({customer.domain for customer in customers}) == len(customers)
    assert len({customer.number for customer in customers}) == len(customers)
    identified = [customer.tax_id for customer in customers if customer.tax_id]
    assert len(set(identified)) == len(identified)


def test_invented_customers_have_the_terms_of_the_worked_ones() -> None:
    texan, german, new_yorker = customers_of(3)
    assert (texan.place.city, texan.currency) == (K1.place.city, "USD")
    assert (german.po_required, german.language, german.currency) == (True, "de", "EUR")
    assert (new_yorker.place.city, new_yorker.place.state) == ("New York", "NY")


def test_records_leave_out_what_was_left_blank() -> None:
    """A blank picklist or date is refused by Salesforce, a missing one is not."""
    account = account_record(K1, None)
    assert not {"ParentId", "Dealthread_Tax_Id__c", "Dealthread_Tax_Scheme__c"} & account.keys()
    assert account["Dealthread_PO_Required__c"] is False
    evergreen = opportunity_record(worked_deals.d3(), "D3", "001", "GBP", "01s")
    assert evergreen["Dealthread_Term_Kind__c"] == "evergreen"
    assert not {"Dealthread_Term_End__c", "Dealthread_Term_Months__c"} & evergreen.keys()


def test_a_ramp_has_a_dated_line_for_each_segment() -> None:
    records = [line_record(line, "006", "01u") for line in worked_deals.d4().lines]
    assert [
        (row["Dealthread_Segment__c"], str(row["ServiceDate"]), str(row["Dealthread_End__c"]))
        for row in records
    ] == [
        (1, "2026-02-01", "2027-01-31"),
        (2, "2027-02-01", "2028-01-31"),
        (3, "2028-02-01", "2029-01-31"),
    ]
