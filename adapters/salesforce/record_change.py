"""A change of a contract told to the CRM: one composite request, all or nothing.

The contract's record is brought to the version that holds now; the opportunity that asked says
what became of it. Stages, amounts and lines are the salesperson's and are not touched.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adapters.salesforce.client import SalesforceClient
from adapters.salesforce.contract_row import (
    ID_LENGTH,
    KEY_FIELD,
    STATUS_LENGTH,
    crm_record,
    stored_key,
)
from adapters.salesforce.errors import SEQUENCE_FIELD
from adapters.salesforce.renewal_forecast import Forecast
from adapters.salesforce.sending import patch, send_all, written_id
from adapters.salesforce.soql import record_id
from adapters.salesforce.translate import inclusive
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CrmRecord
from dealthread.domain.span import whole_periods
from dealthread.outcome import Done, Outcome, Unknown
from dealthread.ports.crm import CrmChange


def contract_fields(command: CrmChange, idempotency_key: str) -> dict[str, Any]:
    """The contract's record after the change."""
    contract = command.contract
    end = contract.end_date or contract.committed_until
    fields: dict[str, Any] = {
        "Dealthread_End__c": inclusive(end),
        # Evergreen has no total value: none was committed.
        "Dealthread_TCV__c": contract.tcv().amount if end else None,
        "Dealthread_Version__c": contract.version,
        "Dealthread_Change_Id__c": command.change_id[:ID_LENGTH],
        "Dealthread_Change_Status__c": command.change_status[:STATUS_LENGTH],
        "Dealthread_Change_Booking_Id__c": command.booking.native_id if command.booking else None,
        "Dealthread_Status__c": command.status[:STATUS_LENGTH],
        "Dealthread_Status_At__c": command.status_at,
        SEQUENCE_FIELD: command.sequence,
        "Dealthread_Write_Key__c": stored_key(idempotency_key),
    }
    months = term_in_months(contract)
    if months is not None:
        fields["ContractTerm"] = months
    return fields


def term_in_months(contract: Contract) -> int | None:
    """From the first day to the end; None where that is no whole number, or there is no end."""
    if contract.end_date is None or contract.end_date <= contract.start_date:
        return None
    count, share = whole_periods(contract.start_date, contract.end_date, 1)
    return count if not share and count else None


def opportunity_fields(command: CrmChange) -> dict[str, Any]:
    """What a salesperson sees on the opportunity that asked."""
    status, _, reason = command.change_status.partition(":")
    return {
        "Dealthread_Status__c": command.change_status[:STATUS_LENGTH],
        "Dealthread_Status_At__c": command.status_at,
        SEQUENCE_FIELD: command.sequence,
        "Dealthread_Workflow_Id__c": command.change_id[:ID_LENGTH],
        KEY_FIELD: command.contract.key,
        "Dealthread_Last_Error__c": reason.strip()[:255] if status == "stopped" else None,
    }


def record_change(
    client: SalesforceClient,
    version: str,
    org: str,
    command: CrmChange,
    idempotency_key: str,
    forecast: Forecast | None,
) -> Outcome[CrmRecord]:
    """Blocking. A record that is not there is not made: a change alone would make a stub."""
    body = contract_fields(command, idempotency_key) | (forecast.on_contract if forecast else {})
    path = f"Contract/{KEY_FIELD}/{quote(command.contract.key, safe='')}?updateOnly=true"
    parts = [patch("contract", version, path, body)]
    if command.deal_id:
        asking = f"Opportunity/{record_id(command.deal_id, 'deal_id')}"
        parts.append(patch("deal", version, asking, opportunity_fields(command)))
    parts.extend(forecast.parts if forecast else ())
    outcome = send_all(client, "record_change", parts)
    if not isinstance(outcome, Done):
        return outcome
    native_id = written_id(client, version, outcome.value["contract"], command.contract.key)
    if native_id is None:
        return Unknown("answer_without_id")
    return Done(crm_record(org, native_id, command.status))
