"""Makes contracts, subscriptions and assets of what was sold.

Help, "Creation of a Contract from an Order": the products must be active and come from the quote's
lines, the opportunity must not be contracted; one contract for each end date unless the method says
otherwise; it starts on the order's day. Help 000381761: from an opportunity, the dates are the
quote's. An amendment adds subscriptions to its master contract and changes none of those there.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dealthread.simulators.salesforce.cpq.background import JobRefused
from dealthread.simulators.salesforce.cpq.quote_rules import QUOTE
from dealthread.simulators.salesforce.cpq.renewing import forecast_again
from dealthread.simulators.salesforce.cpq.sold import Sold, sold_by_order, sold_by_quote
from dealthread.simulators.salesforce.cpq.subscriptions import subscribe, terminate_ended
from dealthread.simulators.salesforce.cpq.terms import months_between
from dealthread.simulators.salesforce.rules.save import Worker, decimal_or_none
from dealthread.simulators.salesforce.schema.model import Row, Value

Groups = list[tuple[bool, list[Sold]]]
"""(is evergreen, what goes into the contract)."""


def contract_order(worker: Worker, order_id: str) -> None:
    """Contract an order's products. Raises JobRefused."""
    store = worker.store
    order = store.live("Order", order_id)
    if order is None:
        return
    quote = store.live(QUOTE, order["SBQQ__Quote__c"])
    if quote is None:
        raise JobRefused("the order comes from no CPQ quote")
    opportunity = store.live("Opportunity", quote["SBQQ__Opportunity2__c"])
    if opportunity is None or opportunity["SBQQ__Contracted__c"]:
        raise JobRefused("the quote's opportunity is contracted already, or there is none")
    sold = [one for one in sold_by_order(store, order) if one.method != "Do Not Contract"]
    if any(one.item is not None and not one.item["SBQQ__Activated__c"] for one in sold):
        raise JobRefused("an order product is not activated")
    by_date = order["SBQQ__ContractingMethod__c"] != "Single Contract"
    _contract(worker, quote, sold, start=order["EffectiveDate"], by_date=by_date, order=order)


def contract_opportunity(worker: Worker, opportunity_id: str) -> None:
    """Contract the lines of an opportunity's primary quote. Raises JobRefused."""
    store = worker.store
    opportunity = store.live("Opportunity", opportunity_id)
    if opportunity is None:
        return
    quote = store.live(QUOTE, opportunity["SBQQ__PrimaryQuote__c"])
    if quote is None or opportunity["AccountId"] is None:
        raise JobRefused("the opportunity needs an account and a primary quote")
    if quote["SBQQ__StartDate__c"] is None:
        raise JobRefused("the primary quote needs a start date")
    if quote["SBQQ__EndDate__c"] is None and quote["SBQQ__SubscriptionTerm__c"] is None:
        raise JobRefused("the primary quote needs an end date or a subscription term")
    sold = sold_by_quote(worker, quote)
    if not any(one.is_subscription for one in sold):
        raise JobRefused("no line of the primary quote has a subscription pricing")
    sold = [one for one in sold if not _is_contracted(worker, one)]
    by_date = quote["SBQQ__ContractingMethod__c"] != "Single Contract"
    _contract(worker, quote, sold, start=quote["SBQQ__StartDate__c"], by_date=by_date, order=None)


def _contract(
    worker: Worker,
    quote: Row,
    sold: list[Sold],
    *,
    start: Value,
    by_date: bool,
    order: Row | None,
) -> None:
    subscriptions = [one for one in sold if one.is_subscription]
    made: dict[str, str] = {}
    if quote["SBQQ__Type__c"] == "Amendment":
        master = worker.store.live("Contract", quote["SBQQ__MasterContract__c"])
        if master is None:
            raise JobRefused("an amendment needs its master contract")
        _subscribe_all(worker, quote, master, subscriptions, made)
        terminate_ended(worker, subscriptions)
        forecast_again(worker, master["Id"])
    else:
        for is_evergreen, group in _grouped(subscriptions, by_date=by_date):
            contract_id = worker.insert(
                "Contract", _contract_of(quote, group, start, order, is_evergreen=is_evergreen)
            )
            contract = worker.store.live("Contract", contract_id)
            if contract is not None:
                _subscribe_all(worker, quote, contract, group, made)
    for one in sold:
        if not one.is_subscription:
            _own(worker, quote, one)
        if one.item is not None:
            worker.derive("OrderItem", one.item["Id"], SBQQ__Contracted__c=True)


