"""The contract's record in the org: found by our key, known by the last write applied to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from adapters.http import act_key
from adapters.salesforce.client import AnswerLost, CallFailed, Part, SalesforceClient
from adapters.salesforce.errors import SEQUENCE_FIELD, read_error
from adapters.salesforce.record import Record, records_of
from adapters.salesforce.soql import literal, query_url, select
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.errors import VendorUnavailable

KEY_FIELD = "Dealthread_Contract_Key__c"
WRITE_KEY_LENGTH = 120
STATUS_LENGTH = 80
ID_LENGTH = 120
"""Of the fields that hold a workflow's or a change's id."""

_FIELDS = [
    "Id",
    "Dealthread_Status__c",
    "Dealthread_Write_Key__c",
    SEQUENCE_FIELD,
    "Dealthread_Previous_Ids__c",
]


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


def row_part(version: str, contract_key: str) -> Part:
    """The query for the row, as a part named `contract`."""
    query = select(_FIELDS, "Contract", [(KEY_FIELD, "=", literal(contract_key))], limit=2)
    return {"method": "GET", "url": query_url(version, query), "referenceId": "contract"}


def look_up(client: SalesforceClient, operation: str, parts: list[Part]) -> dict[str, list[Record]]:
    """Blocking. Rows of several queries in one call, by name. Raises transport errors."""
    try:
        answer = client.composite(operation, parts, all_or_none=False)
    except CallFailed as failure:
        raise read_error(failure.error) from None
    except AnswerLost as lost:
        raise VendorUnavailable(lost.code) from None
    found: dict[str, list[Record]] = {}
    for name, part in answer.items():
        error = part.error()
        if error is not None:
            raise read_error(error)
        found[name] = records_of(part.body, name)
    return found


def find_row(client: SalesforceClient, version: str, contract_key: str) -> ContractRow | None:
    """Blocking, strongly consistent: by the unique external id. Raises transport errors."""
    return row_of(look_up(client, "find_contract", [row_part(version, contract_key)])["contract"])


def row_of(rows: list[Record]) -> ContractRow | None:
    """The row, where there is one."""
    if not rows:
        return None
    row = rows[0]
    return ContractRow(
        native_id=row.key("Id"),
        status=row.text("Dealthread_Status__c"),
        write_key=row.text("Dealthread_Write_Key__c"),
        sequence=row.whole(SEQUENCE_FIELD) or 0,
        previous_ids=row.text("Dealthread_Previous_Ids__c"),
    )


def crm_record(org: str, native_id: str, status: str) -> CrmRecord:
    """Reference to the contract's record."""
    ref = Ref(system=System.CRM, account=org, kind="contract", native_id=native_id)
    return CrmRecord(ref=ref, status=status)
