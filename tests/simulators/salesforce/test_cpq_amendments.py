"""Salesforce simulator with CPQ: amendments are deltas; renewals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulators.salesforce.cpq import (
    AMENDER,
    ROUTER,
    CpqShop,
    day_before,
    fold,
    months_later,
    open_cpq_shop,
)
from tests.simulators.salesforce.sales import patch, refusal


@pytest.fixture
def cpq(serve_org: Any, until: Any) -> CpqShop:
    return open_cpq_shop(serve_org, until)


def router(cpq: CpqShop, method: str = "PATCH", content: str = "", **params: str) -> Any:
    """A call of the package's service router."""
    headers = {"authorization": f"Bearer {cpq.org.token}", "content-type": "application/json"}
    return cpq.org.outside.request(method, ROUTER, params=params, headers=headers, content=content)


def item_of(cpq: CpqShop, order: str) -> dict[str, Any]:
    """The one product of an order."""
    (item,) = cpq.org.query(
        "SELECT Quantity, UnitPrice, SBQQ__ContractAction__c, SBQQ__RevisedOrderProduct__c,"  # noqa: S608
        f" SBQQ__UpgradedSubscription__c FROM OrderItem WHERE OrderId = '{order}'"
    )
    return dict(item)


def test_an_amendment_quote_has_the_subscriptions_as_they_are(cpq: CpqShop) -> None:
    """Type, master contract, dates; a line with prior quantity that changes nothing yet."""
    contract = cpq.contract()
    (subscription,) = cpq.subscriptions(contract)
    patch(cpq.org, "Contract", contract, SBQQ__AmendmentStartDate__c="2026-07-01")
    model = cpq.amend(contract)
    assert set(model) == {
        "record", "nextKey", "netTotal", "netNonSegmentTotal", "lineItems", "lineItemGroups",
    }  # fmt: skip
    assert (model["netTotal"], model["nextKey"], model["lineItemGroups"]) == (0, 2, [])
    quote = cpq.org.read("SBQQ__Quote__c", model["record"]["Id"])
    assert quote["Name"] == model["record"]["Name"]
    assert (quote["SBQQ__Type__c"], quote["SBQQ__MasterContract__c"]) == ("Amendment", contract)
    assert (quote["SBQQ__StartDate__c"], quote["SBQQ__EndDate__c"]) == ("2026-07-01", "2026-12-31")
    assert quote["SBQQ__Primary__c"] is True
    deal = cpq.org.read("Opportunity", quote["SBQQ__Opportunity2__c"])
    assert (deal["SBQQ__AmendedContract__c"], deal["SBQQ__PrimaryQuote__c"]) == (
        contract,
        quote["Id"],
    )
    line = cpq.org.read("SBQQ__QuoteLine__c", model["lineItems"][0]["record"]["Id"])
    assert line["SBQQ__UpgradedSubscription__c"] == subscription["Id"]
    assert (line["SBQQ__Quantity__c"], line["SBQQ__PriorQuantity__c"]) == (10, 10)
    assert (line["SBQQ__EffectiveQuantity__c"], line["SBQQ__Existing__c"]) == (0, True)
    # Six of twelve months are left.
    assert (line["SBQQ__ProrateMultiplier__c"], line["SBQQ__NetPrice__c"]) == (0.5, 60)


def test_more_seats_are_a_new_row_that_refers_to_the_old_one(cpq: CpqShop) -> None:
    """The order carries only the change; the existing subscription stays as it was."""
    contract = cpq.contract()
    before = cpq.subscriptions(contract)
    order = cpq.amended(contract, 14, on="2026-07-01")
    assert cpq.subscriptions(contract)[:1] == before
    added = cpq.subscriptions(contract)[1]
    assert added["SBQQ__Quantity__c"] == 4
    assert added["SBQQ__RevisedSubscription__c"] == before[0]["Id"]
    assert (added["SBQQ__StartDate__c"], added["SBQQ__EndDate__c"]) == ("2026-07-01", "2026-12-31")
    item = item_of(cpq, order)
    assert (item["Quantity"], item["SBQQ__ContractAction__c"]) == (4, "Quantity Increase")
    assert item["SBQQ__RevisedOrderProduct__c"] == before[0]["SBQQ__OrderProduct__c"]
    assert item["SBQQ__UpgradedSubscription__c"] == before[0]["Id"]
    assert cpq.org.read("Order", order)["TotalAmount"] == 4 * 60
    assert len(cpq.org.query("SELECT Id FROM Contract")) == 1


