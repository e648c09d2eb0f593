"""The contract's state told to the CRM: one composite request, all or nothing.

Only fields that the hub owns are written (`Dealthread_…__c` and, on the contract record that is
ours, its dates). The standard `Status` of the contract is left to the org: activating a record
there starts automations of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from adapters.http import act_key
from adapters.salesforce.client import AnswerLost, CallFailed, Part, PartAnswer, SalesforceClient
from adapters.salesforce.errors import SEQUENCE_FIELD, VendorError, read_error, write_error
from adapters.salesforce.record import Record, records_of
from adapters.salesforce.soql import literal, query_url, record_id, select
from adapters.salesforce.translate import inclusive
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.errors import InvariantBroken, TransportError, VendorUnavailable
from dealthread.outcome import Done, Outcome, Unknown
from dealthread.ports import CrmWriteBack

WRITE_KEY_LENGTH = 120
STATUS_LENGTH = 80
PREVIOUS_IDS_LENGTH = 32_000
_HALTED = "PROCESSING_HALTED"


@dataclass(frozen=True)
class ContractRow:
    """What the org holds about a contract of ours."""

    native_id: str
    status: str
    write_key: str
    sequence: int
    previous_ids: str


def stored_key(idempotency_key: str) -> str:
    """The act's key as the text field holds it: itself, or its digest where it is too long."""
    key = act_key(idempotency_key)
    if len(key) <= WRITE_KEY_LENGTH:
        return key
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


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
        "Dealthread_Workflow_Id__c": command.workflow_id[:120],
        "Dealthread_Contract_Key__c": command.contract_key,
        "Dealthread_Last_Error__c": last_error or None,
    }


def record(
    client: SalesforceClient, version: str, org: str, command: CrmWriteBack, idempotency_key: str
) -> Outcome[CrmRecord]:
    """Blocking. Create or update the contract record and the status fields."""
    body = contract_fields(command, idempotency_key)
    parts = [
        _patch("contract", version, _by_key(command.contract_key), body),
        _patch("deal", version, _deal(command), opportunity_fields(command, "")),
        _patch(
            "account",
            version,
            f"Account/{record_id(command.account_id, 'account_id')}",
            {"Dealthread_Customer_Key__c": command.customer_key},
        ),
    ]
    return _write(client, version, org, command, "record_contract", parts)


def withdraw(
    client: SalesforceClient, version: str, org: str, command: CrmWriteBack, idempotency_key: str
) -> Outcome[CrmRecord]:
    """Blocking. Where no contract record exists none is made: only the deal says why it stopped."""
    row = find_row(client, version, command.contract_key)
    reason = command.status.partition(":")[2].strip()
    parts = [_patch("deal", version, _deal(command), opportunity_fields(command, reason[:255]))]
    if row is not None:
        body = withdrawn_fields(command, idempotency_key, row.previous_ids)
        parts.insert(0, _patch("contract", version, f"Contract/{row.native_id}", body))
    return _write(client, version, org, command, "withdraw_contract", parts, row)


def find_row(client: SalesforceClient, version: str, contract_key: str) -> ContractRow | None:
    """Blocking, strongly consistent: by the unique external id. Raises transport errors."""
    query = select(
        [
            "Id",
            "Dealthread_Status__c",
            "Dealthread_Write_Key__c",
            SEQUENCE_FIELD,
            "Dealthread_Previous_Ids__c",
        ],
        "Contract",
        [("Dealthread_Contract_Key__c", "=", literal(contract_key))],
        limit=2,
    )
    part: Part = {"method": "GET", "url": query_url(version, query), "referenceId": "contract"}
    try:
        answer = client.composite("find_contract", [part], all_or_none=False)["contract"]
    except CallFailed as failure:
        raise read_error(failure.error) from None
    except AnswerLost as lost:
        raise VendorUnavailable(lost.code) from None
    error = answer.error()
    if error is not None:
        raise read_error(error)
    rows = records_of(answer.body, "Contract")
    return _row(rows[0]) if rows else None


def crm_record(org: str, native_id: str, status: str) -> CrmRecord:
    """Reference to the contract's record."""
    ref = Ref(system=System.CRM, account=org, kind="contract", native_id=native_id)
    return CrmRecord(ref=ref, status=status)


def _row(row: Record) -> ContractRow:
    return ContractRow(
        native_id=row.key("Id"),
        status=row.text("Dealthread_Status__c"),
        write_key=row.text("Dealthread_Write_Key__c"),
        sequence=row.whole(SEQUENCE_FIELD) or 0,
        previous_ids=row.text("Dealthread_Previous_Ids__c"),
    )


def _write(
    client: SalesforceClient,
    version: str,
    org: str,
    command: CrmWriteBack,
    operation: str,
    parts: list[Part],
    row: ContractRow | None = None,
) -> Outcome[CrmRecord]:
    try:
        answer = client.composite(operation, parts, all_or_none=True)
    except CallFailed as failure:
        return write_error(failure.error)
    except AnswerLost as lost:
        return Unknown(lost.code)
    error = _first_error(answer)
    if error is not None:
        return write_error(error)
    if "contract" not in answer:
        ref = Ref(
            system=System.CRM,
            account=org,
            kind="opportunity",
            native_id=record_id(command.deal_id, "deal_id"),
        )
        return Done(CrmRecord(ref=ref, status=command.status))
    native_id = row.native_id if row else _id_of(answer["contract"])
    if native_id is None:
        # Some API versions answer an update of an existing record with 204 and no body.
        native_id = _found_id(client, version, command.contract_key)
    if native_id is None:
        return Unknown("answer_without_id")
    return Done(crm_record(org, native_id, command.status))


def _found_id(client: SalesforceClient, version: str, contract_key: str) -> str | None:
    try:
        found = find_row(client, version, contract_key)
    except TransportError:
        # The write has gone through: a failed look-up must not look like "no effect".
        return None
    return found.native_id if found else None


def _first_error(answer: dict[str, PartAnswer]) -> VendorError | None:
    """The cause; the other parts of a rolled-back request only say that they were halted."""
    errors = [error for part in answer.values() if (error := part.error()) is not None]
    causes = [error for error in errors if error.code != _HALTED]
    return next(iter(causes or errors), None)


def _id_of(part: PartAnswer) -> str | None:
    native_id = part.body.get("id") if isinstance(part.body, dict) else None
    return native_id if isinstance(native_id, str) and native_id else None


def _state(command: CrmWriteBack) -> dict[str, Any]:
    return {
        "Dealthread_Status__c": command.status[:STATUS_LENGTH],
        "Dealthread_Status_At__c": command.status_at,
        SEQUENCE_FIELD: command.sequence,
    }


def _native(ref: Ref | None) -> str | None:
    return ref.native_id if ref else None


def _by_key(contract_key: str) -> str:
    return f"Contract/Dealthread_Contract_Key__c/{quote(contract_key, safe='')}"


def _deal(command: CrmWriteBack) -> str:
    return f"Opportunity/{record_id(command.deal_id, 'deal_id')}"


def _patch(reference: str, version: str, path: str, body: dict[str, Any]) -> Part:
    return {
        "method": "PATCH",
        "url": f"/services/data/v{version}/sobjects/{path}",
        "referenceId": reference,
        "body": body,
    }
