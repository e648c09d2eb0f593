"""Salesforce simulator with CPQ: quotes, lines, prices and the opportunity they belong to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.salesforce.cpq import CpqShop, open_cpq_shop
from tests.simulators.salesforce.sales import open_shop, patch, refusal, refused_insert


@pytest.fixture
def cpq(serve_org: Any, until: Any) -> CpqShop:
    return open_cpq_shop(serve_org, until)


def test_without_the_package_there_is_nothing_of_it(org: Any) -> None:
    """Neither objects nor fields nor the service router."""
    assert org.http.get("/sobjects/SBQQ__Quote__c/describe").status_code == 404
    answer = org.http.get("/query", params={"q": "SELECT SBQQ__Contracted__c FROM Opportunity"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    headers = {"authorization": f"Bearer {org.token}"}
    router = org.outside.patch(
        "/services/apexrest/SBQQ/ServiceRouter",
        headers={**headers, "content-type": "application/json"},
    )
    assert router.status_code == 404
    assert open_shop(org).product


def test_the_packages_relationships_have_their_names(cpq: CpqShop) -> None:
    """As the package's metadata names them."""
    expected = {
        "SBQQ__Quote__c": {"SBQQ__LineItems__r", "SBQQ__Orders__r", "SBQQ__Contracts__r"},
        "SBQQ__QuoteLine__c": {"SBQQ__Subscriptions__r", "SBQQ__OrderProducts__r"},
        "SBQQ__Subscription__c": {"SBQQ__Revisions__r", "SBQQ__UpgradeLines__r"},
        "Contract": {"SBQQ__Subscriptions__r", "SBQQ__AmendmentOpportunities__r", "Orders"},
        "Opportunity": {"SBQQ__Quotes2__r", "SBQQ__Contracts__r", "Quotes", "Orders"},
        "Account": {"SBQQ__Quotes__r", "SBQQ__Subscriptions__r", "Contracts", "Assets"},
    }
    for sobject, names in expected.items():
        described = cpq.org.http.get(f"/sobjects/{sobject}/describe").json()
        found = {one["relationshipName"] for one in described["childRelationships"]}
        assert names <= found


def test_a_line_takes_what_its_product_says(cpq: CpqShop) -> None:
    """Price from the quote's price book, term and billing from the product; amounts roll up."""
    quote = cpq.quote()
    row = cpq.org.read("SBQQ__QuoteLine__c", cpq.line(quote))
    assert (row["SBQQ__ListPrice__c"], row["SBQQ__NetPrice__c"]) == (120, 120)
    assert (row["SBQQ__BillingFrequency__c"], row["SBQQ__BillingType__c"]) == ("Monthly", "Advance")
    assert row["SBQQ__DefaultSubscriptionTerm__c"] == 12
    assert row["SBQQ__EffectiveStartDate__c"] == "2026-01-01"
    head = cpq.org.read("SBQQ__Quote__c", quote)
    assert (head["SBQQ__NetAmount__c"], head["SBQQ__LineItemCount__c"]) == (1200, 1)
    assert head["SBQQ__Account__c"] == cpq.shop.account
    unknown = cpq.org.create("Product2", Name="Unpriced", IsActive=True)
    body = {"SBQQ__Quote__c": quote, "SBQQ__Product__c": unknown, "SBQQ__Quantity__c": 1}
    assert refused_insert(cpq.org, "SBQQ__QuoteLine__c", **body) == "FIELD_INTEGRITY_EXCEPTION"


def test_thirty_dollars_a_year_are_sixty_for_two(cpq: CpqShop) -> None:
    """The example of trailhead.salesforce.com/content/learn/modules/
    subscription-pricing-in-salesforce-cpq/learn-about-date-fields-and-proration: $30 for twelve
    months, quoted for twenty-four, are $60."""
    product = cpq.subscription_product(30)
    quote = cpq.quote(SBQQ__SubscriptionTerm__c=24)
    row = cpq.org.read("SBQQ__QuoteLine__c", cpq.line(quote, SBQQ__Product__c=product))
    assert (row["SBQQ__RegularPrice__c"], row["SBQQ__ProrateMultiplier__c"]) == (60, 2)


@pytest.mark.parametrize(
    ("terms", "multiplier"),
    [
        ({"SBQQ__SubscriptionTerm__c": 35}, 2.9167),
        (
            {
                "SBQQ__SubscriptionTerm__c": None,
                "SBQQ__StartDate__c": "2017-01-01",
                "SBQQ__EndDate__c": "2018-01-10",
            },
            1.0833,  # thirteen months, of twelve
        ),
    ],
)
def test_proration_by_month_is_as_published(
    cpq: CpqShop, terms: dict[str, Any], multiplier: float
) -> None:
    """Examples of the page "Subscription Prorate Precision" (community.steelbrick.com, article 23):
    35 / 12 = 2.9167; 1 January 2017 to 10 January 2018 is rounded up to thirteen months."""
    row = cpq.org.read("SBQQ__QuoteLine__c", cpq.line(cpq.quote(**terms)))
    assert row["SBQQ__ProrateMultiplier__c"] == multiplier


