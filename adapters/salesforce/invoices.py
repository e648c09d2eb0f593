"""An invoice shown in the CRM: one record, created or updated by its external id, and one for each
of its credit notes.

The id is the billing account's and the invoice's, so that a repeat, also after a lost answer,
brings the same record to the same state. The contract is named by our own key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from adapters.salesforce import credit_notes
from adapters.salesforce.client import Part, PartAnswer, SalesforceClient
from adapters.salesforce.contract_row import KEY_FIELD, look_up
from adapters.salesforce.sending import patch, send_all
from adapters.salesforce.soql import literal, query_url, record_id, select
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.errors import InvariantBroken, TransportError
from dealthread.outcome import Done, Outcome, Unknown
from dealthread.ports.crm import CollectionsMirror, InvoiceMirror

OBJECT = "Dealthread_Invoice__c"
INVOICE_ID = "Dealthread_Invoice_Id__c"
ID_LENGTH = 80
NUMBER_LENGTH = 80
DOCUMENT_LENGTH = 40
PARTS_LIMIT = 25
"""Of one composite request."""


def external_id(invoice: Ref) -> str:
    """The billing account and the id: ids alone are unique inside one account only."""
    found = f"{invoice.account}:{invoice.native_id}"
    if not invoice.account or not invoice.native_id or len(found) > ID_LENGTH:
        raise InvariantBroken("invoice_id_length")
    return found


def invoice_fields(command: InvoiceMirror) -> dict[str, Any]:
    """The record; what is not known is emptied, so that it never says more than the biller."""
    fields: dict[str, Any] = {
        "Dealthread_Number__c": command.number[:NUMBER_LENGTH] or None,
        "Dealthread_Status__c": command.status,
        "CurrencyIsoCode": command.currency,
        "Dealthread_Total__c": command.gross.amount,
        "Dealthread_Amount_Due__c": command.remaining.amount,
        "Dealthread_Issued_On__c": command.issue_date,
        "Dealthread_Due_On__c": command.due_date,
        "Dealthread_Paid_On__c": command.paid_on,
        "Dealthread_Document_Id__c": _document(command.document),
    }
    return fields | _owners(command)


def collections_fields(command: CollectionsMirror) -> dict[str, Any]:
    """The pursuit's part of the record, and no other: the rest is told by the invoice's mirror."""
    return {
        "Dealthread_Collections__c": command.state,
        "Dealthread_Collections_Stage__c": command.stage,
        "Dealthread_Suspended__c": command.suspended,
        "Dealthread_Promised_Until__c": command.promised_until,
    } | _owners(command)


def mirror(
    client: SalesforceClient, version: str, org: str, command: InvoiceMirror
) -> Outcome[CrmRecord]:
    """Blocking. Create the invoice's record or bring it up to date, and those of its credits."""
    owners = _owners(command) | {
        "Dealthread_Invoice__r": {INVOICE_ID: external_id(command.invoice)}
    }
    parts = [
        credit_notes.part(number, version, credit, owners)
        for number, credit in enumerate(command.credits, 1)
    ]
    # With the invoice they are one call, and all or nothing; there are seldom more.
    with_it, later = parts[: PARTS_LIMIT - 1], parts[PARTS_LIMIT - 1 :]
    wire = ("mirror_invoice", invoice_fields(command))
    made = _write(client, version, org, command.invoice, command.status, *wire, with_it)
    while later and isinstance(made, Done):
        try:
            sent = send_all(client, "mirror_credits", later[:PARTS_LIMIT])
        except TransportError as error:
            # The invoice's record is written: what is missing must not look like "no effect".
            return Unknown(error.code)
        if not isinstance(sent, Done):
            return sent
        later = later[PARTS_LIMIT:]
    return made


def show_collections(
    client: SalesforceClient, version: str, org: str, command: CollectionsMirror
) -> Outcome[CrmRecord]:
    """Blocking. Put the pursuit's state on the invoice's record."""
    wire = ("show_collections", collections_fields(command))
    return _write(client, version, org, command.invoice, command.state, *wire)


def _write(
    client: SalesforceClient,
    version: str,
    org: str,
    invoice: Ref,
    status: str,
    operation: str,
    fields: dict[str, Any],
    more: Sequence[Part] = (),
) -> Outcome[CrmRecord]:
    key = external_id(invoice)
    path = f"{OBJECT}/{INVOICE_ID}/{quote(key, safe='')}"
    outcome = send_all(client, operation, [patch("invoice", version, path, fields), *more])
    if not isinstance(outcome, Done):
        return outcome
    native_id = _written_id(client, version, outcome.value["invoice"], key)
    if native_id is None:
        return Unknown("answer_without_id")
    ref = Ref(system=System.CRM, account=org, kind="invoice", native_id=native_id)
    return Done(CrmRecord(ref=ref, status=status))


def _owners(command: InvoiceMirror | CollectionsMirror) -> dict[str, Any]:
    """Whose the invoice is, where that is known."""
    fields: dict[str, Any] = {}
    if command.account_id:
        fields["Dealthread_Account__c"] = record_id(command.account_id, "account_id")
    if command.contract_key:
        fields["Dealthread_Contract__r"] = {KEY_FIELD: command.contract_key}
    return fields


def _document(document: Ref | None) -> str | None:
    if document is None:
        return None
    if len(document.native_id) > DOCUMENT_LENGTH:
        raise InvariantBroken("document_id_length")
    return document.native_id


def _written_id(client: SalesforceClient, version: str, part: PartAnswer, key: str) -> str | None:
    native_id = part.body.get("id") if isinstance(part.body, dict) else None
    if isinstance(native_id, str) and native_id:
        return native_id
    # Some API versions answer an update of an existing record with 204 and no body.
    query = select(["Id"], OBJECT, [(INVOICE_ID, "=", literal(key))], limit=2)
    row = {"method": "GET", "url": query_url(version, query), "referenceId": "invoice"}
    try:
        rows = look_up(client, "find_invoice", [row])["invoice"]
    except TransportError:
        # The write has gone through: a failed look-up must not look like "no effect".
        return None
    return rows[0].key("Id") if rows else None
