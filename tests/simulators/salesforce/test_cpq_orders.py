"""Salesforce simulator with CPQ: from the accepted quote to order, contract and subscriptions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from tests.simulators.conftest import ORG_ID, SimulatedOrg
from tests.simulators.salesforce.cpq import DELAY_SECONDS, CpqShop, open_cpq_shop
from tests.simulators.salesforce.sales import open_shop, patch, refusal, refused_insert


@pytest.fixture
def cpq(serve_org: Any, until: Any) -> CpqShop:
    return open_cpq_shop(serve_org, until)


def count(cpq: CpqShop, sobject: str) -> int:
    """How many rows there are."""
    return len(cpq.org.query(f"SELECT Id FROM {sobject}"))  # noqa: S608


def failures(cpq: CpqShop) -> list[str]:
    """Why background work was refused."""
    return [one["details"]["reason"] for one in cpq.org.effects(r"SBQQ\..*\.failed")]


@pytest.mark.parametrize("on", ["SBQQ__Quote__c", "Opportunity"])
def test_ordered_makes_the_order_some_time_later(cpq: CpqShop, on: str) -> None:
    """Not before the delay; the quote's or the opportunity's box does it; once."""
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book)
    quote = cpq.quote(deal=deal, SBQQ__BillingCity__c="Graz", SBQQ__PaymentTerms__c="Net 60")
    line = cpq.line(quote)
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True)
    patch(cpq.org, on, quote if on == "SBQQ__Quote__c" else deal, SBQQ__Ordered__c=True)
    cpq.advance(timedelta(seconds=DELAY_SECONDS - 1))
    assert count(cpq, "Order") == 0
    cpq.advance(timedelta(seconds=1))
    order = cpq.org.read("Order", cpq.order_of(quote))
    assert (order["Status"], order["EffectiveDate"], order["TotalAmount"]) == (
        "Draft",
        "2026-01-01",
        1200,
    )
    assert (order["BillingCity"], order["SBQQ__PaymentTerm__c"]) == ("Graz", "Net 60")
    assert (order["AccountId"], order["OpportunityId"]) == (cpq.shop.account, deal)
    (item,) = cpq.org.query(
        "SELECT SBQQ__QuoteLine__c, SBQQ__ContractAction__c, Quantity, UnitPrice, ServiceDate,"
        " EndDate, SBQQ__BillingFrequency__c FROM OrderItem"
    )
    assert (item["SBQQ__QuoteLine__c"], item["SBQQ__ContractAction__c"]) == (line, "New")
    assert (item["Quantity"], item["UnitPrice"]) == (10, 120)
    assert (item["ServiceDate"], item["EndDate"]) == ("2026-01-01", "2026-12-31")
    assert item["SBQQ__BillingFrequency__c"] == "Monthly"
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Ordered__c=False)
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Ordered__c=True)
    cpq.pass_delay()
    assert count(cpq, "Order") == 1


def test_an_org_may_order_what_is_won(serve_org: Any, until: Any) -> None:
    """A flow ticks the box; a deal without a primary quote is only won."""
    cpq = open_cpq_shop(serve_org, until, cpq_orders_won_deals=True)
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book)
    quote = cpq.quote(deal=deal)
    cpq.line(quote)
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True)
    patch(cpq.org, "Opportunity", deal, StageName="Closed Won")
    bare = cpq.shop.deal(StageName="Closed Won")
    flags = [cpq.org.read("Opportunity", one)["SBQQ__Ordered__c"] for one in (deal, bare)]
    assert flags == [True, False]
    assert count(cpq, "Order") == 0
    cpq.pass_delay()
    assert cpq.order_of(quote)


def test_an_org_with_one_currency_contracts_too(serve_org: Any, until: Any) -> None:
    """No currency field anywhere."""
    cpq = open_cpq_shop(serve_org, until, multicurrency=False)
    contract = cpq.contract()
    cpq.amended(contract, 12, on="2026-07-01")
    assert [row["SBQQ__Quantity__c"] for row in cpq.subscriptions(contract)] == [10, 2]


def test_an_ordered_quote_can_no_longer_be_edited(cpq: CpqShop) -> None:
    """Neither its lines nor its terms; its status can."""
    quote = cpq.quote()
    line = cpq.line(quote)
    cpq.sold(quote)
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert refusal(cpq.org, "SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=1) == code
    assert refusal(cpq.org, "SBQQ__Quote__c", quote, SBQQ__SubscriptionTerm__c=6) == code
    body = {"SBQQ__Quote__c": quote, "SBQQ__Product__c": cpq.seat, "SBQQ__Quantity__c": 1}
    assert refused_insert(cpq.org, "SBQQ__QuoteLine__c", **body) == code
    assert cpq.org.http.delete(f"/sobjects/SBQQ__QuoteLine__c/{line}").status_code == 400
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Status__c="Accepted")


def test_only_a_primary_quote_is_ordered(cpq: CpqShop) -> None:
    """The work is refused and leaves no row."""
    quote = cpq.quote()
    cpq.line(quote)
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Ordered__c=True)
    cpq.pass_delay()
    cpq.until(lambda: failures(cpq) == ["orders are created from a primary quote"])
    assert count(cpq, "Order") == 0


def test_contracting_an_order_makes_contract_and_subscriptions(cpq: CpqShop) -> None:
    """One contract for each end date; a subscription for each line; the items know theirs."""
    quote = cpq.quote()
    long = cpq.line(quote)
    short = cpq.line(quote, SBQQ__EndDate__c="2026-06-30", SBQQ__SubscriptionTerm__c=6)
    order = cpq.sold(quote)
    contracts = cpq.org.query(
        "SELECT Id, StartDate, EndDate, ContractTerm, Status, SBQQ__Order__c, SBQQ__Quote__c,"
        " (SELECT SBQQ__QuoteLine__c, SBQQ__Quantity__c, SBQQ__StartDate__c, SBQQ__EndDate__c,"
        " SBQQ__ContractNumber__c FROM SBQQ__Subscriptions__r) FROM Contract ORDER BY EndDate"
    )
    terms = [(one["StartDate"], one["EndDate"], one["ContractTerm"]) for one in contracts]
    assert terms == [("2026-01-01", "2026-06-30", 6), ("2026-01-01", "2026-12-31", 12)]
    assert {one["Status"] for one in contracts} == {"Draft"}
    assert {one["SBQQ__Order__c"] for one in contracts} == {order}
    rows = [one["SBQQ__Subscriptions__r"]["records"][0] for one in contracts]
    assert [row["SBQQ__QuoteLine__c"] for row in rows] == [short, long]
    assert rows[1]["SBQQ__EndDate__c"] == "2026-12-31"
    items = cpq.org.query(
        "SELECT SBQQ__Contract__c, SBQQ__Contracted__c, SBQQ__Subscription__r.SBQQ__QuoteLine__c,"
        " SBQQ__Activated__c FROM OrderItem ORDER BY Id"
    )
    assert [one["SBQQ__Contract__c"] for one in items] == [contracts[1]["Id"], contracts[0]["Id"]]
    assert all(one["SBQQ__Contracted__c"] and one["SBQQ__Activated__c"] for one in items)
    assert [one["SBQQ__Subscription__r"]["SBQQ__QuoteLine__c"] for one in items] == [long, short]


def test_a_single_contract_holds_all_end_dates(cpq: CpqShop) -> None:
    """Contracting method of the quote; evergreens are apart all the same."""
    quote = cpq.quote(SBQQ__ContractingMethod__c="Single Contract")
    cpq.line(quote)
    cpq.line(quote, SBQQ__SubscriptionTerm__c=6)
    cpq.line(quote, SBQQ__SubscriptionType__c="Evergreen")
    cpq.sold(quote)
    rows = cpq.org.query("SELECT EndDate, SBQQ__Evergreen__c FROM Contract ORDER BY EndDate")
    assert [(row["EndDate"], row["SBQQ__Evergreen__c"]) for row in rows] == [
        (None, True),
        ("2026-12-31", False),
    ]
    assert count(cpq, "SBQQ__Subscription__c") == 3


def test_an_order_is_contracted_only_when_it_is_active_and_its_deal_is_not(cpq: CpqShop) -> None:
    """Help: all products activated, the opportunity not contracted."""
    quote = cpq.quote()
    cpq.line(quote)
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True, SBQQ__Ordered__c=True)
    cpq.pass_delay()
    order = cpq.order_of(quote)
    patch(cpq.org, "Order", order, SBQQ__Contracted__c=True)
    cpq.pass_delay()
    cpq.until(lambda: failures(cpq) == ["an order product is not activated"])
    patch(cpq.org, "Order", order, SBQQ__Contracted__c=False)
    patch(cpq.org, "Order", order, Status="Activated")
    (deal,) = cpq.org.query("SELECT Id FROM Opportunity")
    patch(cpq.org, "Opportunity", deal["Id"], SBQQ__Contracted__c=True)
    patch(cpq.org, "Order", order, SBQQ__Contracted__c=True)
    cpq.pass_delay()
    cpq.until(lambda: len(failures(cpq)) == 2)
    assert failures(cpq)[1].startswith("the quote's opportunity is contracted already")
    assert count(cpq, "Contract") == 1


def test_contracting_an_opportunity_takes_the_quotes_dates(cpq: CpqShop) -> None:
    """Without an order; it needs a primary quote with dates and a subscription."""
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book, StageName="Closed Won")
    quote = cpq.quote(deal=deal, SBQQ__StartDate__c="2026-02-01")
    cpq.line(quote)
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True)
    patch(cpq.org, "Opportunity", deal, SBQQ__Contracted__c=True)
    assert count(cpq, "Contract") == 0
    cpq.pass_delay()
    cpq.until(lambda: count(cpq, "Contract") == 1)
    (contract,) = cpq.org.query("SELECT StartDate, EndDate, SBQQ__Opportunity__c FROM Contract")
    assert (contract["StartDate"], contract["EndDate"]) == ("2026-02-01", "2027-01-31")
    assert contract["SBQQ__Opportunity__c"] == deal
    undated = cpq.shop.deal(Pricebook2Id=cpq.shop.book)
    other = cpq.quote(deal=undated, SBQQ__StartDate__c=None)
    cpq.line(other)
    patch(cpq.org, "SBQQ__Quote__c", other, SBQQ__Primary__c=True)
    patch(cpq.org, "Opportunity", undated, SBQQ__Contracted__c=True)
    cpq.pass_delay()
    cpq.until(lambda: failures(cpq) == ["the primary quote needs a start date"])


@pytest.mark.parametrize(
    ("conversion", "quantities"),
    [("One per quote line", [3]), ("One per unit", [1, 1, 1]), (None, [])],
)
def test_what_is_sold_once_becomes_assets(
    cpq: CpqShop, conversion: str | None, quantities: list[int]
) -> None:
    """As the product's asset conversion says; no subscription."""
    box = cpq.product(50, Name="Box")
    patch(cpq.org, "Product2", box, SBQQ__AssetConversion__c=conversion)
    quote = cpq.quote()
    cpq.line(quote)
    line = cpq.line(quote, SBQQ__Product__c=box, SBQQ__Quantity__c=3)
    cpq.sold(quote)
    assets = cpq.org.query("SELECT Quantity, AccountId, SBQQ__QuoteLine__c FROM Asset")
    assert [one["Quantity"] for one in assets] == quantities
    assert {one["SBQQ__QuoteLine__c"] for one in assets} <= {line}
    assert count(cpq, "SBQQ__Subscription__c") == 1
    assert count(cpq, "OrderItem") == 2


