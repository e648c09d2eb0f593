"""Customers and deals as a salesperson enters them, and how they become Salesforce records.

Ends are inclusive here, as people enter them in Salesforce.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dealthread.sandbox.salesforce import OPEN, Record


@dataclass(frozen=True)
class Place:
    """A postal address; country by its ISO code, a US state by its two letters."""

    street: str
    city: str
    postal_code: str
    country: str
    state: str = ""


@dataclass(frozen=True)
class Customer:
    """An account with its accounts-payable contact. `number` is ours to find it again."""

    number: str
    name: str
    place: Place
    domain: str
    currency: str
    tax_id: str = ""
    tax_scheme: str = ""
    parent: Customer | None = None
    po_required: bool = False
    language: str = "en"

    @property
    def payable_email(self) -> str:
        """Where invoices go."""
        return f"ap@{self.domain}"


@dataclass(frozen=True)
class SoldLine:
    """One product of a deal; a ramp has one line for each of its segments."""

    product: str
    quantity: Decimal
    unit_price: Decimal
    start: date | None = None
    last_day: date | None = None
    segment: int | None = None


@dataclass(frozen=True)
class Sale:
    """A deal. `last_day` None = evergreen."""

    code: str
    customer: Customer
    seller: str
    closed_on: date
    start: date
    last_day: date | None
    term_months: int | None
    lines: tuple[SoldLine, ...]
    frequency: str = "yearly"
    payment_terms: str = "NET30"
    collection: str = "bank_transfer"
    po_number: str = ""
    notice_days: int = 30
    approved_discount: Decimal | None = None
    waived_rules: str = ""


def account_record(customer: Customer, parent_id: str | None) -> Record:
    """Account."""
    place = customer.place
    return _filled(
        {
            "Name": customer.name,
            "AccountNumber": customer.number,
            "ParentId": parent_id,
            "Website": f"https://{customer.domain}",
            "BillingStreet": place.street,
            "BillingCity": place.city,
            "BillingState": place.state,
            "BillingPostalCode": place.postal_code,
            "BillingCountry": place.country,
            "CurrencyIsoCode": customer.currency,
            "Dealthread_Buyer_Type__c": "business",
            "Dealthread_Language__c": customer.language,
            "Dealthread_PO_Required__c": customer.po_required,
            "Dealthread_Tax_Id__c": customer.tax_id,
            "Dealthread_Tax_Scheme__c": customer.tax_scheme,
        }
    )


def contact_record(customer: Customer, account_id: str) -> Record:
    """The accounts-payable contact: a function, not a person."""
    return {
        "AccountId": account_id,
        "FirstName": "Accounts",
        "LastName": "Payable",
        "Email": customer.payable_email,
        "Dealthread_Purpose__c": "accounts_payable",
        "Dealthread_Language__c": customer.language,
    }


def opportunity_record(
    sale: Sale, name: str, account_id: str | None, currency: str, book: str
) -> Record:
    """Opportunity, not yet won."""
    return _filled(
        {
            "Name": name,
            "AccountId": account_id,
            "StageName": OPEN,
            "CloseDate": sale.closed_on,
            "CurrencyIsoCode": currency,
            "Pricebook2Id": book,
            "Dealthread_Kind__c": "new",
            "Dealthread_Signed_On__c": sale.closed_on,
            "Dealthread_Signed_Document__c": f"order form {name}"[:120],
            "Dealthread_Price_Date__c": sale.closed_on,
            "Dealthread_Seller__c": sale.seller,
            "Dealthread_Term_Start__c": sale.start,
            "Dealthread_Term_End__c": sale.last_day,
            "Dealthread_Term_Kind__c": "fixed" if sale.last_day else "evergreen",
            "Dealthread_Term_Months__c": sale.term_months,
            "Dealthread_Billing_Frequency__c": sale.frequency,
            "Dealthread_Billing_Timing__c": "advance",
            "Dealthread_Payment_Terms__c": sale.payment_terms,
            "Dealthread_Collection_Method__c": sale.collection,
            "Dealthread_PO_Number__c": sale.po_number,
            "Dealthread_Notice_Days__c": sale.notice_days,
            "Dealthread_Approved_Discount__c": sale.approved_discount,
            "Dealthread_Waived_Rules__c": sale.waived_rules,
        }
    )


def line_record(line: SoldLine, opportunity_id: str, entry_id: str) -> Record:
    """Opportunity product."""
    return _filled(
        {
            "OpportunityId": opportunity_id,
            "PricebookEntryId": entry_id,
            "Quantity": line.quantity,
            "UnitPrice": line.unit_price,
            "ServiceDate": line.start,
            "Dealthread_End__c": line.last_day,
            "Dealthread_Segment__c": line.segment,
        }
    )


def _filled(record: Record) -> Record:
    """Without what was left blank."""
    return {name: value for name, value in record.items() if value not in (None, "")}
