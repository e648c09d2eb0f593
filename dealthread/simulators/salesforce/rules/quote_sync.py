"""Synchronises one quote of an opportunity with the opportunity's products.

Salesforce Help, "Syncing Quotes and Opportunities": setting `Opportunity.SyncedQuoteId` starts it;
the quote's lines then replace the opportunity's; from then on a line that is added, changed or
deleted on one side is so on the other. An opportunity has at most one quote that is syncing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dealthread.simulators.salesforce.rules.save import Rules, Save, integrity
from dealthread.simulators.salesforce.schema.model import Row

SHARED = ("Quantity", "UnitPrice", "Discount", "ServiceDate", "Description")
"""What goes across."""


class QuoteSync:
    """The three objects' rules; they share a guard, so that an echo does not come back."""

    def __init__(self) -> None:
        self._is_busy = False
        self.opportunity = _OpportunityRules(self)
        self.quote_line = _QuoteLineRules(self)
        self.opportunity_line = _OpportunityLineRules(self)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """True for the first change; its echo on the other side gets False."""
        if self._is_busy:
            yield False
            return
        self._is_busy = True
        try:
            yield True
        finally:
            self._is_busy = False


class _OpportunityRules(Rules):
    def __init__(self, sync: QuoteSync) -> None:
        self._sync = sync

    def before_save(self, save: Save) -> None:
        quote_id = save.row.get("SyncedQuoteId")
        if quote_id is None or not save.is_changed("SyncedQuoteId"):
            return
        quote = save.store.live("Quote", quote_id)
        if quote is not None and quote["OpportunityId"] != save.row["Id"]:
            raise integrity("The quote belongs to another opportunity", "SyncedQuoteId")

    def after_save(self, save: Save) -> None:
        if not save.is_changed("SyncedQuoteId"):
            return
        wanted = save.row.get("SyncedQuoteId")
        for quote in save.store.live_lookup("Quote", "OpportunityId", save.row["Id"]):
            save.derive("Quote", quote["Id"], IsSyncing=quote["Id"] == wanted)
        if wanted is None:
            return
        with self._sync.alone():
            for line in _lines(save, "OpportunityLineItem", "OpportunityId", save.row["Id"]):
                save.delete("OpportunityLineItem", line["Id"])
            for line in _lines(save, "QuoteLineItem", "QuoteId", wanted):
                copy_to_opportunity(save, save.row["Id"], line)


class _QuoteLineRules(Rules):
    def __init__(self, sync: QuoteSync) -> None:
        self._sync = sync

    def after_save(self, save: Save) -> None:
        quote = _syncing_quote(save, save.row["QuoteId"])
        with self._sync.alone() as is_first:
            if quote is None or not is_first:
                return
            if save.row["OpportunityLineItemId"] is None:
                copy_to_opportunity(save, quote["OpportunityId"], save.row)
            else:
                save.update(
                    "OpportunityLineItem", save.row["OpportunityLineItemId"], _shared(save.row)
                )

    def after_delete(self, save: Save) -> None:
        quote = _syncing_quote(save, save.row["QuoteId"])
        other = save.row["OpportunityLineItemId"]
        with self._sync.alone() as is_first:
            if quote is not None and is_first and other is not None:
                save.delete("OpportunityLineItem", other)


class _OpportunityLineRules(Rules):
    def __init__(self, sync: QuoteSync) -> None:
        self._sync = sync

    def after_save(self, save: Save) -> None:
        quote = _quote_of(save)
        with self._sync.alone() as is_first:
            if quote is None or not is_first:
                return
            twins = _lines(save, "QuoteLineItem", "OpportunityLineItemId", save.row["Id"])
            body = _shared(save.row)
            if twins:
                save.update("QuoteLineItem", twins[0]["Id"], body)
            else:
                body.update(QuoteId=quote["Id"], PricebookEntryId=save.row["PricebookEntryId"])
                save.insert("QuoteLineItem", body, OpportunityLineItemId=save.row["Id"])

    def before_delete(self, save: Save) -> None:
        quote = _quote_of(save)
        with self._sync.alone() as is_first:
            if quote is None or not is_first:
                return
            for twin in _lines(save, "QuoteLineItem", "OpportunityLineItemId", save.row["Id"]):
                save.delete("QuoteLineItem", twin["Id"])


def copy_to_opportunity(save: Save, opportunity_id: object, line: Row) -> None:
    """Make the opportunity's line of a quote's line and tie them."""
    made = save.insert(
        "OpportunityLineItem",
        {
            "OpportunityId": str(opportunity_id),
            "PricebookEntryId": line["PricebookEntryId"],
            **_shared(line),
        },
    )
    save.derive("QuoteLineItem", line["Id"], OpportunityLineItemId=made)


def _shared(line: Row) -> Row:
    return {name: line[name] for name in SHARED}


def _lines(save: Save, name: str, field: str, parent_id: object) -> list[Row]:
    return save.store.live_lookup(name, field, str(parent_id))


def _syncing_quote(save: Save, quote_id: object) -> Row | None:
    quote = save.store.live("Quote", str(quote_id))
    return quote if quote is not None and quote["IsSyncing"] else None


def _quote_of(save: Save) -> Row | None:
    opportunity = save.store.live("Opportunity", save.row["OpportunityId"])
    if opportunity is None or opportunity["SyncedQuoteId"] is None:
        return None
    return _syncing_quote(save, opportunity["SyncedQuoteId"])