def test_each_segment_is_a_subscription_of_its_own(cpq: CpqShop) -> None:
    """Multi-dimensional quoting: one line for each year, held together by the segment key."""
    quote = cpq.quote(SBQQ__SubscriptionTerm__c=36, SBQQ__ContractingMethod__c="Single Contract")
    for year, quantity in ((1, 10), (2, 20), (3, 30)):
        cpq.line(
            quote,
            SBQQ__Quantity__c=quantity,
            SBQQ__SubscriptionTerm__c=12,
            SBQQ__StartDate__c=f"{2025 + year}-01-01",
            SBQQ__EndDate__c=f"{2025 + year}-12-31",
            SBQQ__SegmentIndex__c=year,
            SBQQ__SegmentKey__c="seats",
            SBQQ__SegmentLabel__c=f"Year {year}",
        )
    cpq.sold(quote)
    rows = cpq.org.query(
        "SELECT SBQQ__SegmentIndex__c, SBQQ__SegmentKey__c, SBQQ__Quantity__c, SBQQ__StartDate__c,"
        " SBQQ__EndDate__c, SBQQ__SegmentStartDate__c FROM SBQQ__Subscription__c"
        " ORDER BY SBQQ__SegmentIndex__c"
    )
    assert [(row["SBQQ__Quantity__c"], row["SBQQ__StartDate__c"]) for row in rows] == [
        (10, "2026-01-01"),
        (20, "2027-01-01"),
        (30, "2028-01-01"),
    ]
    assert {row["SBQQ__SegmentKey__c"] for row in rows} == {"seats"}
    assert rows[2]["SBQQ__EndDate__c"] == "2028-12-31"
    (contract,) = cpq.org.query("SELECT EndDate, ContractTerm FROM Contract")
    assert (contract["EndDate"], contract["ContractTerm"]) == ("2028-12-31", 36)