def test_fewer_seats_are_a_negative_row_and_a_second_amendment_sees_both(cpq: CpqShop) -> None:
    """10 − 3 from July, + 5 from October: the next quote starts from twelve."""
    contract = cpq.contract()
    cpq.amended(contract, 7, on="2026-07-01")
    order = cpq.amended(contract, 12, on="2026-10-01")
    rows = cpq.subscriptions(contract)
    assert [row["SBQQ__Quantity__c"] for row in rows] == [10, -3, 5]
    assert {row["SBQQ__RevisedSubscription__c"] for row in rows[1:]} == {rows[0]["Id"]}
    item = item_of(cpq, order)
    assert item["SBQQ__ContractAction__c"] == "Quantity Increase"
    line = cpq.amend(contract)["lineItems"][0]["record"]["Id"]
    assert cpq.org.read("SBQQ__QuoteLine__c", line)["SBQQ__PriorQuantity__c"] == 12


def test_a_cancellation_is_quantity_zero(cpq: CpqShop) -> None:
    """A negative row of all that was left; the chain is terminated; nothing is left to amend."""
    contract = cpq.contract()
    order = cpq.amended(contract, 0, on="2026-04-01")
    rows = cpq.subscriptions(contract)
    assert [row["SBQQ__Quantity__c"] for row in rows] == [10, -10]
    assert {row["SBQQ__TerminatedDate__c"] for row in rows} == {"2026-04-01"}
    assert cpq.org.read("Order", order)["TotalAmount"] == -10 * 90
    assert cpq.amend(contract)["lineItems"] == []


def test_a_product_added_by_an_amendment_revises_nothing(cpq: CpqShop) -> None:
    """It ends with the contract and costs what is left of the term."""
    contract = cpq.contract()
    patch(cpq.org, "Contract", contract, SBQQ__AmendmentStartDate__c="2026-07-01")
    quote = cpq.amend(contract)["record"]["Id"]
    extra = cpq.subscription_product(24)
    cpq.line(quote, SBQQ__Product__c=extra, SBQQ__Quantity__c=2)
    cpq.sold(quote)
    added = cpq.subscriptions(contract)[1]
    assert (added["SBQQ__Product__c"], added["SBQQ__RevisedSubscription__c"]) == (extra, None)
    assert (added["SBQQ__Quantity__c"], added["SBQQ__NetPrice__c"]) == (2, 12)
    assert added["SBQQ__EndDate__c"] == "2026-12-31"


