"""Rules of products, price book entries and of lines that are sold from a price book."""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.rules.save import Rules, Save, integrity
from dealthread.simulators.salesforce.schema.model import Row

LINES = ("OpportunityLineItem", "QuoteLineItem")
"""Lines that show their product's code."""


class ProductRules(Rules):
    """A product's name and code show in its entries and lines."""

    def after_save(self, save: Save) -> None:
        """Spread name and code (formula fields)."""
        if save.is_new:
            return
        product = save.row
        shown = {"Name": product["Name"], "ProductCode": product["ProductCode"]}
        for entry in save.store.live_lookup("PricebookEntry", "Product2Id", product["Id"]):
            save.store.put("PricebookEntry", {**entry, **shown})
        for name in LINES:
            for line in save.store.live_lookup(name, "Product2Id", product["Id"]):
                if "ProductCode" in line:
                    save.store.put(name, {**line, "ProductCode": product["ProductCode"]})


class EntryRules(Rules):
    """One entry per book, product and currency; a standard price must be there first."""

    def before_save(self, save: Save) -> None:
        """Name and code come from the product."""
        product = save.store.live("Product2", save.row.get("Product2Id"))
        if product is not None:
            save.row["Name"], save.row["ProductCode"] = product["Name"], product["ProductCode"]
        if save.is_new:
            _check_new_entry(save)


def _check_new_entry(save: Save) -> None:
    store, row = save.store, save.row
    book = store.live("Pricebook2", row.get("Pricebook2Id"))
    if book is None or row.get("Product2Id") is None:
        return
    siblings = [
        entry
        for entry in store.live_lookup("PricebookEntry", "Product2Id", row["Product2Id"])
        if entry.get("CurrencyIsoCode") == row.get("CurrencyIsoCode")
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


def place_line(save: Save, parent_name: str, parent: Row, *, takes_book: bool) -> Row | None:
    """The entry a new line is sold from: active, in the parent's price book and currency.

    Product, list price and currency follow from it. With `takes_book`, a parent without a price
    book gets the entry's. None when the entry does not exist (the check of references says so).
    """
    row, what = save.row, parent_name.lower()
    entry = save.store.live("PricebookEntry", row.get("PricebookEntryId"))
    if entry is None:
        return None
    if not entry["IsActive"]:
        raise integrity(
            "field integrity exception: pricebook entry is inactive", "PricebookEntryId"
        )
    if parent["Pricebook2Id"] is None and takes_book:
        save.derive(parent_name, parent["Id"], Pricebook2Id=entry["Pricebook2Id"])
    elif parent["Pricebook2Id"] is None:
        raise integrity(
            f"field integrity exception: PricebookEntryId (the {what} has no price book)",
            "PricebookEntryId",
        )
    elif parent["Pricebook2Id"] != entry["Pricebook2Id"]:
        raise integrity(
            "field integrity exception: PricebookEntryId (pricebook entry is in a different"
            f" pricebook than the one assigned to the {what})",
            "PricebookEntryId",
        )
    if parent.get("CurrencyIsoCode") != entry.get("CurrencyIsoCode"):
        raise integrity(
            "field integrity exception: PricebookEntryId (pricebook entry currency does not match"
            f" the {what} currency)",
            "PricebookEntryId",
        )
    row["Product2Id"] = entry["Product2Id"]
    row["ListPrice"] = entry["UnitPrice"]
    if "CurrencyIsoCode" in row:
        row["CurrencyIsoCode"] = parent["CurrencyIsoCode"]
    return entry


def refuse_change_of_book(save: Save, what: str) -> None:
    """Price book and currency stay while there are lines."""
    for name in ("Pricebook2Id", "CurrencyIsoCode"):
        if not save.is_new and save.is_changed(name):
            raise integrity(f"{name} cannot be changed while there are {what}", name)
