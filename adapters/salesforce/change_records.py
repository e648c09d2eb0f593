"""What the CRM holds about a change, in one composite request: at most five queries."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.salesforce.client import AnswerLost, CallFailed, Part, PartAnswer, SalesforceClient
from adapters.salesforce.errors import read_error
from adapters.salesforce.package import Package
from adapters.salesforce.record import Record, records_of
from adapters.salesforce.soql import literal, query_url, record_id, reference, select
from dealthread.errors import NotFound, VendorUnavailable

DEAL_FIELDS = (
    "Id IsWon IsClosed IsDeleted CloseDate CurrencyIsoCode Dealthread_Kind__c ContractId "
    "Contract.Dealthread_Contract_Key__c Dealthread_Signed_On__c Dealthread_Effective_From__c "
    "Dealthread_Timing__c Dealthread_Scope_Reason__c Dealthread_Base_Version__c "
    "Dealthread_Payment_Terms__c Dealthread_Regional_Deals__c Dealthread_Renewal_Key__c "
    "Dealthread_Renewal_Uplift__c Dealthread_Term_Months__c Dealthread_Workflow_Id__c"
).split()
CPQ_DEAL_FIELDS = (
    "SBQQ__PrimaryQuote__c SBQQ__AmendedContract__c SBQQ__RenewedContract__c "
    "SBQQ__AmendedContract__r.Dealthread_Contract_Key__c "
    "SBQQ__AmendedContract__r.SBQQ__Opportunity__r.Dealthread_Contract_Key__c "
    "SBQQ__RenewedContract__r.Dealthread_Contract_Key__c "
    "SBQQ__RenewedContract__r.SBQQ__Opportunity__r.Dealthread_Contract_Key__c "
    "SBQQ__PrimaryQuote__r.SBQQ__Type__c SBQQ__PrimaryQuote__r.SBQQ__StartDate__c "
    "SBQQ__PrimaryQuote__r.SBQQ__SubscriptionTerm__c"
).split()
LINE_FIELDS = (
    "Id ProductCode Quantity UnitPrice Dealthread_End__c Dealthread_Action__c "
    "Dealthread_Changes_Line__c"
).split()
QUOTE_LINE_FIELDS = (
    "Id SBQQ__ProductCode__c SBQQ__Quantity__c SBQQ__EffectiveQuantity__c SBQQ__Existing__c "
    "SBQQ__Optional__c SBQQ__UpgradedSubscription__c SBQQ__RenewedSubscription__c "
    "SBQQ__UnproratedNetPrice__c SBQQ__DefaultSubscriptionTerm__c SBQQ__SubscriptionPricing__c "
    "SBQQ__EffectiveStartDate__c SBQQ__EffectiveEndDate__c"
).split()
SUBSCRIPTION_FIELDS = (
    "Id SBQQ__Contract__c SBQQ__RevisedSubscription__c SBQQ__QuoteLine__c SBQQ__Quantity__c "
    "SBQQ__StartDate__c SBQQ__EndDate__c SBQQ__Product__r.ProductCode"
).split()
SOLD_FIELDS = ["Id", "SBQQ__QuoteLine__c"]

_OBJECTS = {
    "deal": "Opportunity",
    "lines": "OpportunityLineItem",
    "quoted": "SBQQ__QuoteLine__c",
    "subscriptions": "SBQQ__Subscription__c",
    "sold": "OpportunityLineItem",
}


@dataclass(frozen=True)
class ChangeRecords:
    """What the CRM answered about one change."""

    deal: Record
    lines: tuple[Record, ...]
    quoted: tuple[Record, ...] = ()
    """Lines of the primary CPQ quote."""
    subscriptions: tuple[Record, ...] = ()
    """Of the CPQ contracts that our contract's deals made, revisions among them."""
    sold: tuple[Record, ...] = ()
    """Lines of our contract's deals, with their quote lines."""


def parts(deal_id: str, contract_key: str, version: str, package: Package) -> list[Part]:
    """The composite request's parts."""
    key = literal(record_id(deal_id, "deal_id"))
    fields = [*DEAL_FIELDS, *(CPQ_DEAL_FIELDS if package.has_cpq else ())]
    found = {
        # A deleted one is read, too: it is refused as such, not as unknown.
        "deal": query_url(
            version, select(fields, "Opportunity", [("Id", "=", key)]), with_deleted=True
        ),
        "lines": _rows_of(version, LINE_FIELDS, "OpportunityLineItem", "OpportunityId", key),
    }
    if package.has_cpq:
        quote = reference("deal.records[0].SBQQ__PrimaryQuote__c")
        line, subscription = _OBJECTS["quoted"], _OBJECTS["subscriptions"]
        found["quoted"] = _rows_of(version, QUOTE_LINE_FIELDS, line, "SBQQ__Quote__c", quote)
        # The write-back puts the contract's key on each of its deals.
        ours, by_deal = literal(contract_key), "Opportunity__r.Dealthread_Contract_Key__c"
        found["subscriptions"] = _rows_of(
            version, SUBSCRIPTION_FIELDS, subscription, f"SBQQ__Contract__r.SBQQ__{by_deal}", ours
        )
        found["sold"] = _rows_of(
            version, SOLD_FIELDS, _OBJECTS["sold"], "Opportunity.Dealthread_Contract_Key__c", ours
        )
    return [{"method": "GET", "url": url, "referenceId": name} for name, url in found.items()]


def read_records(
    client: SalesforceClient, deal_id: str, contract_key: str, version: str, package: Package
) -> ChangeRecords:
    """Blocking. Raises NotFound, ContractDrift and transport errors."""
    wanted = parts(deal_id, contract_key, version, package)
    try:
        answer = client.composite("read_change", wanted, all_or_none=False)
    except CallFailed as failure:
        raise read_error(failure.error) from None
    except AnswerLost as lost:
        raise VendorUnavailable(lost.code) from None
    deals = _rows(answer["deal"])
    if not deals:
        raise NotFound("deal_not_found")
    deal, lines = deals[0], tuple(_rows(answer["lines"]))
    if not package.has_cpq or not deal.text("SBQQ__PrimaryQuote__c"):
        # Without a quote the reference of its lines' query has nothing to refer to.
        return ChangeRecords(deal, lines)
    names = ("quoted", "subscriptions", "sold")
    return ChangeRecords(deal, lines, *(tuple(_rows(answer[name])) for name in names))


def _rows_of(version: str, fields: list[str], sobject: str, field: str, value: str) -> str:
    return query_url(version, select(fields, sobject, [(field, "=", value)], order_by=["Id"]))


def _rows(part: PartAnswer) -> list[Record]:
    error = part.error()
    if error is not None:
        raise read_error(error)
    return records_of(part.body, _OBJECTS[part.reference])
