"""Salesforce simulator with CPQ: a renewal is forecast, quoted and contracted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.salesforce.cpq import CpqShop, item_of, open_cpq_shop
from tests.simulators.salesforce.sales import patch


@pytest.fixture
def cpq(serve_org: Any, until: Any) -> CpqShop:
    return open_cpq_shop(serve_org, until)


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
