"""Salesforce simulator: the platform's own quotes, their roll-ups and their synchronisation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.simulators.salesforce.sales import Shop, open_shop, patch, refusal


@pytest.fixture
def shop(org: Any) -> Shop:
    return open_shop(org)


def quote_of(shop: Shop, deal: str, **fields: Any) -> str:
    """A quote of a deal."""
    return str(shop.org.create("Quote", OpportunityId=deal, Name="Offer", **fields))


def line_of(shop: Shop, quote: str, **fields: Any) -> str:
    """One line of a quote."""
    given = {"PricebookEntryId": shop.entry, "Quantity": 1, "UnitPrice": 100}
    return str(shop.org.create("QuoteLineItem", QuoteId=quote, **{**given, **fields}))


def deal_lines(shop: Shop, deal: str) -> list[tuple[float, float]]:
    """(quantity, price) of an opportunity's lines."""
    soql = f"SELECT Quantity, UnitPrice FROM OpportunityLineItem WHERE OpportunityId = '{deal}'"  # noqa: S608
    return [(row["Quantity"], row["UnitPrice"]) for row in shop.org.query(soql)]


def test_a_quote_has_the_opportunitys_account_and_currency(shop: Shop) -> None:
    """And its price book from the first line, if the opportunity had none."""
    quote = quote_of(shop, shop.deal())
    row = shop.org.read("Quote", quote)
    assert (row["AccountId"], row["CurrencyIsoCode"]) == (shop.account, "EUR")
    assert (row["LineItemCount"], row["GrandTotal"], row["IsSyncing"]) == (0, 0, False)
    line_of(shop, quote)
    assert shop.org.read("Quote", quote)["Pricebook2Id"] == shop.book
    assert refusal(shop.org, "Quote", quote, Pricebook2Id=None) == "FIELD_INTEGRITY_EXCEPTION"


def test_a_quotes_amounts_are_rolled_up_from_its_lines(shop: Shop) -> None:
    """Subtotal before, total after discounts; the grand total adds tax and shipping."""
    quote = quote_of(shop, shop.deal(), Tax=19, ShippingHandling=5.5)
    line_of(shop, quote, Quantity=3, UnitPrice=50, Discount=10)
    line_of(shop, quote, Quantity=1, UnitPrice=250)
    row = shop.org.read("Quote", quote)
    subtotal, total = Decimal(150) + 250, Decimal(150) * Decimal("0.9") + 250
    assert (row["LineItemCount"], row["Subtotal"], row["TotalPrice"]) == (2, subtotal, total)
    assert row["GrandTotal"] == float(total + 19 + Decimal("5.5"))
    assert row["Discount"] == float((100 * (subtotal - total) / subtotal).quantize(Decimal("0.01")))
    patch(shop.org, "Quote", quote, Tax=0)
    assert shop.org.read("Quote", quote)["GrandTotal"] == float(total + Decimal("5.5"))


def test_a_synchronised_quote_replaces_the_opportunitys_products(shop: Shop) -> None:
    """The lines that were there go; the amount is the quote's."""
    deal = shop.deal()
    shop.org.create(
        "OpportunityLineItem",
        OpportunityId=deal,
        PricebookEntryId=shop.entry,
        Quantity=9,
        UnitPrice=1,
    )
    quote = quote_of(shop, deal)
    line_of(shop, quote, Quantity=2, UnitPrice=70)
    assert deal_lines(shop, deal) == [(9, 1)]
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=quote)
    assert deal_lines(shop, deal) == [(2, 70)]
    assert shop.org.read("Opportunity", deal)["Amount"] == 140
    assert shop.org.read("Quote", quote)["IsSyncing"] is True


def test_deleting_a_synchronised_quote_or_its_opportunity_ends_the_synchronisation(
    shop: Shop,
) -> None:
    """The opportunity keeps its products; with the opportunity all goes."""
    deal = shop.deal()
    quote = quote_of(shop, deal)
    line_of(shop, quote, Quantity=2, UnitPrice=70)
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=quote)
    assert shop.org.http.delete(f"/sobjects/Quote/{quote}").status_code == 204
    assert deal_lines(shop, deal) == [(2, 70)]
    assert shop.org.read("Opportunity", deal)["SyncedQuoteId"] is None
    again = quote_of(shop, deal)
    line_of(shop, again)
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=again)
    assert shop.org.http.delete(f"/sobjects/Opportunity/{deal}").status_code == 204
    assert shop.org.query("SELECT Id FROM Quote") == []
    assert shop.org.query("SELECT Id FROM OpportunityLineItem") == []


