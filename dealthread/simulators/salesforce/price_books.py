"""Rules of products and price book entries."""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema import Row
from dealthread.simulators.salesforce.store import Store


def complete_entry(store: Store, row: Row) -> None:
    """Name and code come from the product."""
    product = store.live("Product2", row.get("Product2Id"))
    if product is not None:
        row["Name"], row["ProductCode"] = product["Name"], product["ProductCode"]


def check_entry(store: Store, row: Row, old: Row | None) -> None:
    """One entry per book, product and currency; a standard price must be there first."""
    book = store.live("Pricebook2", row.get("Pricebook2Id"))
    if old is not None or book is None or row.get("Product2Id") is None:
        return
    siblings = [
        entry
        for entry in store.live_lookup("PricebookEntry", "Product2Id", row["Product2Id"])
        if entry["CurrencyIsoCode"] == row["CurrencyIsoCode"]
    ]
    if any(entry["Pricebook2Id"] == book["Id"] for entry in siblings):
        raise SalesforceError(
            "DUPLICATE_VALUE", "This price definition already exists in this price book", fields=[]
        )
    if book["IsStandard"]:
        return
    for entry in siblings:
        owner = store.live("Pricebook2", entry["Pricebook2Id"])
        if owner is not None and owner["IsStandard"]:
            return
    raise SalesforceError(
        "STANDARD_PRICE_NOT_DEFINED",
        "Before creating a custom price, create a standard price.",
        fields=[],
    )


def spread_product(store: Store, product: Row) -> None:
    """Entries and lines show the product's present name and code (formula fields)."""
    for entry in store.live_lookup("PricebookEntry", "Product2Id", product["Id"]):
        changed: Row = {**entry, "Name": product["Name"], "ProductCode": product["ProductCode"]}
        store.put("PricebookEntry", changed)
    for line in store.live_lookup("OpportunityLineItem", "Product2Id", product["Id"]):
        store.put("OpportunityLineItem", {**line, "ProductCode": product["ProductCode"]})
