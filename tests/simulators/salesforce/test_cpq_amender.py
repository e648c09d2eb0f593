"""Salesforce simulator with CPQ: how an amendment is asked for, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.simulators.salesforce.cpq import AMENDER, ROUTER, CpqShop, open_cpq_shop
from tests.simulators.salesforce.sales import patch, refusal


@pytest.fixture
def cpq(serve_org: Any, until: Any) -> CpqShop:
    return open_cpq_shop(serve_org, until)


def router(cpq: CpqShop, method: str = "PATCH", content: str = "", **params: str) -> Any:
    """A call of the package's service router."""
    headers = {"authorization": f"Bearer {cpq.org.token}", "content-type": "application/json"}
    return cpq.org.outside.request(method, ROUTER, params=params, headers=headers, content=content)


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
