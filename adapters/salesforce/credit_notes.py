"""Credit notes shown in the CRM, each a record of its own under its invoice's.

An org that has no such object, or hides it from our user, shows what it showed before: the
invoice's own stand, which every credit lowers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adapters.salesforce.client import AnswerLost, CallFailed, Part, SalesforceClient
from adapters.salesforce.errors import read_error
from adapters.salesforce.sending import patch
from dealthread.domain.base import Ref
from dealthread.errors import InvariantBroken, VendorUnavailable
from dealthread.ports.crm import CreditMirror

OBJECT = "Dealthread_Credit_Note__c"
CREDIT_ID = "Dealthread_Credit_Note_Id__c"
ID_LENGTH = 80
TEXT_LENGTH = 80


def is_installed(client: SalesforceClient) -> bool:
    """Blocking, one call: whether the org shows our user the object. Raises transport errors."""
    try:
        client.get("describe_credit_note", f"sobjects/{OBJECT}/describe")
    except CallFailed as failure:
        if failure.error.status == 404:
            return False
        raise read_error(failure.error) from None
    except AnswerLost as lost:
        raise VendorUnavailable(lost.code) from None
    return True


def part(number: int, version: str, credit: CreditMirror, owners: dict[str, Any]) -> Part:
    """Created or brought up to date by its external id: a repeat is the same."""
    key = _external_id(credit.credit)
    fields: dict[str, Any] = {
        "Dealthread_Number__c": credit.number[:TEXT_LENGTH] or None,
        "Dealthread_Status__c": "void" if credit.is_void else "issued",
        "CurrencyIsoCode": credit.gross.currency,
        "Dealthread_Total__c": credit.gross.amount,
        "Dealthread_Reason__c": credit.reason[:TEXT_LENGTH] or None,
        "Dealthread_Issued_On__c": credit.issue_date,
        "Dealthread_Voided_On__c": credit.voided_on,
    }
    path = f"{OBJECT}/{CREDIT_ID}/{quote(key, safe='')}"
    return patch(f"credit_{number}", version, path, fields | owners)


def _external_id(credit: Ref) -> str:
    found = f"{credit.account}:{credit.native_id}"
    if not credit.account or not credit.native_id or len(found) > ID_LENGTH:
        raise InvariantBroken("credit_note_id_length")
    return found
