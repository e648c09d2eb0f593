"""Subscription rows: one for each line sold; a revision refers to what it revises."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dealthread.simulators.salesforce.cpq.sold import Sold
from dealthread.simulators.salesforce.rules.save import Rules, Save, Worker, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store

SUBSCRIPTION = "SBQQ__Subscription__c"

_COPIED = (
    "SBQQ__BillingFrequency__c",
    "SBQQ__BillingType__c",
    "SBQQ__ChargeType__c",
    "SBQQ__SubscriptionType__c",
    "SBQQ__ProductSubscriptionType__c",
    "SBQQ__PricingMethod__c",
    "SBQQ__ProrateMultiplier__c",
    "SBQQ__ListPrice__c",
    "SBQQ__RegularPrice__c",
    "SBQQ__CustomerPrice__c",
    "SBQQ__NetPrice__c",
    "SBQQ__Discount__c",
    "SBQQ__Number__c",
    "SBQQ__Bundle__c",
    "SBQQ__Bundled__c",
    "SBQQ__BundledQuantity__c",
    "SBQQ__SegmentIndex__c",
    "SBQQ__SegmentKey__c",
    "SBQQ__SegmentLabel__c",
)


class SubscriptionRules(Rules):
    """The package's formulas: dates fall back to the contract's."""

    def before_save(self, save: Save) -> None:
        """Derive."""
        row = save.row
        contract = save.store.live("Contract", row.get("SBQQ__Contract__c")) or {}
        row["SBQQ__StartDate__c"] = row.get("SBQQ__SubscriptionStartDate__c") or contract.get(
            "StartDate"
        )
        row["SBQQ__EndDate__c"] = row.get("SBQQ__SubscriptionEndDate__c") or contract.get("EndDate")
        row["SBQQ__ContractNumber__c"] = contract.get("ContractNumber")
        product = save.store.live("Product2", row.get("SBQQ__Product__c")) or {}
        row["SBQQ__ProductId__c"] = product.get("Id")
        row["SBQQ__ProductName__c"] = product.get("Name")


def subscribe(worker: Worker, quote: Row, contract: Row, sold: Sold, bundle: str | None) -> str:
    """Make the row of one line; its bundle's subscription is its root."""
    line, item = sold.line, sold.item
    body: Row = {
        "SBQQ__Account__c": quote["SBQQ__Account__c"],
        "SBQQ__Contract__c": contract["Id"],
        "SBQQ__Product__c": line["SBQQ__Product__c"],
        "SBQQ__QuoteLine__c": line["Id"],
        "SBQQ__OrderProduct__c": None if item is None else item["Id"],
        "SBQQ__Quantity__c": sold.quantity,
        "SBQQ__RenewalQuantity__c": sold.quantity,
        "SBQQ__SubscriptionStartDate__c": sold.start,
        "SBQQ__SubscriptionEndDate__c": sold.end,
        "SBQQ__RevisedSubscription__c": line["SBQQ__UpgradedSubscription__c"],
        **{name: line[name] for name in _COPIED},
    }
    if line["SBQQ__SegmentIndex__c"] is not None:
        body.update(
            SBQQ__SegmentQuantity__c=sold.quantity,
            SBQQ__SegmentStartDate__c=sold.start,
            SBQQ__SegmentEndDate__c=sold.end,
        )
    if bundle is not None:
        parent = worker.store.live(SUBSCRIPTION, bundle)
        body.update(SBQQ__RequiredById__c=bundle, SBQQ__RootId__c=bundle)
        if parent is not None:
            body["SBQQ__RequiredByProduct__c"] = parent["SBQQ__Product__c"]
            body["SBQQ__RootId__c"] = parent["SBQQ__RootId__c"] or bundle
    if "CurrencyIsoCode" in quote:
        body["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
    made = worker.insert(SUBSCRIPTION, body)
    if item is not None:
        worker.derive(
            "OrderItem",
            item["Id"],
            SBQQ__Subscription__c=made,
            SBQQ__Contract__c=contract["Id"],
        )
    return made


def chain_of(store: Store, root: Row) -> list[Row]:
    """A subscription and its revisions, oldest first."""
    return [root, *store.live_lookup(SUBSCRIPTION, "SBQQ__RevisedSubscription__c", root["Id"])]


def quantity_of(chain: Iterable[Row]) -> Decimal:
    """What the rows of a chain add up to."""
    return sum((decimal_or_zero(row["SBQQ__Quantity__c"]) for row in chain), Decimal(0))


def terminate_ended(worker: Worker, sold: Iterable[Sold]) -> None:
    """Give the rows of a chain that has come to nothing the day on which it ended."""
    for one in sold:
        root = worker.store.live(SUBSCRIPTION, one.line["SBQQ__UpgradedSubscription__c"])
        if root is None:
            continue
        chain = chain_of(worker.store, root)
        if quantity_of(chain) == 0:
            for row in chain:
                worker.derive(SUBSCRIPTION, row["Id"], SBQQ__TerminatedDate__c=one.start)
