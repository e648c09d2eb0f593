"""A deal in one request: the opportunity with its accounts, its lines, its contacts.

One composite request is one API call of the daily quota, whatever it holds (at most five
queries). The lines' and contacts' queries are filled from the first one's answer or from the id.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.salesforce.client import AnswerLost, CallFailed, Part, PartAnswer, SalesforceClient
from adapters.salesforce.errors import read_error
from adapters.salesforce.record import Record, records_of
from adapters.salesforce.soql import literal, query_url, record_id, reference, select
from dealthread.errors import NotFound, VendorUnavailable

PARENTS = 4
"""SOQL follows five relationships upwards: the account and four parents."""

ACCOUNT_FIELDS = (
    "Id Name ParentId Website CurrencyIsoCode BillingStreet BillingCity BillingState "
    "BillingPostalCode BillingCountry ShippingStreet ShippingCity ShippingState "
    "ShippingPostalCode ShippingCountry Dealthread_Tax_Id__c Dealthread_Tax_Scheme__c "
    "Dealthread_Buyer_Type__c Dealthread_PO_Required__c Dealthread_Registration_No__c "
    "Dealthread_Language__c Dealthread_Exemption_Certificate__c "
    "Dealthread_Exemption_Jurisdiction__c Dealthread_Exemption_Until__c "
    "Dealthread_Screening_Result__c Dealthread_Screened_On__c"
).split()

DEAL_FIELDS = (
    "Id Name AccountId StageName IsWon IsClosed IsDeleted CloseDate CurrencyIsoCode OwnerId "
    "SystemModstamp Dealthread_Signed_On__c Dealthread_Signed_Document__c "
    "Dealthread_Price_Date__c Dealthread_Seller__c Dealthread_Term_Start__c "
    "Dealthread_Term_End__c Dealthread_Term_Kind__c Dealthread_Term_Months__c "
    "Dealthread_Cancellable__c Dealthread_Termination_For_Convenience__c "
    "Dealthread_Billing_Frequency__c Dealthread_Billing_Timing__c Dealthread_Payment_Terms__c "
    "Dealthread_Collection_Method__c Dealthread_PO_Number__c Dealthread_Approved_Discount__c "
    "Dealthread_Auto_Renew__c Dealthread_Notice_Days__c Dealthread_Partner__c "
    "Dealthread_Kind__c Dealthread_Waived_Rules__c Dealthread_Renewal_Uplift__c"
).split()

LINE_FIELDS = (
    "Id PricebookEntryId PricebookEntry.IsActive PricebookEntry.CurrencyIsoCode Product2Id "
    "ProductCode Quantity UnitPrice ListPrice Description ServiceDate Dealthread_End__c "
    "Dealthread_Segment__c"
).split()

CONTACT_FIELDS = "Id FirstName LastName Email Dealthread_Purpose__c Dealthread_Language__c".split()


@dataclass(frozen=True)
class DealRecords:
    """What the CRM answered about one deal."""

    deal: Record
    lines: tuple[Record, ...]
    contacts: tuple[Record, ...]


def account_fields() -> list[str]:
    """Dotted fields of the account and its parents; from the first parent on, what names it."""
    fields = [f"Account.{name}" for name in ACCOUNT_FIELDS]
    prefix = "Account"
    for _ in range(PARENTS):
        prefix += ".Parent"
        fields += [f"{prefix}.{name}" for name in ACCOUNT_FIELDS]
    return fields


def parts(deal_id: str, version: str) -> list[Part]:
    """The composite request's parts."""
    key = literal(record_id(deal_id, "deal_id"))
    queries = {
        "deal": query_url(
            version,
            select([*DEAL_FIELDS, *account_fields()], "Opportunity", [("Id", "=", key)]),
            # A deleted deal is read, too: the rule that stops it needs to see it.
            with_deleted=True,
        ),
        "lines": query_url(
            version,
            select(
                LINE_FIELDS, "OpportunityLineItem", [("OpportunityId", "=", key)], order_by=["Id"]
            ),
        ),
        "contacts": query_url(
            version,
            select(
                CONTACT_FIELDS,
                "Contact",
                [
                    ("AccountId", "=", reference("deal.records[0].AccountId")),
                    ("Dealthread_Purpose__c", "!=", "null"),
                ],
                order_by=["Id"],
            ),
        ),
    }
    return [{"method": "GET", "url": url, "referenceId": name} for name, url in queries.items()]


def read_records(client: SalesforceClient, deal_id: str, version: str) -> DealRecords:
    """Blocking. Raises NotFound, ContractDrift and transport errors."""
    try:
        answer = client.composite("read_deal", parts(deal_id, version), all_or_none=False)
    except CallFailed as failure:
        raise read_error(failure.error) from None
    except AnswerLost as lost:
        raise VendorUnavailable(lost.code) from None
    deals = _rows(answer["deal"])
    if not deals:
        raise NotFound("deal_not_found")
    deal = deals[0]
    # Without an account the reference of the contacts' query has nothing to refer to.
    contacts = _rows(answer["contacts"]) if deal.text("AccountId") else []
    return DealRecords(deal, tuple(_rows(answer["lines"])), tuple(contacts))


def _rows(part: PartAnswer) -> list[Record]:
    error = part.error()
    if error is not None:
        raise read_error(error)
    sobject = {"deal": "Opportunity", "lines": "OpportunityLineItem", "contacts": "Contact"}
    return records_of(part.body, sobject[part.reference])