def test_a_segment_is_amended_by_itself_and_one_that_is_over_not_at_all(cpq: CpqShop) -> None:
    """Three years of ten seats; from the second on the third year gets fifteen."""
    quote = cpq.quote(SBQQ__SubscriptionTerm__c=36, SBQQ__ContractingMethod__c="Single Contract")
    for index, year in enumerate((2026, 2027, 2028), start=1):
        cpq.line(
            quote,
            SBQQ__SubscriptionTerm__c=12,
            SBQQ__StartDate__c=f"{year}-01-01",
            SBQQ__EndDate__c=f"{year}-12-31",
            SBQQ__SegmentIndex__c=index,
            SBQQ__SegmentKey__c="seats",
        )
    contract = cpq.activate(cpq.sold(quote))
    patch(cpq.org, "Contract", contract, SBQQ__AmendmentStartDate__c="2027-04-01")
    model = cpq.amend(contract)
    assert "netNonSegmentTotal" not in model
    second, third = (one["record"]["Id"] for one in model["lineItems"])
    starts = [
        cpq.org.read("SBQQ__QuoteLine__c", line)["SBQQ__EffectiveStartDate__c"]
        for line in (second, third)
    ]
    assert starts == ["2027-04-01", "2028-01-01"]
    patch(cpq.org, "SBQQ__QuoteLine__c", third, SBQQ__Quantity__c=15)
    cpq.sold(model["record"]["Id"])
    rows = cpq.subscriptions(contract)
    assert len(rows) == 4
    assert (rows[3]["SBQQ__SegmentIndex__c"], rows[3]["SBQQ__Quantity__c"]) == (3, 5)
    quantities = [fold(rows, f"{year}-07-01")[cpq.seat] for year in (2026, 2027, 2028)]
    assert quantities == [10, 10, 15]


def test_an_amendment_may_be_made_of_rows_and_contracted_without_an_order(cpq: CpqShop) -> None:
    """Quote and line written by a client; the opportunity's box; ticked again it adds nothing."""
    contract = cpq.contract()
    (root,) = cpq.subscriptions(contract)
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book, SBQQ__AmendedContract__c=contract)
    quote = cpq.quote(
        deal=deal,
        SBQQ__Type__c="Amendment",
        SBQQ__MasterContract__c=contract,
        SBQQ__StartDate__c="2026-10-01",
        SBQQ__EndDate__c="2026-12-31",
        SBQQ__SubscriptionTerm__c=None,
    )
    line = cpq.line(
        quote,
        SBQQ__Existing__c=True,
        SBQQ__ListPrice__c=120,
        SBQQ__PriorQuantity__c=10,
        SBQQ__Quantity__c=6,
        SBQQ__UpgradedSubscription__c=root["Id"],
    )
    assert cpq.org.read("SBQQ__QuoteLine__c", line)["SBQQ__NetTotal__c"] == -4 * 30
    patch(cpq.org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True)
    assert cpq.org.read("Opportunity", deal)["Amount"] == -120
    for ticked in (True, False, True):
        patch(cpq.org, "Opportunity", deal, SBQQ__Contracted__c=ticked)
        cpq.pass_delay()
    rows = cpq.subscriptions(contract)
    assert [row["SBQQ__Quantity__c"] for row in rows] == [10, -4]
    assert rows[1]["SBQQ__RevisedSubscription__c"] == root["Id"]
    assert rows[0]["SBQQ__TerminatedDate__c"] is None
    assert len(cpq.org.query("SELECT Id FROM Contract")) == 1


def test_an_asset_is_reduced_only_where_refunds_are_allowed(cpq: CpqShop) -> None:
    """The package's formula of the effective quantity."""
    quote = cpq.quote()
    for behaviour, effective in (("Default", 0), ("Allow Refund", -2)):
        box = cpq.product(50, Name="Box", SBQQ__AssetAmendmentBehavior__c=behaviour)
        line = cpq.line(
            quote,
            SBQQ__Product__c=box,
            SBQQ__Existing__c=True,
            SBQQ__ListPrice__c=50,
            SBQQ__PriorQuantity__c=3,
            SBQQ__Quantity__c=1,
        )
        row = cpq.org.read("SBQQ__QuoteLine__c", line)
        assert row["SBQQ__EffectiveQuantity__c"] == effective