def test_a_change_on_either_side_is_made_on_the_other(shop: Shop) -> None:
    """Added, changed and deleted lines, both ways, while the quote is syncing."""
    deal = shop.deal()
    quote = quote_of(shop, deal)
    first = line_of(shop, quote, Quantity=2, UnitPrice=70)
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=quote)
    patch(shop.org, "QuoteLineItem", first, Quantity=3)
    second = line_of(shop, quote, Quantity=1, UnitPrice=10)
    assert sorted(deal_lines(shop, deal)) == [(1, 10), (3, 70)]
    shop.org.http.delete(f"/sobjects/QuoteLineItem/{second}")
    assert deal_lines(shop, deal) == [(3, 70)]
    twin = shop.org.read("QuoteLineItem", first)["OpportunityLineItemId"]
    patch(shop.org, "OpportunityLineItem", twin, Quantity=4, UnitPrice=60)
    row = shop.org.read("QuoteLineItem", first)
    assert (row["Quantity"], row["UnitPrice"], row["TotalPrice"]) == (4, 60, 240)
    shop.org.create(
        "OpportunityLineItem",
        OpportunityId=deal,
        PricebookEntryId=shop.entry,
        Quantity=5,
        UnitPrice=1,
    )
    assert shop.org.read("Quote", quote)["TotalPrice"] == 245
    shop.org.http.delete(f"/sobjects/OpportunityLineItem/{twin}")
    assert shop.org.read("Quote", quote)["TotalPrice"] == 5


def test_one_quote_at_a_time_and_only_the_opportunitys_own(shop: Shop) -> None:
    """Another quote takes over; after a stop nothing is copied any more."""
    deal = shop.deal()
    one, other = quote_of(shop, deal), quote_of(shop, deal)
    line_of(shop, one, UnitPrice=1)
    line = line_of(shop, other, UnitPrice=2)
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=one)
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=other)
    flags = [shop.org.read("Quote", quote)["IsSyncing"] for quote in (one, other)]
    assert (flags, deal_lines(shop, deal)) == ([False, True], [(1, 2)])
    patch(shop.org, "Opportunity", deal, SyncedQuoteId=None)
    patch(shop.org, "QuoteLineItem", line, UnitPrice=3)
    assert deal_lines(shop, deal) == [(1, 2)]
    assert refusal(shop.org, "Opportunity", shop.deal(), SyncedQuoteId=one) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )


def test_an_opportunity_with_a_discounted_product_is_worth_less(shop: Shop) -> None:
    """Discount is a percentage; the expected revenue is the amount times the probability."""
    deal = shop.deal(StageName="Value Proposition")
    shop.org.create(
        "OpportunityLineItem",
        OpportunityId=deal,
        PricebookEntryId=shop.entry,
        Quantity=4,
        UnitPrice=25,
        Discount=12.5,
    )
    row = shop.org.read("Opportunity", deal)
    assert (row["Amount"], row["Probability"], row["ExpectedRevenue"]) == (87.5, 50, 43.75)


def test_quotes_hang_from_their_opportunity(shop: Shop) -> None:
    """Opportunity.Quotes, Quote.QuoteLineItems; they go with it."""
    deal = shop.deal()
    quote = quote_of(shop, deal)
    line_of(shop, quote)
    (row,) = shop.org.query("SELECT Id, (SELECT Id FROM Quotes) FROM Opportunity")
    assert row["Quotes"]["records"][0]["Id"] == quote
    (row,) = shop.org.query("SELECT Id, (SELECT Quantity FROM QuoteLineItems) FROM Quote")
    assert row["QuoteLineItems"]["totalSize"] == 1
    assert shop.org.http.delete(f"/sobjects/Opportunity/{deal}").status_code == 204
    assert shop.org.query("SELECT Id FROM QuoteLineItem") == []
