"""The contract's state told to the CRM: one composite request, all or nothing.

Only fields that the hub owns are written (`Dealthread_…__c` and, on the contract record that is
ours, its dates). The standard `Status` of the contract is left to the org: activating a record
there starts automations of its own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adapters.salesforce.client import Part, SalesforceClient
from adapters.salesforce.contract_row import (
    ID_LENGTH,
    KEY_FIELD,
    STATUS_LENGTH,
    ContractRow,
    crm_record,
    find_row,
    stored_key,
)
from adapters.salesforce.errors import SEQUENCE_FIELD
from adapters.salesforce.renewal_forecast import Forecast
from adapters.salesforce.sending import patch, send_all, written_id
from adapters.salesforce.soql import record_id
from adapters.salesforce.translate import inclusive
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.errors import InvariantBroken
from dealthread.outcome import Done, Outcome, Unknown
from dealthread.ports.crm import CrmWriteBack

PREVIOUS_IDS_LENGTH = 32_000


def contract_fields(command: CrmWriteBack, idempotency_key: str) -> dict[str, Any]:
    """The contract record while the deal goes on."""
    contract = command.contract
    if contract is None:
        raise InvariantBroken("contract_missing_in_write_back", contract=command.contract_key)
    end = contract.end_date or contract.committed_until
    fields: dict[str, Any] = {
        "AccountId": record_id(command.account_id, "account_id"),
        "StartDate": contract.start_date,
        "Dealthread_Opportunity__c": record_id(command.deal_id, "deal_id"),
        "Dealthread_Seller__c": contract.seller,
        "Dealthread_End__c": inclusive(end),
        # Evergreen has no total value: none was committed.
        "Dealthread_TCV__c": contract.tcv().amount if end else None,
        "CurrencyIsoCode": contract.currency,
        "Dealthread_Billing_Account__c": contract.billing_account,
        "Dealthread_Booking_Company__c": contract.erp_company,
        "Dealthread_Subscription_Id__c": _native(command.subscription),
        "Dealthread_Booking_Id__c": _native(command.booking),
        "Dealthread_Entitlement_Id__c": _native(command.entitlement),
        **_state(command),
        "Dealthread_Write_Key__c": stored_key(idempotency_key),
    }
    if contract.term_months is not None:
        fields["ContractTerm"] = contract.term_months
    return fields


def withdrawn_fields(
    command: CrmWriteBack, idempotency_key: str, previous_ids: str
) -> dict[str, Any]:
    """The contract record after it was stopped: ids leave the active fields, history keeps them."""
    return {
        "Dealthread_Subscription_Id__c": None,
        "Dealthread_Booking_Id__c": None,
        "Dealthread_Entitlement_Id__c": None,
        "Dealthread_Previous_Ids__c": history(command, previous_ids),
        **_state(command),
        "Dealthread_Write_Key__c": stored_key(idempotency_key),
    }


def history(command: CrmWriteBack, previous_ids: str) -> str:
    """One line per native reference, with the sequence it left at; a repeated withdrawal, which has
    a sequence of its own, adds nothing."""
    lines = previous_ids.splitlines()
    known = {line.partition("|")[2] for line in lines}
    refs = [ref for ref in (command.subscription, command.booking, command.entitlement) if ref]
    lines += [f"{command.sequence}|{ref}" for ref in refs if str(ref) not in known]
    # The newest stay when the field is full.
    return "\n".join(lines)[-PREVIOUS_IDS_LENGTH:]


def opportunity_fields(command: CrmWriteBack, last_error: str) -> dict[str, Any]:
    """The status a salesperson sees on the deal."""
    return {
        **_state(command),
        "Dealthread_Workflow_Id__c": command.workflow_id[:ID_LENGTH],
        KEY_FIELD: command.contract_key,
        "Dealthread_Last_Error__c": last_error or None,
    }


def record(
    client: SalesforceClient,
    version: str,
    org: str,
    command: CrmWriteBack,
    idempotency_key: str,
    forecast: Forecast | None = None,
) -> Outcome[CrmRecord]:
    """Blocking. Create or update the contract record, the status fields and the renewal."""
    body = contract_fields(command, idempotency_key) | (forecast.on_contract if forecast else {})
    parts = [
        patch("contract", version, _by_key(command.contract_key), body),
        patch("deal", version, _deal(command), opportunity_fields(command, "")),
        patch(
            "account",
            version,
            f"Account/{record_id(command.account_id, 'account_id')}",
            {"Dealthread_Customer_Key__c": command.customer_key},
        ),
        *(forecast.parts if forecast else ()),
    ]
    return _write(client, version, org, command, "record_contract", parts)


def withdraw(
    client: SalesforceClient, version: str, org: str, command: CrmWriteBack, idempotency_key: str
) -> Outcome[CrmRecord]:
    """Blocking. Where no contract record exists none is made: only the deal says why it stopped."""
    row = find_row(client, version, command.contract_key)
    reason = command.status.partition(":")[2].strip()
    parts = [patch("deal", version, _deal(command), opportunity_fields(command, reason[:255]))]
    if row is not None:
        body = withdrawn_fields(command, idempotency_key, row.previous_ids)
        parts.insert(0, patch("contract", version, f"Contract/{row.native_id}", body))
    return _write(client, version, org, command, "withdraw_contract", parts, row)


def _write(
    client: SalesforceClient,
    version: str,
    org: str,
    command: CrmWriteBack,
    operation: str,
    parts: list[Part],
    row: ContractRow | None = None,
) -> Outcome[CrmRecord]:
    outcome = send_all(client, operation, parts)
    if not isinstance(outcome, Done):
        return outcome
    answer = outcome.value
    if "contract" not in answer:
        ref = Ref(
            system=System.CRM,
            account=org,
            kind="opportunity",
            native_id=record_id(command.deal_id, "deal_id"),
        )
        return Done(CrmRecord(ref=ref, status=command.status))
    native_id = (
        row.native_id
        if row
        else written_id(client, version, answer["contract"], command.contract_key)
    )
    if native_id is None:
        return Unknown("answer_without_id")
    return Done(crm_record(org, native_id, command.status))


def _state(command: CrmWriteBack) -> dict[str, Any]:
    return {
        "Dealthread_Status__c": command.status[:STATUS_LENGTH],
        "Dealthread_Status_At__c": command.status_at,
        SEQUENCE_FIELD: command.sequence,
    }


def _native(ref: Ref | None) -> str | None:
    return ref.native_id if ref else None


def _by_key(contract_key: str) -> str:
    return f"Contract/{KEY_FIELD}/{quote(contract_key, safe='')}"


def _deal(command: CrmWriteBack) -> str:
    return f"Opportunity/{record_id(command.deal_id, 'deal_id')}"