def test_the_price_of_an_existing_line_is_not_edited(cpq: CpqShop) -> None:
    """Nor its product; and it is not deleted. Its list price stays when the price book's rises."""
    contract = cpq.contract()
    (entry,) = cpq.org.query("SELECT Id FROM PricebookEntry WHERE UnitPrice = 120")
    patch(cpq.org, "PricebookEntry", entry["Id"], UnitPrice=999)
    model = cpq.amend(contract)
    line = model["lineItems"][0]["record"]["Id"]
    assert cpq.org.read("SBQQ__QuoteLine__c", line)["SBQQ__ListPrice__c"] == 120
    for field in ("SBQQ__ListPrice__c", "SBQQ__Discount__c"):
        assert refusal(cpq.org, "SBQQ__QuoteLine__c", line, **{field: 5}) == (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        )
    assert cpq.org.http.delete(f"/sobjects/SBQQ__QuoteLine__c/{line}").status_code == 400
    quote = model["record"]["Id"]
    assert cpq.org.http.delete(f"/sobjects/SBQQ__Quote__c/{quote}").status_code == 204


def test_an_amendment_starts_today_but_not_before_the_contract(cpq: CpqShop) -> None:
    """Help, "Guidelines for Amending Subscription Start Dates"."""
    quote = cpq.quote(SBQQ__StartDate__c="2026-03-01")
    cpq.line(quote)
    contract = cpq.activate(cpq.sold(quote))
    amendment = cpq.amend(contract)["record"]["Id"]
    assert cpq.org.read("SBQQ__Quote__c", amendment)["SBQQ__StartDate__c"] == "2026-03-01"
    patch(cpq.org, "Contract", contract, SBQQ__AmendmentStartDate__c="2026-02-01")
    answer = router(cpq, loader=AMENDER, uid=contract)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (500, "APEX_ERROR")


def test_only_an_active_contract_is_amended(cpq: CpqShop) -> None:
    """A draft is refused; so is an id of something else."""
    quote = cpq.quote()
    cpq.line(quote)
    cpq.sold(quote)
    (contract,) = cpq.org.query("SELECT Id FROM Contract")
    for uid in (contract["Id"], quote, "nonsense"):
        answer = router(cpq, loader=AMENDER, uid=uid)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (500, "APEX_ERROR")
    assert cpq.org.query("SELECT Id FROM SBQQ__Quote__c WHERE SBQQ__Type__c = 'Amendment'") == []


@pytest.mark.parametrize(
    ("method", "params", "content"),
    [
        ("GET", {"reader": "SBQQ.QuoteAPI.QuoteReader", "uid": "x"}, ""),
        ("POST", {}, '{"saver": "SBQQ.QuoteAPI.QuoteSaver"}'),
        ("PATCH", {"loader": "SBQQ.ContractManipulationAPI.ContractRenewer"}, "{}"),
        ("PATCH", {"loader": AMENDER, "uid": "x"}, '{"context": "{}"}'),
        ("PATCH", {"loader": AMENDER, "uid": "x", "more": "y"}, ""),
    ],
)
def test_other_calls_of_the_service_router_are_refused_by_name(
    cpq: CpqShop, method: str, params: dict[str, str], content: str
) -> None:
    """Readers, savers, the renewer and the amendment's context."""
    answer = router(cpq, method, content, **params)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "NOT_SIMULATED")


def test_simple_salesforce_amends_through_the_service_router(cpq: CpqShop) -> None:
    """Its Apex call sends no body; the answer is a string that holds JSON."""
    contract = cpq.contract()
    told = cpq.org.simple_salesforce().apexecute(
        "SBQQ/ServiceRouter", method="PATCH", params={"loader": AMENDER, "uid": contract}
    )
    model = json.loads(told)
    assert model["record"]["attributes"]["type"] == "SBQQ__Quote__c"
    assert len(model["lineItems"]) == 1


def test_an_amendment_whose_answer_is_lost_is_there(cpq: CpqShop) -> None:
    """A client that repeats the call gets a second one; one that looks first finds it."""
    contract = cpq.contract()
    cpq.org.fault(kind="lose_answer", method="PATCH", path="ServiceRouter")
    with pytest.raises(httpx.TransportError):
        router(cpq, loader=AMENDER, uid=contract)
    soql = (
        "SELECT Id, (SELECT Id FROM SBQQ__LineItems__r) FROM SBQQ__Quote__c"
        " WHERE SBQQ__Type__c = 'Amendment'"
    )
    (quote,) = cpq.org.query(soql)
    assert quote["SBQQ__LineItems__r"]["totalSize"] == 1
    assert cpq.amend(contract)["record"]["Id"] != quote["Id"]
    assert len(cpq.org.query(soql)) == 2


