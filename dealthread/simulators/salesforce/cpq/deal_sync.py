"""Copies the primary quote's lines to the opportunity's products, so that the amount is theirs.

Help, "Primary quotes": the products of the quote that is primary replace the opportunity's.
Optional lines, lines that change nothing and products excluded from opportunities are left out.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.rules.save import Worker, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row

_LINE = "SBQQ__QuoteLine__c"
_DEAL_LINE = "OpportunityLineItem"


def sync_opportunity(worker: Worker, quote_id: object) -> None:
    """Make the opportunity's products those of this quote."""
    store = worker.store
    quote = store.live("SBQQ__Quote__c", str(quote_id))
    if quote is None or quote["SBQQ__Opportunity2__c"] is None:
        return
    opportunity_id = quote["SBQQ__Opportunity2__c"]
    wanted = {
        str(line["Id"]): line
        for line in store.live_lookup(_LINE, "SBQQ__Quote__c", quote["Id"])
        if _counts(worker, line)
    }
    for product in store.live_lookup(_DEAL_LINE, "OpportunityId", opportunity_id):
        line = wanted.pop(str(product["SBQQ__QuoteLine__c"]), None)
        if line is None:
            worker.delete(_DEAL_LINE, product["Id"])
        else:
            worker.update(_DEAL_LINE, product["Id"], _terms(line))
    for line in wanted.values():
        worker.insert(
            _DEAL_LINE,
            {
                "OpportunityId": opportunity_id,
                "PricebookEntryId": line["SBQQ__PricebookEntryId__c"],
                "SBQQ__QuoteLine__c": line["Id"],
                **_terms(line),
            },
        )


def _counts(worker: Worker, line: Row) -> bool:
    if line["SBQQ__Optional__c"] or line["SBQQ__PricebookEntryId__c"] is None:
        return False
    product = worker.store.live("Product2", line["SBQQ__Product__c"])
    if product is None or product["SBQQ__ExcludeFromOpportunity__c"]:
        return False
    return decimal_or_zero(line["SBQQ__EffectiveQuantity__c"]) != 0


def _terms(line: Row) -> Row:
    return {
        "Quantity": line["SBQQ__EffectiveQuantity__c"],
        "UnitPrice": line["SBQQ__NetPrice__c"],
        "ServiceDate": line["SBQQ__EffectiveStartDate__c"],
        "SBQQ__SubscriptionType__c": line["SBQQ__SubscriptionType__c"],
    }
