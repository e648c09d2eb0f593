"""Salesforce simulator: orgs with many currencies and with one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dealthread.simulators.salesforce.config import SalesforceConfig
from tests.simulators.salesforce.sales import open_shop, refused_insert


def test_the_orgs_currencies_are_rows_and_the_corporate_one_is_the_default(serve_org: Any) -> None:
    """CurrencyType lists them; the picklist is restricted to them."""
    org = serve_org(
        currencies=("EUR", "JPY", "USD"),
        default_currency="USD",
        conversion_rates={"EUR": Decimal("0.925")},
    )
    rows = org.query("SELECT IsoCode, ConversionRate, DecimalPlaces, IsCorporate FROM CurrencyType")
    assert [(row["IsoCode"], row["ConversionRate"], row["DecimalPlaces"]) for row in rows] == [
        ("EUR", 0.925, 2),
        ("JPY", 1, 0),
        ("USD", 1, 2),
    ]
    assert [row["IsoCode"] for row in rows if row["IsCorporate"]] == ["USD"]
    account = org.read("Account", org.create("Account", Name="A"))
    assert account["CurrencyIsoCode"] == "USD"
    refused = refused_insert(org, "Account", Name="B", CurrencyIsoCode="GBP")
    assert refused == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    (user,) = org.query("SELECT DefaultCurrencyIsoCode FROM User")
    assert user["DefaultCurrencyIsoCode"] == "USD"
    created = refused_insert(org, "CurrencyType", IsoCode="GBP", ConversionRate=1, DecimalPlaces=2)
    assert created == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


def test_a_product_has_one_entry_for_each_currency_in_a_book(org: Any) -> None:
    """A second in the same currency is a duplicate; lines must match the deal's currency."""
    shop = open_shop(org)
    entry = {"Pricebook2Id": shop.book, "Product2Id": shop.product, "UnitPrice": 1}
    assert refused_insert(org, "PricebookEntry", **entry) == "DUPLICATE_VALUE"
    dollars = org.create("PricebookEntry", CurrencyIsoCode="USD", IsActive=True, **entry)
    line = {"PricebookEntryId": dollars, "Quantity": 1, "UnitPrice": 1}
    refused = refused_insert(org, "OpportunityLineItem", OpportunityId=shop.deal(), **line)
    assert refused == "FIELD_INTEGRITY_EXCEPTION"
    deal = shop.deal(CurrencyIsoCode="USD")
    made = org.create("OpportunityLineItem", OpportunityId=deal, **line)
    assert org.read("OpportunityLineItem", made)["CurrencyIsoCode"] == "USD"
    assert org.read("Opportunity", deal)["Amount"] == 1


def test_an_org_with_one_currency_has_no_currency_fields(serve_org: Any) -> None:
    """Neither the field nor the object exists; everything else is as it was."""
    org = serve_org(multicurrency=False)
    answer = org.http.get("/query", params={"q": "SELECT CurrencyIsoCode FROM Account"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    assert org.http.get("/sobjects/CurrencyType").status_code == 404
    shop = open_shop(org)
    deal = shop.deal()
    org.create(
        "OpportunityLineItem",
        OpportunityId=deal,
        PricebookEntryId=shop.entry,
        Quantity=2,
        UnitPrice=3,
    )
    shop.item(shop.order())
    org.create("Quote", OpportunityId=deal, Name="Offer")
    assert org.read("Opportunity", deal)["Amount"] == 6


def test_the_corporate_currency_is_worth_one() -> None:
    """Rates are against it."""
    with pytest.raises(ValueError, match="corporate"):
        SalesforceConfig(
            org_id="00D5i0000000001EAA",
            client_id="client",
            client_secret="secret",
            conversion_rates={"EUR": Decimal(2)},
        )


def test_convert_currency_is_refused(org: Any) -> None:
    """How Salesforce rounds what it converts is not documented."""
    query = {"q": "SELECT convertCurrency(Amount) FROM Opportunity"}
    assert org.http.get("/query", params=query).status_code in (400, 501)