def test_discounts_come_from_the_line_or_else_from_the_quote(cpq: CpqShop) -> None:
    """And are worked out anew when the quote's terms change."""
    quote = cpq.quote(SBQQ__CustomerDiscount__c=10)
    general, own = cpq.line(quote), cpq.line(quote, SBQQ__Discount__c=25)

    def prices() -> list[float]:
        rows = [cpq.org.read("SBQQ__QuoteLine__c", line) for line in (general, own)]
        return [row["SBQQ__NetPrice__c"] for row in rows]

    assert prices() == [108, 90]
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__CustomerDiscount__c=50)
    assert prices() == [60, 90]
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__SubscriptionTerm__c=6)
    assert prices() == [30, 45]
    assert cpq.org.read("SBQQ__Quote__c", quote)["SBQQ__NetAmount__c"] == 10 * 30 + 10 * 45
    optional = cpq.line(quote, SBQQ__Optional__c=True)
    assert cpq.org.read("SBQQ__QuoteLine__c", optional)["SBQQ__NetTotal__c"] == 300
    head = cpq.org.read("SBQQ__Quote__c", quote)
    assert (head["SBQQ__NetAmount__c"], head["SBQQ__LineItemCount__c"]) == (750, 3)


def test_prices_that_the_simulator_cannot_know_are_refused(cpq: CpqShop) -> None:
    """Block and percent-of-total prices, discounts by amount."""
    quote = cpq.quote()
    body = {"SBQQ__Quote__c": quote, "SBQQ__Product__c": cpq.seat, "SBQQ__Quantity__c": 1}
    for field, value in (
        ("SBQQ__PricingMethod__c", "Block"),
        ("SBQQ__SubscriptionPricing__c", "Percent Of Total"),
        ("SBQQ__AdditionalDiscountAmount__c", 5),
    ):
        refused = refused_insert(cpq.org, "SBQQ__QuoteLine__c", **body, **{field: value})
        assert refused == "NOT_SIMULATED"
    unknown = refused_insert(cpq.org, "SBQQ__QuoteLine__c", **body, SBQQ__BillingFrequency__c="Day")
    assert unknown == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_the_primary_quote_is_what_the_opportunity_is_worth(cpq: CpqShop) -> None:
    """Its lines become the products; the last quote made primary wins; optional lines stay out."""
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book)
    first, second = cpq.quote(deal=deal), cpq.quote(deal=deal)
    line = cpq.line(first)
    cpq.line(first, SBQQ__Optional__c=True)
    cpq.line(second, SBQQ__Quantity__c=1)
    assert cpq.org.read("Opportunity", deal)["Amount"] is None
    patch(cpq.org, "SBQQ__Quote__c", first, SBQQ__Primary__c=True)
    row = cpq.org.read("Opportunity", deal)
    assert (row["Amount"], row["SBQQ__PrimaryQuote__c"]) == (1200, first)
    patch(cpq.org, "SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=11)
    assert cpq.org.read("Opportunity", deal)["Amount"] == 1320
    (product,) = cpq.org.query("SELECT Quantity, SBQQ__QuoteLine__c FROM OpportunityLineItem")
    assert (product["Quantity"], product["SBQQ__QuoteLine__c"]) == (11, line)
    patch(cpq.org, "SBQQ__Quote__c", second, SBQQ__Primary__c=True)
    row = cpq.org.read("Opportunity", deal)
    assert (row["Amount"], row["SBQQ__PrimaryQuote__c"]) == (120, second)
    assert cpq.org.read("SBQQ__Quote__c", first)["SBQQ__Primary__c"] is False
    assert refusal(cpq.org, "Opportunity", deal, SBQQ__PrimaryQuote__c=first) == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )


def test_a_quote_of_a_foreign_currency_sells_from_entries_in_it(cpq: CpqShop) -> None:
    """Quote and lines have the opportunity's currency; so has what hangs from them."""
    entry = {"Pricebook2Id": cpq.shop.book, "Product2Id": cpq.seat, "IsActive": True}
    cpq.org.create("PricebookEntry", CurrencyIsoCode="USD", UnitPrice=150, **entry)
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book, CurrencyIsoCode="USD")
    quote = cpq.quote(deal=deal)
    row = cpq.org.read("SBQQ__QuoteLine__c", cpq.line(quote))
    assert (row["CurrencyIsoCode"], row["SBQQ__ListPrice__c"]) == ("USD", 150)
    order = cpq.sold(quote)
    (contract,) = cpq.org.query("SELECT Id, CurrencyIsoCode FROM Contract")
    assert contract["CurrencyIsoCode"] == "USD"
    assert cpq.org.read("Order", order)["CurrencyIsoCode"] == "USD"
    (subscription,) = cpq.org.query("SELECT CurrencyIsoCode FROM SBQQ__Subscription__c")
    assert subscription["CurrencyIsoCode"] == "USD"
