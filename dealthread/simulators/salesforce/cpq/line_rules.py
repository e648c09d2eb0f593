"""Rules of CPQ quote lines."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.cpq.deal_sync import sync_opportunity
from dealthread.simulators.salesforce.cpq.line_formulas import work_out
from dealthread.simulators.salesforce.cpq.quote_rules import (
    QUOTE,
    lines_of,
    refuse_when_ordered,
    refused,
    totals,
)
from dealthread.simulators.salesforce.cpq.vocabulary import CUSTOM, RENEWABLE
from dealthread.simulators.salesforce.rules.save import Rules, Save, decimal_or_zero, integrity
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import cents

_INHERITED = (
    "SBQQ__BillingFrequency__c",
    "SBQQ__BillingType__c",
    "SBQQ__ChargeType__c",
    "SBQQ__SubscriptionPricing__c",
    "SBQQ__TaxCode__c",
)
"""Copied from the product where the line says nothing."""
_COMMERCIAL = (
    "SBQQ__Quantity__c",
    "SBQQ__Product__c",
    "SBQQ__StartDate__c",
    "SBQQ__EndDate__c",
    "SBQQ__SubscriptionTerm__c",
    "SBQQ__ListPrice__c",
    "SBQQ__Discount__c",
    "SBQQ__Optional__c",
)
_KEPT_IN_AMENDMENTS = (
    "SBQQ__Product__c",
    "SBQQ__ListPrice__c",
    "SBQQ__Discount__c",
    "SBQQ__PriorQuantity__c",
    "SBQQ__UpgradedSubscription__c",
)
"""An existing line's price is not edited; sellers take it to zero and add a new one."""


class CpqLineRules(Rules):
    """Defaults from the product, prices and formulas; roll-up and opportunity afterwards."""

    def before_save(self, save: Save) -> None:
        """Derive and check."""
        row, store = save.row, save.store
        quote = store.live(QUOTE, row.get("SBQQ__Quote__c"))
        if quote is None:
            return
        if save.is_changed(*_COMMERCIAL):
            refuse_when_ordered(store, quote["Id"])
        old = save.old
        if old is not None and old["SBQQ__Existing__c"] and save.is_changed(*_KEPT_IN_AMENDMENTS):
            raise refused("The price of an existing line can't be changed by an amendment.")
        product = store.live("Product2", row.get("SBQQ__Product__c"))
        if save.is_new:
            self._take_over(save, quote, product)
        if product is not None:
            row["SBQQ__ProductCode__c"] = product["ProductCode"]
            row["SBQQ__ProductName__c"] = product["Name"]
        self._price(store, row, quote)
        work_out(row, quote)

    @staticmethod
    def _take_over(save: Save, quote: Row, product: Row | None) -> None:
        row = save.row
        if "CurrencyIsoCode" in row:
            row["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
        if row.get("SBQQ__Number__c") is None:
            row["SBQQ__Number__c"] = Decimal(len(lines_of(save.store, quote["Id"])) + 1)
        if product is None:
            return
        for name in _INHERITED:
            if row.get(name) is None:
                row[name] = product[name]
        if row.get("SBQQ__Quantity__c") is None:
            row["SBQQ__Quantity__c"] = product["SBQQ__DefaultQuantity__c"]
        if row.get("SBQQ__DefaultSubscriptionTerm__c") is None:
            row["SBQQ__DefaultSubscriptionTerm__c"] = product["SBQQ__SubscriptionTerm__c"]
        kind = product["SBQQ__SubscriptionType__c"]
        row["SBQQ__ProductSubscriptionType__c"] = row["SBQQ__ProductSubscriptionType__c"] or kind
        if row.get("SBQQ__SubscriptionType__c") is None:
            row["SBQQ__SubscriptionType__c"] = RENEWABLE if kind == "Renewable/Evergreen" else kind
        behaviour = product["SBQQ__AssetAmendmentBehavior__c"]
        row["SBQQ__AllowAssetRefund__c"] = behaviour == "Allow Refund"

    @staticmethod
    def _price(store: Store, row: Row, quote: Row) -> None:
        """The list price is the entry's; existing and renewed lines bring their own."""
        brings_own = row.get("SBQQ__Existing__c") or row.get("SBQQ__Renewal__c")
        entry = _entry_of(store, row, quote)
        if entry is not None:
            row["SBQQ__PricebookEntryId__c"] = entry["Id"]
        if brings_own or row.get("SBQQ__PricingMethod__c") == CUSTOM:
            return
        if entry is None:
            raise integrity(
                "The product has no active entry in the quote's price book and currency",
                "SBQQ__Product__c",
            )
        row["SBQQ__ListPrice__c"] = cents(decimal_or_zero(entry["UnitPrice"]))

    def after_save(self, save: Save) -> None:
        """Roll up; tell the opportunity of the primary quote."""
        _roll_up(save)

    def before_delete(self, save: Save) -> None:
        """Lines of ordered quotes and existing lines of amendments stay."""
        quote = save.store.live(QUOTE, save.row["SBQQ__Quote__c"])
        if quote is None:
            return
        refuse_when_ordered(save.store, quote["Id"])
        if save.row["SBQQ__Existing__c"] and quote["SBQQ__Type__c"] == "Amendment":
            raise refused("An existing line of an amendment can't be deleted; set it to zero.")

    def after_delete(self, save: Save) -> None:
        """Roll up."""
        _roll_up(save)


def _roll_up(save: Save) -> None:
    quote = save.store.live(QUOTE, save.row["SBQQ__Quote__c"])
    if quote is None:
        return
    save.derive(QUOTE, quote["Id"], **totals(lines_of(save.store, quote["Id"])))
    if quote["SBQQ__Primary__c"]:
        sync_opportunity(save, quote["Id"])


def _entry_of(store: Store, line: Row, quote: Row) -> Row | None:
    """The active entry of the line's product in the quote's price book and currency."""
    for entry in store.live_lookup("PricebookEntry", "Product2Id", line.get("SBQQ__Product__c")):
        is_in_book = entry["Pricebook2Id"] == quote["SBQQ__PricebookId__c"]
        is_same_currency = entry.get("CurrencyIsoCode") == quote.get("CurrencyIsoCode")
        if is_in_book and is_same_currency and entry["IsActive"]:
            return entry
    return None
