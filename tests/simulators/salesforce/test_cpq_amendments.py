"""Salesforce simulator with CPQ: amendments are deltas."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulators.salesforce.cpq import (
    CpqShop,
    day_before,
    fold,
    item_of,
    months_later,
    open_cpq_shop,
)
from tests.simulators.salesforce.sales import patch


@pytest.fixture
def cpq(serve_org: Any, until: Any) -> CpqShop:
    return open_cpq_shop(serve_org, until)


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
