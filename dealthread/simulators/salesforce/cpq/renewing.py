"""Makes the renewal opportunity and quote of a contract.

Help 000381709, "Renew a Salesforce CPQ Contract": Renewal Forecast makes the opportunity, unless
the contract has one, and its products, by way of a quote that is deleted again; Renewal Quoted does
the same and keeps the quote. The quote starts the day after the contract's end; the opportunity
closes on that end. Contracting an amendment brings a forecast up to date, but never a quote. Prices
stay as they are (renewal pricing method "Same"); no uplifts.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.cpq.amending import (
    KEPT,
    book_of,
    first_stage,
    keep_bundles,
    roots_of,
    shared_with,
)
from dealthread.simulators.salesforce.cpq.background import JobRefused
from dealthread.simulators.salesforce.cpq.quote_rules import LINE, QUOTE
from dealthread.simulators.salesforce.cpq.subscriptions import chain_of, quantity_of
from dealthread.simulators.salesforce.cpq.terms import day_after
from dealthread.simulators.salesforce.cpq.vocabulary import FIXED_PRICE, RENEWABLE
from dealthread.simulators.salesforce.rules.save import Worker, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row


def forecast(worker: Worker, contract_id: str) -> None:
    """Make the renewal opportunity with its products. Raises JobRefused."""
    contract = _renewable(worker, contract_id)
    if contract is None:
        return
    opportunity_id = str(contract["SBQQ__RenewalOpportunity__c"] or _opportunity(worker, contract))
    opportunity = worker.store.live("Opportunity", opportunity_id)
    if opportunity is not None and not opportunity["HasOpportunityLineItem"]:
        _put_products(worker, contract, opportunity)


def forecast_again(worker: Worker, contract_id: object) -> None:
    """After an amendment: a renewal that is forecast, and not yet quoted, follows the contract."""
    contract = worker.store.live("Contract", str(contract_id))
    if contract is None or not contract["SBQQ__RenewalForecast__c"]:
        return
    opportunity = worker.store.live("Opportunity", contract["SBQQ__RenewalOpportunity__c"])
    if opportunity is not None and opportunity["SBQQ__PrimaryQuote__c"] is None:
        _put_products(worker, contract, opportunity)


def _put_products(worker: Worker, contract: Row, opportunity: Row) -> None:
    """By way of a quote that goes again, while what it put on the opportunity stays."""
    quote_id = _quote(worker, contract, str(opportunity["Id"]))
    worker.derive(QUOTE, quote_id, SBQQ__Primary__c=False)
    worker.derive("Opportunity", opportunity["Id"], SBQQ__PrimaryQuote__c=None)
    worker.delete(QUOTE, quote_id)


def quote(worker: Worker, contract_id: str) -> None:
    """Make the renewal quote, and the opportunity if there is none. Raises JobRefused."""
    contract = _renewable(worker, contract_id)
    if contract is None:
        return
    opportunity_id = contract["SBQQ__RenewalOpportunity__c"] or _opportunity(worker, contract)
    opportunity = worker.store.live("Opportunity", opportunity_id)
    if opportunity is not None and opportunity["SBQQ__PrimaryQuote__c"] is not None:
        return
    _quote(worker, contract, str(opportunity_id))


def _renewable(worker: Worker, contract_id: str) -> Row | None:
    contract = worker.store.live("Contract", contract_id)
    if contract is None:
        return None
    if contract["EndDate"] is None:
        raise JobRefused("a contract without an end is not renewed")
    if decimal_or_zero(contract["SBQQ__RenewalUpliftRate__c"]) != 0:
        raise JobRefused("not simulated: uplifts at renewal")
    account = worker.store.live("Account", contract["AccountId"])
    if account is not None and account["SBQQ__RenewalModel__c"] != "Contract Based":
        raise JobRefused("the account renews by assets")
    if account is not None and account["SBQQ__RenewalPricingMethod__c"] != "Same":
        raise JobRefused("not simulated: the account's renewal pricing method")
    return contract


def _opportunity(worker: Worker, contract: Row) -> str:
    opportunity_id = worker.insert(
        "Opportunity",
        {
            "Name": f"Renewal for contract #{contract['ContractNumber']}",
            "StageName": contract["SBQQ__RenewalOpportunityStage__c"] or first_stage(),
            "CloseDate": contract["EndDate"],
            "SBQQ__Renewal__c": True,
            "SBQQ__RenewedContract__c": contract["Id"],
            **shared_with(contract),
        },
    )
    worker.derive("Contract", contract["Id"], SBQQ__RenewalOpportunity__c=opportunity_id)
    return opportunity_id


def _quote(worker: Worker, contract: Row, opportunity_id: str) -> str:
    quote_id = worker.insert(
        QUOTE,
        {
            "SBQQ__Opportunity2__c": opportunity_id,
            "SBQQ__Type__c": "Renewal",
            "SBQQ__StartDate__c": day_after(contract["EndDate"]),
            "SBQQ__SubscriptionTerm__c": contract["SBQQ__RenewalTerm__c"],
            "SBQQ__PricebookId__c": book_of(worker.store, contract),
        },
    )
    made: dict[str, str] = {}
    for root in roots_of(worker.store, contract["Id"]):
        quantity = quantity_of(chain_of(worker.store, root))
        is_renewed = root["SBQQ__SubscriptionType__c"] in (None, RENEWABLE)
        if quantity <= 0 or not is_renewed:
            continue
        made[str(root["Id"])] = worker.insert(
            LINE,
            {
                **{name: root[name] for name in KEPT},
                "SBQQ__Quote__c": quote_id,
                "SBQQ__SubscriptionPricing__c": FIXED_PRICE,
                "SBQQ__Renewal__c": True,
                "SBQQ__RenewedSubscription__c": root["Id"],
                "SBQQ__Quantity__c": quantity,
                "SBQQ__PriorQuantity__c": quantity,
            },
        )
    keep_bundles(worker, made)
    worker.update(QUOTE, quote_id, {"SBQQ__Primary__c": True})
    return quote_id