def test_renewal_forecast_makes_the_opportunity_with_its_products(cpq: CpqShop) -> None:
    """It closes on the contract's end; the quote that priced it is gone; once."""
    contract = cpq.contract()
    cpq.amended(contract, 14, on="2026-07-01")
    patch(cpq.org, "Contract", contract, SBQQ__RenewalForecast__c=True)
    cpq.pass_delay()
    renewals = "SELECT Id, CloseDate, Amount, SBQQ__Renewal__c, SBQQ__PrimaryQuote__c"
    soql = f"{renewals} FROM Opportunity WHERE SBQQ__RenewedContract__c = '{contract}'"
    cpq.until(lambda: len(cpq.org.query(soql)) == 1)
    (deal,) = cpq.org.query(soql)
    assert (deal["CloseDate"], deal["SBQQ__Renewal__c"]) == ("2026-12-31", True)
    assert (deal["Amount"], deal["SBQQ__PrimaryQuote__c"]) == (14 * 120, None)
    assert cpq.org.read("Contract", contract)["SBQQ__RenewalOpportunity__c"] == deal["Id"]
    assert cpq.org.query("SELECT Id FROM SBQQ__Quote__c WHERE SBQQ__Type__c = 'Renewal'") == []
    patch(cpq.org, "Contract", contract, SBQQ__RenewalForecast__c=False)
    patch(cpq.org, "Contract", contract, SBQQ__RenewalForecast__c=True)
    cpq.pass_delay()
    assert len(cpq.org.query(soql)) == 1


def test_a_forecast_follows_amendments_and_a_quote_does_not(cpq: CpqShop) -> None:
    """Help 000381709, "Renew a Salesforce CPQ Contract"."""
    contract = cpq.contract()
    patch(cpq.org, "Contract", contract, SBQQ__RenewalForecast__c=True)
    cpq.pass_delay()

    def amount() -> float | None:
        (deal,) = cpq.org.query(
            "SELECT Amount FROM Opportunity WHERE SBQQ__Renewal__c = TRUE LIMIT 1"
        ) or [{"Amount": None}]
        return deal["Amount"]  # type: ignore[no-any-return]

    cpq.until(lambda: amount() == 10 * 120)
    cpq.amended(contract, 14, on="2026-07-01")
    assert amount() == 14 * 120
    patch(cpq.org, "Contract", contract, SBQQ__RenewalQuoted__c=True)
    cpq.pass_delay()
    soql = "SELECT SBQQ__NetAmount__c FROM SBQQ__Quote__c WHERE SBQQ__Type__c = 'Renewal'"
    cpq.until(lambda: len(cpq.org.query(soql)) == 1)
    cpq.amended(contract, 20, on="2026-08-01")
    assert cpq.org.query(soql)[0]["SBQQ__NetAmount__c"] == amount() == 14 * 120


def test_a_forecast_fills_the_opportunity_that_the_contract_names(cpq: CpqShop) -> None:
    """It makes none when there is one."""
    contract = cpq.contract()
    deal = cpq.shop.deal(Pricebook2Id=cpq.shop.book)
    patch(
        cpq.org,
        "Contract",
        contract,
        SBQQ__RenewalOpportunity__c=deal,
        SBQQ__RenewalForecast__c=True,
    )
    cpq.pass_delay()
    cpq.until(lambda: cpq.org.read("Opportunity", deal)["Amount"] == 1200)
    assert cpq.org.query("SELECT Id FROM Opportunity WHERE SBQQ__Renewal__c = TRUE") == []


