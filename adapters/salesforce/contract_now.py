"""Contract records as the org holds them now: those of several contracts in one call."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.salesforce.client import SalesforceClient
from adapters.salesforce.contract_row import KEY_FIELD, look_up
from adapters.salesforce.record import Record, drift
from adapters.salesforce.soql import literals, query_url, select
from adapters.salesforce.translate import exclusive
from dealthread.domain.base import Ref, System
from dealthread.domain.comparison.seen import CrmContract

_FIELDS = [
    "Id",
    KEY_FIELD,
    "AccountId",
    "StartDate",
    "ContractTerm",
    "LastModifiedDate",
    "Dealthread_Status__c",
    "Dealthread_End__c",
    "Dealthread_Version__c",
    "Dealthread_TCV__c",
    "Dealthread_Billing_Account__c",
    "Dealthread_Booking_Company__c",
    "Dealthread_Subscription_Id__c",
    "Dealthread_Booking_Id__c",
    "Dealthread_Entitlement_Id__c",
]
MOST = 100
"""Keys in one query: its text stays far below the longest that the org takes."""


def contracts_now(
    client: SalesforceClient, version: str, org: str, keys: Sequence[str]
) -> tuple[CrmContract, ...]:
    """Blocking: one call for each hundred. Raises transport errors and ContractDrift."""
    found: list[CrmContract] = []
    for first in range(0, len(keys), MOST):
        wanted = [(KEY_FIELD, "IN", literals(keys[first : first + MOST]))]
        query = select(_FIELDS, "Contract", wanted, order_by=["Id"])
        part = {"method": "GET", "url": query_url(version, query), "referenceId": "contracts"}
        rows = look_up(client, "contracts_now", [part])["contracts"]
        found += [_contract(org, row) for row in rows]
    return tuple(found)


def _contract(org: str, row: Record) -> CrmContract:
    changed_at = row.instant("LastModifiedDate")
    if changed_at is None:
        raise drift(row.name("LastModifiedDate"))
    return CrmContract(
        contract_key=row.text(KEY_FIELD),
        ref=Ref(system=System.CRM, account=org, kind="contract", native_id=row.key("Id")),
        account_id=row.key_or_none("AccountId") or "",
        status=row.text("Dealthread_Status__c"),
        start_date=row.day("StartDate"),
        end_date=exclusive(row.day("Dealthread_End__c")),
        term_months=row.whole("ContractTerm"),
        # Written from the second version on.
        version=row.whole("Dealthread_Version__c") or 1,
        total_value=row.number("Dealthread_TCV__c"),
        billing_account=row.text("Dealthread_Billing_Account__c"),
        booking_company=row.text("Dealthread_Booking_Company__c"),
        subscription=row.text("Dealthread_Subscription_Id__c"),
        booking=row.text("Dealthread_Booking_Id__c"),
        entitlement=row.text("Dealthread_Entitlement_Id__c"),
        changed_at=changed_at,
    )
