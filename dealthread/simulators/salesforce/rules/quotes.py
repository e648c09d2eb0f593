"""Rules of the platform's quotes: roll-ups of the lines (Object reference, "Quote")."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dealthread.simulators.salesforce.rules.price_books import place_line, refuse_change_of_book
from dealthread.simulators.salesforce.rules.save import (
    Rules,
    Save,
    decimal_or_none,
    decimal_or_zero,
    integrity,
)
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import cents

_HUNDRED = Decimal(100)


class QuoteRules(Rules):
    """Account and currency are the opportunity's; amounts are the lines'."""

    def before_save(self, save: Save) -> None:
        """Derive; refuse another price book while there are lines."""
        row = save.row
        opportunity = save.store.live("Opportunity", row.get("OpportunityId"))
        if save.is_new and opportunity is not None:
            row["AccountId"] = opportunity["AccountId"]
            row["Pricebook2Id"] = row.get("Pricebook2Id") or opportunity["Pricebook2Id"]
            if "CurrencyIsoCode" in row:
                row["CurrencyIsoCode"] = opportunity["CurrencyIsoCode"]
        lines = [] if save.is_new else quote_lines(save.store, row["Id"])
        if lines:
            refuse_change_of_book(save, "quote lines")
        row.update(_totals(row, lines))

    def before_delete(self, save: Save) -> None:
        """The synchronisation stops first, so that the opportunity keeps its products."""
        if save.row["IsSyncing"]:
            save.derive("Quote", save.row["Id"], IsSyncing=False)
            save.derive("Opportunity", save.row["OpportunityId"], SyncedQuoteId=None)


class QuoteLineRules(Rules):
    """Product, list price and currency from the entry; discount in percent."""

    def before_save(self, save: Save) -> None:
        """Derive and check."""
        row = save.row
        quote = save.store.live("Quote", row.get("QuoteId"))
        if save.is_new and quote is not None:
            place_line(save, "Quote", quote, takes_book=True)
        quantity = decimal_or_none(row.get("Quantity"))
        price = decimal_or_none(row.get("UnitPrice"))
        if quantity is None or price is None:
            return
        if quantity == 0:
            raise integrity("Quantity must not be zero", "Quantity")
        discount = decimal_or_zero(row.get("Discount"))
        row["Subtotal"] = cents(quantity * price)
        row["TotalPrice"] = cents(quantity * price * (_HUNDRED - discount) / _HUNDRED)

    def after_save(self, save: Save) -> None:
        """Roll up."""
        roll_up_quote(save)

    def after_delete(self, save: Save) -> None:
        """Roll up."""
        roll_up_quote(save)


def quote_lines(store: Store, quote_id: object) -> list[Row]:
    """The lines of a quote."""
    return store.live_lookup("QuoteLineItem", "QuoteId", str(quote_id))


def roll_up_quote(save: Save) -> None:
    """Count and amounts after a change of the lines."""
    quote = save.store.live("Quote", save.row["QuoteId"])
    if quote is not None:
        totals = _totals(quote, quote_lines(save.store, quote["Id"]))
        save.derive("Quote", quote["Id"], **totals)


def _totals(quote: Row, lines: list[Row]) -> Row:
    """GrandTotal = TotalPrice + Tax + ShippingHandling; Discount is the weighted average."""
    zero = Decimal("0.00")
    subtotal = sum((decimal_or_zero(line["Subtotal"]) for line in lines), zero)
    total = sum((decimal_or_zero(line["TotalPrice"]) for line in lines), zero)
    discount = (subtotal - total) * _HUNDRED / subtotal if subtotal else zero
    extra = decimal_or_zero(quote.get("Tax")) + decimal_or_zero(quote.get("ShippingHandling"))
    return {
        "LineItemCount": Decimal(len(lines)),
        "Subtotal": subtotal,
        "TotalPrice": total,
        "Discount": discount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP),
        "GrandTotal": total + extra,
    }
