"""Which deals are won: ids alone, a page by its last id; what they say is read one by one."""

from __future__ import annotations

from datetime import date

from adapters.salesforce.client import SalesforceClient
from adapters.salesforce.contract_row import look_up
from adapters.salesforce.record import drift
from adapters.salesforce.soql import literal, query_url, record_id, select
from dealthread.domain.deal import DealKind
from dealthread.ports.crm import WonDeal

_FIELDS = ["Id", "SystemModstamp", "Dealthread_Kind__c"]


def won_deals(
    client: SalesforceClient, version: str, org: str, closed_from: date, after: str, limit: int
) -> tuple[WonDeal, ...]:
    """Blocking: one call. Raises transport errors and ContractDrift."""
    where = [("IsWon", "=", "true"), ("CloseDate", ">=", closed_from.isoformat())]
    if after:
        where.append(("Id", ">", literal(record_id(after, "after"))))
    query = select(_FIELDS, "Opportunity", where, order_by=["Id"], limit=limit)
    part = {"method": "GET", "url": query_url(version, query), "referenceId": "deals"}
    found = []
    for row in look_up(client, "won_deals", [part])["deals"]:
        changed_at = row.instant("SystemModstamp")
        if changed_at is None:
            raise drift(row.name("SystemModstamp"))
        found.append(
            WonDeal(
                org=org,
                deal_id=row.key("Id"),
                kind=row.choice("Dealthread_Kind__c", DealKind) or DealKind.NEW,
                changed_at=changed_at,
            )
        )
    return tuple(found)