def test_renewal_quoted_makes_a_quote_and_its_contract_is_a_new_one(cpq: CpqShop) -> None:
    """It starts the day after the end and lasts the renewal term; ordered, it renews."""
    contract = cpq.contract()
    patch(cpq.org, "Contract", contract, SBQQ__RenewalTerm__c=24, SBQQ__RenewalQuoted__c=True)
    cpq.pass_delay()
    soql = "SELECT Id FROM SBQQ__Quote__c WHERE SBQQ__Type__c = 'Renewal'"
    cpq.until(lambda: len(cpq.org.query(soql)) == 1)
    quote = cpq.org.read("SBQQ__Quote__c", cpq.org.query(soql)[0]["Id"])
    assert (quote["SBQQ__StartDate__c"], quote["SBQQ__SubscriptionTerm__c"]) == ("2027-01-01", 24)
    assert (quote["SBQQ__Primary__c"], quote["SBQQ__NetAmount__c"]) == (True, 10 * 240)
    (line,) = cpq.org.query(
        "SELECT SBQQ__RenewedSubscription__c, SBQQ__Renewal__c FROM SBQQ__QuoteLine__c"
        " WHERE SBQQ__Renewal__c = TRUE"
    )
    (old,) = cpq.subscriptions(contract)
    assert (line["SBQQ__RenewedSubscription__c"], line["SBQQ__Renewal__c"]) == (old["Id"], True)
    order = cpq.sold(quote["Id"])
    renewed = cpq.activate(order)
    assert renewed != contract
    row = cpq.org.read("Contract", renewed)
    assert (row["StartDate"], row["EndDate"]) == ("2027-01-01", "2028-12-31")
    item = item_of(cpq, order)
    assert item["SBQQ__ContractAction__c"] == "Renew"
    assert cpq.subscriptions(contract) == [old]


def test_what_has_no_end_or_is_uplifted_is_not_renewed_here(cpq: CpqShop) -> None:
    """The work fails and says why."""
    contract = cpq.contract()
    patch(cpq.org, "Contract", contract, SBQQ__RenewalUpliftRate__c=3, SBQQ__RenewalQuoted__c=True)
    cpq.pass_delay()

    def reasons() -> list[str]:
        return [one["details"]["reason"] for one in cpq.org.effects(r"SBQQ\.renew\.failed")]

    cpq.until(lambda: reasons() == ["not simulated: uplifts at renewal"])


# Each step: the month of 2026 in which it starts, and the quantity from then on.
STEPS = st.lists(
    st.tuples(st.integers(1, 11), st.integers(0, 30)),
    min_size=1,
    max_size=4,
    unique_by=lambda step: step[0],
).map(sorted)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, order=st.randoms(use_true_random=False))
def test_rows_in_any_order_add_up_to_the_quantities_that_were_sold(
    cpq: CpqShop, steps: list[tuple[int, int]], order: Any
) -> None:
    """What was asked for, month by month, is what the rows add up to, however they arrive."""
    contract = cpq.contract(SBQQ__Quantity__c=10)
    sold = {month: Decimal(10) for month in range(12)}
    for number, (month, quantity) in enumerate(steps):
        if number and steps[number - 1][1] == 0:
            break  # a cancelled subscription is not amended any more
        if Decimal(quantity) == sold[month]:
            continue  # an amendment that changes nothing is not ordered
        cpq.amended(contract, quantity, on=months_later("2026-01-01", month))
        sold.update({later: Decimal(quantity) for later in range(month, 12)})
    rows = cpq.subscriptions(contract)
    order.shuffle(rows)
    for month, quantity in sold.items():
        first = months_later("2026-01-01", month)
        last = day_before(months_later(first, 1))
        expected = {cpq.seat: quantity} if quantity else {}
        assert fold(rows, first) == fold(rows, last) == expected
    assert fold(rows, "2027-01-01") == fold(rows, "2025-12-31") == {}
