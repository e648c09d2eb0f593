"""Makes the order of a primary quote.

Help, "Guidelines for Setting Up Salesforce CPQ Orders": orders are made from a primary quote;
products take list, unit and total price from their lines. One order for a quote: "Allow Multiple
Orders" is off. An amendment's order has the lines that change something, with the change.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.cpq.background import JobRefused
from dealthread.simulators.salesforce.cpq.quote_rules import QUOTE, lines_of
from dealthread.simulators.salesforce.cpq.terms import last_day
from dealthread.simulators.salesforce.rules.save import Worker, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row

_COPIED = (
    "SBQQ__BillingFrequency__c",
    "SBQQ__BillingType__c",
    "SBQQ__ChargeType__c",
    "SBQQ__SubscriptionType__c",
    "SBQQ__ProductSubscriptionType__c",
    "SBQQ__SubscriptionPricing__c",
    "SBQQ__PricingMethod__c",
    "SBQQ__DefaultSubscriptionTerm__c",
    "SBQQ__ProrateMultiplier__c",
    "SBQQ__UnproratedNetPrice__c",
    "SBQQ__SegmentIndex__c",
    "SBQQ__SegmentKey__c",
    "SBQQ__TaxCode__c",
    "SBQQ__UpgradedSubscription__c",
)
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")


def order_quote(worker: Worker, quote_id: str) -> None:
    """Make the order; nothing when there is one. Raises JobRefused."""
    store = worker.store
    quote = store.live(QUOTE, quote_id)
    if quote is None or store.live_lookup("Order", "SBQQ__Quote__c", quote_id):
        return
    if not quote["SBQQ__Primary__c"]:
        raise JobRefused("orders are created from a primary quote")
    if quote["SBQQ__Account__c"] is None or quote["SBQQ__Opportunity2__c"] is None:
        raise JobRefused("the quote needs an account and an opportunity")
    lines = [line for line in lines_of(store, quote_id) if _is_ordered(line)]
    if not lines:
        raise JobRefused("no line of the quote changes anything")
    start = str(quote["SBQQ__StartDate__c"] or worker.now[:10])
    order_id = worker.insert("Order", _order_of(quote, start))
    made: dict[str, str] = {}
    for line in lines:
        made[str(line["Id"])] = worker.insert(
            "OrderItem", _item_of(worker, quote, line, order_id, start)
        )
    for line in lines:
        bundle = made.get(str(line["SBQQ__RequiredBy__c"]))
        if bundle is not None:
            worker.derive("OrderItem", made[str(line["Id"])], SBQQ__RequiredBy__c=bundle)


def _is_ordered(line: Row) -> bool:
    return (
        not line["SBQQ__Optional__c"] and decimal_or_zero(line["SBQQ__EffectiveQuantity__c"]) != 0
    )


def _order_of(quote: Row, start: str) -> Row:
    order: Row = {
        "AccountId": quote["SBQQ__Account__c"],
        "OpportunityId": quote["SBQQ__Opportunity2__c"],
        "Pricebook2Id": quote["SBQQ__PricebookId__c"],
        "EffectiveDate": start,
        "Status": "Draft",
        "SBQQ__Quote__c": quote["Id"],
        "SBQQ__PaymentTerm__c": quote["SBQQ__PaymentTerms__c"],
        "SBQQ__ContractingMethod__c": quote["SBQQ__ContractingMethod__c"],
        "SBQQ__RenewalTerm__c": quote["SBQQ__RenewalTerm__c"],
    }
    for side in ("Billing", "Shipping"):
        for part in _ADDRESS:
            order[f"{side}{part}"] = quote[f"SBQQ__{side}{part}__c"]
    if "CurrencyIsoCode" in quote:
        order["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
    return order


def _item_of(worker: Worker, quote: Row, line: Row, order_id: str, order_start: str) -> Row:
    start = line["SBQQ__EffectiveStartDate__c"] or order_start
    is_subscription = line["SBQQ__SubscriptionPricing__c"] is not None
    change = decimal_or_zero(line["SBQQ__EffectiveQuantity__c"])
    revised = worker.store.live("SBQQ__Subscription__c", line["SBQQ__UpgradedSubscription__c"])
    return {
        "OrderId": order_id,
        "PricebookEntryId": line["SBQQ__PricebookEntryId__c"],
        "Quantity": change,
        "UnitPrice": line["SBQQ__NetPrice__c"],
        "ServiceDate": start,
        "EndDate": last_day(line, quote, start) if is_subscription else None,
        "SBQQ__QuoteLine__c": line["Id"],
        "SBQQ__QuotedQuantity__c": line["SBQQ__Quantity__c"],
        "SBQQ__OrderedQuantity__c": change,
        "SBQQ__QuotedListPrice__c": line["SBQQ__ListPrice__c"],
        "SBQQ__SubscriptionTerm__c": line["SBQQ__EffectiveSubscriptionTerm__c"],
        "SBQQ__ContractAction__c": _action_of(line, change),
        "SBQQ__RevisedOrderProduct__c": (
            None if revised is None else revised["SBQQ__OrderProduct__c"]
        ),
        **{name: line[name] for name in _COPIED},
    }


def _action_of(line: Row, change: Decimal) -> str:
    if line["SBQQ__UpgradedSubscription__c"] is not None:
        return "Quantity Increase" if change > 0 else "Quantity Decrease"
    return "Renew" if line["SBQQ__RenewedSubscription__c"] is not None else "New"
