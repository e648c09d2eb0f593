"""Rules of CPQ quotes: defaults, totals, the primary quote, the lock once ordered."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.cpq.deal_sync import sync_opportunity
from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.rules.save import Rules, Save, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store

QUOTE = "SBQQ__Quote__c"
LINE = "SBQQ__QuoteLine__c"
_PRICED_BY = (
    "SBQQ__StartDate__c",
    "SBQQ__EndDate__c",
    "SBQQ__SubscriptionTerm__c",
    "SBQQ__CustomerDiscount__c",
)
_ROLLED_UP = (
    ("SBQQ__ListAmount__c", "SBQQ__ListTotal__c"),
    ("SBQQ__RegularAmount__c", "SBQQ__RegularTotal__c"),
    ("SBQQ__CustomerAmount__c", "SBQQ__CustomerTotal__c"),
    ("SBQQ__NetAmount__c", "SBQQ__NetTotal__c"),
)


class CpqQuoteRules(Rules):
    """Account, price book and currency come from the opportunity unless they are given."""

    def before_save(self, save: Save) -> None:
        """Derive; keep what an order fixes."""
        row = save.row
        opportunity = save.store.live("Opportunity", row.get("SBQQ__Opportunity2__c"))
        if save.is_new:
            self._take_over(row, opportunity)
            row.update(totals([]))
            return
        if save.is_changed(*_PRICED_BY, "SBQQ__PricebookId__c", "CurrencyIsoCode"):
            refuse_when_ordered(save.store, row["Id"])
        if lines_of(save.store, row["Id"]) and save.is_changed(
            "CurrencyIsoCode", "SBQQ__PricebookId__c", "SBQQ__Opportunity2__c"
        ):
            raise refused("Price book, currency and opportunity stay while there are lines")

    @staticmethod
    def _take_over(row: Row, opportunity: Row | None) -> None:
        book = row.get("SBQQ__PriceBook__c")
        if opportunity is not None:
            row["SBQQ__Account__c"] = row.get("SBQQ__Account__c") or opportunity["AccountId"]
            book = book or opportunity["Pricebook2Id"]
            if "CurrencyIsoCode" in row:
                row["CurrencyIsoCode"] = opportunity["CurrencyIsoCode"]
        row["SBQQ__PricebookId__c"] = row.get("SBQQ__PricebookId__c") or book

    def after_save(self, save: Save) -> None:
        """Price the lines anew; settle which quote is the primary one; tell the opportunity."""
        row, store = save.row, save.store
        if not save.is_new and save.is_changed(*_PRICED_BY):
            for line in lines_of(store, row["Id"]):
                save.update(LINE, line["Id"], {})
        if save.is_changed("SBQQ__Primary__c", "SBQQ__Opportunity2__c"):
            self._settle_primary(save)

    def before_delete(self, save: Save) -> None:
        """An amendment's existing lines, which stay otherwise, go with their quote."""
        for line in lines_of(save.store, save.row["Id"]):
            save.derive(LINE, line["Id"], SBQQ__Existing__c=False)

    @staticmethod
    def _settle_primary(save: Save) -> None:
        row, opportunity_id = save.row, save.row.get("SBQQ__Opportunity2__c")
        opportunity = save.store.live("Opportunity", opportunity_id)
        if opportunity is None:
            return
        if row["SBQQ__Primary__c"]:
            for other in quotes_of(save.store, opportunity_id):
                if other["Id"] != row["Id"]:
                    save.derive(QUOTE, other["Id"], SBQQ__Primary__c=False)
            save.derive("Opportunity", opportunity_id, SBQQ__PrimaryQuote__c=row["Id"])
            sync_opportunity(save, row["Id"])
        elif opportunity["SBQQ__PrimaryQuote__c"] == row["Id"]:
            save.derive("Opportunity", opportunity_id, SBQQ__PrimaryQuote__c=None)


def lines_of(store: Store, quote_id: object) -> list[Row]:
    """The lines of a quote in their order."""
    found = store.live_lookup(LINE, "SBQQ__Quote__c", str(quote_id))
    return sorted(found, key=lambda line: (decimal_or_zero(line["SBQQ__Number__c"]), line["Id"]))


def quotes_of(store: Store, opportunity_id: object) -> list[Row]:
    """The CPQ quotes of an opportunity."""
    return store.live_lookup(QUOTE, "SBQQ__Opportunity2__c", str(opportunity_id))


def totals(lines: list[Row]) -> Row:
    """The package's roll-ups: sums without optional lines, the count with them."""
    counted = [line for line in lines if not line["SBQQ__Optional__c"]]
    sums: Row = {
        amount: sum((decimal_or_zero(line[total]) for line in counted), Decimal("0.00"))
        for amount, total in _ROLLED_UP
    }
    return {"SBQQ__LineItemCount__c": Decimal(len(lines)), **sums}


def refuse_when_ordered(store: Store, quote_id: object) -> None:
    """Help, "Guidelines for Setting Up Salesforce CPQ Orders": an ordered quote is not edited."""
    if store.live_lookup("Order", "SBQQ__Quote__c", str(quote_id)):
        raise refused("This quote has been ordered and can't be edited.")


def refused(message: str, *fields: str) -> SalesforceError:
    """How a trigger of the package refuses a save."""
    return SalesforceError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields=list(fields))