def _is_contracted(worker: Worker, one: Sold) -> bool:
    return any(
        worker.store.live_lookup(name, "SBQQ__QuoteLine__c", one.line["Id"])
        for name in ("SBQQ__Subscription__c", "Asset")
    )


def _grouped(sold: Iterable[Sold], *, by_date: bool) -> Groups:
    """Evergreens apart; then by end date, all together, or alone where a product says so."""
    groups: dict[tuple[bool, str], list[Sold]] = {}
    for one in sold:
        key = str(one.end) if by_date else ""
        if one.method == "Contract Separately":
            key = str(one.line["Id"])
        groups.setdefault((one.is_evergreen, key), []).append(one)
    return [(is_evergreen, group) for (is_evergreen, _), group in groups.items()]


def _contract_of(
    quote: Row, group: list[Sold], start: Value, order: Row | None, *, is_evergreen: bool
) -> Row:
    ends = sorted(str(one.end) for one in group if one.end is not None)
    end = ends[-1] if ends else None
    months = None if end is None else Decimal(months_between(str(start), end))
    contract: Row = {
        "AccountId": quote["SBQQ__Account__c"],
        "StartDate": start,
        "EndDate": end,
        "ContractTerm": months,
        "SBQQ__Quote__c": quote["Id"],
        "SBQQ__Opportunity__c": quote["SBQQ__Opportunity2__c"],
        "SBQQ__Order__c": None if order is None else order["Id"],
        "SBQQ__RenewalTerm__c": decimal_or_none(quote["SBQQ__RenewalTerm__c"]) or months,
        "SBQQ__Evergreen__c": is_evergreen,
    }
    if "CurrencyIsoCode" in quote:
        contract["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
    return contract


def _subscribe_all(
    worker: Worker, quote: Row, contract: Row, sold: list[Sold], made: dict[str, str]
) -> None:
    for one in sold:
        bundle = made.get(str(one.line["SBQQ__RequiredBy__c"]))
        made[str(one.line["Id"])] = subscribe(worker, quote, contract, one, bundle)


def _own(worker: Worker, quote: Row, one: Sold) -> None:
    """Assets of what is sold once, as its product converts: one, one per unit, or none."""
    product = worker.store.live("Product2", one.line["SBQQ__Product__c"])
    if product is None or product["SBQQ__AssetConversion__c"] is None or one.quantity <= 0:
        return
    is_per_unit = product["SBQQ__AssetConversion__c"] == "One per unit"
    for _ in range(int(one.quantity) if is_per_unit else 1):
        asset: Row = {
            "Name": product["Name"],
            "AccountId": quote["SBQQ__Account__c"],
            "Product2Id": product["Id"],
            "Quantity": Decimal(1) if is_per_unit else one.quantity,
            "PurchaseDate": one.start,
            "SBQQ__QuoteLine__c": one.line["Id"],
            "SBQQ__OrderProduct__c": None if one.item is None else one.item["Id"],
            "SBQQ__ListPrice__c": one.line["SBQQ__ListPrice__c"],
            "SBQQ__RegularPrice__c": one.line["SBQQ__RegularPrice__c"],
            "SBQQ__Discount__c": one.line["SBQQ__Discount__c"],
        }
        if "CurrencyIsoCode" in quote:
            asset["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
        asset_id = worker.insert("Asset", asset)
        if one.item is not None:
            worker.derive("OrderItem", one.item["Id"], SBQQ__Asset__c=asset_id)
