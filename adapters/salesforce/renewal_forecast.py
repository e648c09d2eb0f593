"""The open renewal of a contract's next term: found before it is made.

Where CPQ is present its own flag on the contract makes the forecast, and an opportunity inserted
beside it would be a second one. Without CPQ the opportunity is ours, under a unique key; once it
is there its stage and its amount are the salesperson's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.salesforce.client import Part, SalesforceClient
from adapters.salesforce.contract_row import KEY_FIELD, ContractRow, look_up, row_of, row_part
from adapters.salesforce.package import FORECAST_FIELD, Package
from adapters.salesforce.record import Record
from adapters.salesforce.sending import patch, post
from adapters.salesforce.soql import literal, query_url, record_id, select
from adapters.salesforce.translate import inclusive
from dealthread.domain.contract import Contract
from dealthread.domain.deal import DealKind
from dealthread.domain.money import Money
from dealthread.naming import renewal_id

RENEWAL_KEY = "Dealthread_Renewal_Key__c"
_CPQ_FIELDS = ["Id", "EndDate", FORECAST_FIELD, KEY_FIELD]


@dataclass(frozen=True)
class Forecast:
    """What has to be written so that the renewal is there."""

    row: ContractRow | None
    """The contract's record, where it exists."""
    on_contract: dict[str, Any]
    """Fields of the contract's own record."""
    parts: tuple[Part, ...] = ()


def forecast(
    client: SalesforceClient,
    version: str,
    package: Package,
    contract: Contract,
    price: Money | None,
    stage: str,
) -> Forecast | None:
    """Blocking, one call. None for a contract without an end. Raises transport errors."""
    if contract.end_date is None:
        return None
    if package.has_cpq:
        return _by_package(client, version, contract, can_write_end=package.can_write_end)
    key = renewal_id(contract.key, contract.end_date)
    query = select(["Id", "Amount"], "Opportunity", [(RENEWAL_KEY, "=", literal(key))], limit=2)
    found = look_up(client, "find_renewal", [row_part(version, contract.key), _get(version, query)])
    row = row_of(found["contract"])
    if found["renewal"]:
        return Forecast(row, {}, _first_amount(version, found["renewal"][0], price))
    # A plain create: should a late copy of this request arrive, the unique key refuses it, where
    # an update would set a renewal back that somebody has moved on.
    body = opportunity_fields(contract, price, stage, row.native_id if row else "@{contract.id}")
    return Forecast(row, {}, (post("renewal", version, "Opportunity", body),))


def _first_amount(version: str, renewal: Record, price: Money | None) -> tuple[Part, ...]:
    """The price of a renewal that was there before it had one. An amount that somebody gave
    stays."""
    if price is None or renewal.number("Amount") is not None:
        return ()
    path = f"Opportunity/{renewal.key('Id')}"
    return (patch("renewal", version, path, {"Amount": price.amount}),)


def opportunity_fields(
    contract: Contract, price: Money | None, stage: str, contract_id: str
) -> dict[str, Any]:
    """A renewal that nobody has worked on yet."""
    end = contract.end_date
    assert end is not None  # noqa: S101 - asked before
    terms = contract.renewal
    notice = terms.notice_days if terms else contract.notice_days or 0
    last_day = end - timedelta(days=1)
    return {
        "Name": f"Renewal of contract {contract.number} from {end.isoformat()}",
        "AccountId": record_id(contract.customer_ref.native_id, "account_id"),
        "ContractId": contract_id,
        "StageName": stage,
        "CloseDate": last_day - timedelta(days=notice),
        "Amount": price.amount if price else None,
        "CurrencyIsoCode": contract.currency,
        "Dealthread_Kind__c": DealKind.RENEWAL.value,
        "Dealthread_Effective_From__c": end,
        RENEWAL_KEY: renewal_id(contract.key, end),
    }


def _by_package(
    client: SalesforceClient, version: str, contract: Contract, *, can_write_end: bool
) -> Forecast:
    """CPQ makes contracts of its own from the deals: that which ends with the term holds what will
    be renewed. Only where CPQ made none the flag goes on our record."""
    first = ("SBQQ__Opportunity__c", "=", literal(record_id(contract.deal_id, "deal_id")))
    # The first deal bears the contract's key only after its write-back; later ones are found by it.
    later = ("SBQQ__Opportunity__r.Dealthread_Contract_Key__c", "=", literal(contract.key))
    parts = [
        row_part(version, contract.key),
        _get(version, select(_CPQ_FIELDS, "Contract", [first], order_by=["Id"])),
        _get(version, select(_CPQ_FIELDS, "Contract", [later], order_by=["Id"]), "later"),
    ]
    found = look_up(client, "find_renewal", parts)
    row = row_of(found["contract"])
    theirs = {one.key("Id"): one for one in (*found["renewal"], *found["later"])}
    last_day = inclusive(contract.end_date)
    if not theirs:
        fields: dict[str, Any] = {FORECAST_FIELD: True}
        if can_write_end:
            # Without an end the package forecasts nothing.
            fields["EndDate"] = last_day
        return Forecast(row, fields)
    waiting = [
        one
        for one in theirs.values()
        if one.day("EndDate") == last_day and not one.flag(FORECAST_FIELD)
    ]
    ours = [one for one in waiting if one.text(KEY_FIELD) == contract.key]
    others = [one for one in waiting if one.text(KEY_FIELD) != contract.key]
    return Forecast(
        row,
        {FORECAST_FIELD: True} if ours else {},
        tuple(_flagged(version, number, one) for number, one in enumerate(others)),
    )


def _flagged(version: str, number: int, row: Record) -> Part:
    path = f"Contract/{row.key('Id')}"
    return patch(f"forecast{number}", version, path, {FORECAST_FIELD: True})


def _get(version: str, query: str, name: str = "renewal") -> Part:
    return {"method": "GET", "url": query_url(version, query), "referenceId": name}
