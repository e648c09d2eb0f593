"""Makes the opportunity and the quote with which a contract is amended.

Help, "Guidelines for Amending Subscription Start Dates" and "Amend from an Opportunity": the quote
starts on the contract's amendment start date, or today, not before the contract; it ends with the
contract and has a line for each subscription, with the quantity of now as quantity and as prior
quantity. A subscription that starts later keeps its start.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.cpq.background import JobRefused
from dealthread.simulators.salesforce.cpq.quote_rules import LINE, QUOTE
from dealthread.simulators.salesforce.cpq.subscriptions import SUBSCRIPTION, chain_of, quantity_of
from dealthread.simulators.salesforce.cpq.vocabulary import FIXED_PRICE
from dealthread.simulators.salesforce.rules.save import Worker
from dealthread.simulators.salesforce.rules.stages import STAGES
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store

KEPT = (
    "SBQQ__Product__c",
    "SBQQ__BillingFrequency__c",
    "SBQQ__BillingType__c",
    "SBQQ__ChargeType__c",
    "SBQQ__SubscriptionType__c",
    "SBQQ__ProductSubscriptionType__c",
    "SBQQ__PricingMethod__c",
    "SBQQ__ListPrice__c",
    "SBQQ__Discount__c",
    "SBQQ__Number__c",
    "SBQQ__Bundle__c",
    "SBQQ__Bundled__c",
    "SBQQ__BundledQuantity__c",
    "SBQQ__SegmentIndex__c",
    "SBQQ__SegmentKey__c",
    "SBQQ__SegmentLabel__c",
)
"""What a line of an amendment or a renewal takes from its subscription."""


def amend(worker: Worker, contract_id: str) -> str:
    """Make the amendment; the quote's id. Raises JobRefused."""
    contract = worker.store.live("Contract", contract_id)
    if contract is None:
        raise JobRefused("there is no such contract")
    if contract["StatusCode"] != "Activated":
        raise JobRefused("only an active contract can be amended")
    start = _start_of(contract, worker.now[:10])
    if contract["EndDate"] is not None and start > str(contract["EndDate"]):
        raise JobRefused("the contract has ended")
    opportunity_id = worker.insert(
        "Opportunity",
        {
            "Name": f"Amendment for contract #{contract['ContractNumber']}",
            "StageName": contract["SBQQ__AmendmentOpportunityStage__c"] or first_stage(),
            "CloseDate": start,
            "SBQQ__AmendedContract__c": contract_id,
            **shared_with(contract),
        },
    )
    quote_id = worker.insert(
        QUOTE,
        {
            "SBQQ__Opportunity2__c": opportunity_id,
            "SBQQ__Type__c": "Amendment",
            "SBQQ__MasterContract__c": contract_id,
            "SBQQ__StartDate__c": start,
            "SBQQ__EndDate__c": contract["EndDate"],
            "SBQQ__PricebookId__c": book_of(worker.store, contract),
        },
    )
    made: dict[str, str] = {}
    for root in roots_of(worker.store, contract_id):
        quantity = quantity_of(chain_of(worker.store, root))
        end = root["SBQQ__EndDate__c"]
        if quantity == 0 or (end is not None and str(end) < start):
            continue
        made[str(root["Id"])] = worker.insert(LINE, _line_of(root, quote_id, quantity, start))
    keep_bundles(worker, made)
    worker.update(QUOTE, quote_id, {"SBQQ__Primary__c": True})
    return quote_id


def _start_of(contract: Row, today: str) -> str:
    first = str(contract["StartDate"] or today)
    wanted = contract["SBQQ__AmendmentStartDate__c"]
    if wanted is None:
        return max(today, first)
    if str(wanted) < first:
        raise JobRefused("the amendment start date is before the contract's start date")
    return str(wanted)


def _line_of(root: Row, quote_id: str, quantity: Decimal, start: str) -> Row:
    began = root["SBQQ__StartDate__c"]
    is_later = began is not None and str(began) > start
    return {
        **{name: root[name] for name in KEPT},
        "SBQQ__Quote__c": quote_id,
        "SBQQ__SubscriptionPricing__c": FIXED_PRICE,
        "SBQQ__Existing__c": True,
        "SBQQ__Quantity__c": quantity,
        "SBQQ__PriorQuantity__c": quantity,
        "SBQQ__UpgradedSubscription__c": root["Id"],
        "SBQQ__StartDate__c": began if is_later else None,
        "SBQQ__EndDate__c": root["SBQQ__SubscriptionEndDate__c"],
    }


def roots_of(store: Store, contract_id: object) -> list[Row]:
    """The subscriptions of a contract that revise no other."""
    found = store.live_lookup(SUBSCRIPTION, "SBQQ__Contract__c", str(contract_id))
    return [row for row in found if row["SBQQ__RevisedSubscription__c"] is None]


def keep_bundles(worker: Worker, lines: dict[str, str]) -> None:
    """Tie the lines of components to the line of their bundle: subscription → line."""
    for subscription_id, line_id in lines.items():
        row = worker.store.live(SUBSCRIPTION, subscription_id)
        bundle = None if row is None else lines.get(str(row["SBQQ__RequiredById__c"]))
        if bundle is not None:
            worker.update(LINE, line_id, {"SBQQ__RequiredBy__c": bundle})


def shared_with(contract: Row) -> Row:
    """Account and currency of a contract, for an opportunity."""
    names = ["AccountId", *(["CurrencyIsoCode"] if "CurrencyIsoCode" in contract else [])]
    return {name: contract[name] for name in names}


def book_of(store: Store, contract: Row) -> str | None:
    """The price book of the quote that the contract comes from."""
    quote = store.live(QUOTE, contract["SBQQ__Quote__c"])
    book = contract["Pricebook2Id"] if quote is None else quote["SBQQ__PricebookId__c"]
    return None if book is None else str(book)


def first_stage() -> str:
    """The first stage of the pipeline."""
    return next(iter(STAGES))