def test_components_keep_their_bundle(cpq: CpqShop) -> None:
    """A bundled component costs nothing; its subscription names the bundle's."""
    part = cpq.subscription_product(10, Name="Part")
    quote = cpq.quote()
    bundle = cpq.line(quote, SBQQ__Bundle__c=True)
    cpq.line(quote, SBQQ__Product__c=part, SBQQ__RequiredBy__c=bundle, SBQQ__Bundled__c=True)
    order = cpq.sold(quote)
    contract = cpq.activate(order)
    whole, component = cpq.subscriptions(contract)
    assert component["SBQQ__RequiredById__c"] == whole["Id"] == component["SBQQ__RootId__c"]
    assert component["SBQQ__NetPrice__c"] == 0
    items = cpq.org.query("SELECT Id, SBQQ__RequiredBy__c FROM OrderItem ORDER BY Id")
    assert items[1]["SBQQ__RequiredBy__c"] == items[0]["Id"]
    model = cpq.amend(contract)
    first, second = (one["record"]["Id"] for one in model["lineItems"])
    assert cpq.org.read("SBQQ__QuoteLine__c", second)["SBQQ__RequiredBy__c"] == first


def test_work_under_way_is_taken_up_after_a_restart(
    tmp_path: Path, serve_org: Any, until: Any
) -> None:
    """The box is ticked, the org stops before the delay is over and starts again."""
    state = str(tmp_path / "org.sqlite")
    config = SalesforceConfig(
        org_id=ORG_ID,
        client_id="client",
        client_secret="secret",
        cpq=True,
        cpq_delay=timedelta(days=1),
        state=state,
    )
    server = BackgroundServer(create_app(config))
    server.start()
    org = SimulatedOrg(server.url)
    shop = open_shop(org)
    deal = shop.deal(Pricebook2Id=shop.book)
    quote = org.create("SBQQ__Quote__c", SBQQ__Opportunity2__c=deal)
    org.create(
        "SBQQ__QuoteLine__c",
        SBQQ__Quote__c=quote,
        SBQQ__Product__c=shop.product,
        SBQQ__Quantity__c=2,
    )
    patch(org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True, SBQQ__Ordered__c=True)
    assert org.query("SELECT Id FROM Order") == []
    org.close()
    server.stop()
    again = serve_org(cpq=True, cpq_delay=timedelta(0), state=state)
    until(lambda: len(again.query("SELECT Id FROM Order")) == 1)
