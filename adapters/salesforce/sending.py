"""Rows sent in one composite request, all or nothing, and what its answer means."""

from __future__ import annotations

from typing import Any

from adapters.salesforce.client import AnswerLost, CallFailed, Part, PartAnswer, SalesforceClient
from adapters.salesforce.contract_row import find_row
from adapters.salesforce.errors import VendorError, write_error
from dealthread.errors import TransportError
from dealthread.outcome import Done, Outcome, Unknown

_HALTED = "PROCESSING_HALTED"


def patch(reference: str, version: str, path: str, body: dict[str, Any]) -> Part:
    """Update or upsert one row."""
    return _part("PATCH", reference, version, path, body)


def post(reference: str, version: str, sobject: str, body: dict[str, Any]) -> Part:
    """Create one row."""
    return _part("POST", reference, version, sobject, body)


def send_all(
    client: SalesforceClient, operation: str, parts: list[Part]
) -> Outcome[dict[str, PartAnswer]]:
    """Blocking. The parts' answers where every one of them went through."""
    try:
        answer = client.composite(operation, parts, all_or_none=True)
    except CallFailed as failure:
        return write_error(failure.error)
    except AnswerLost as lost:
        return Unknown(lost.code)
    error = _first_error(answer)
    return Done(answer) if error is None else write_error(error)


def written_id(
    client: SalesforceClient, version: str, part: PartAnswer, contract_key: str
) -> str | None:
    """Blocking. Id of the contract's row that was written; None where nobody knows it."""
    native_id = part.body.get("id") if isinstance(part.body, dict) else None
    if isinstance(native_id, str) and native_id:
        return native_id
    # Some API versions answer an update of an existing record with 204 and no body.
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


def _part(method: str, reference: str, version: str, path: str, body: dict[str, Any]) -> Part:
    return {
        "method": method,
        "url": f"/services/data/v{version}/sobjects/{path}",
        "referenceId": reference,
        "body": body,
    }
