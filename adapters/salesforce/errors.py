"""What Salesforce's answers mean. Classified by errorCode, never by class or message.

simple-salesforce turns every 400 into one exception class, so that a locked row looks like bad
JSON; the code in the body tells them apart. Two exceptions, which share a code with something else
and differ in the message only: the daily and the concurrent request limit; a parent named by an
external id that no record has, beside a field that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import requests
import urllib3
from simple_salesforce.exceptions import SalesforceError

from adapters.http import parse_retry_after
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    NotFound,
    RateLimited,
    VendorUnavailable,
)
from dealthread.outcome import Rejected, Unknown
from dealthread.ports.crm import CONTRACT_RECORD_MISSING

LOCK_RETRY = timedelta(seconds=2)
CONCURRENT_RETRY = timedelta(seconds=5)
DAILY_RETRY = timedelta(minutes=15)
"""The daily limit is a rolling 24 hours: asking again soon only adds to it."""

_SESSION = {"INVALID_SESSION_ID", "INVALID_AUTH_HEADER"}
_AUTH = {
    "API_DISABLED_FOR_ORG",
    "API_CURRENTLY_DISABLED",
    "INVALID_LOGIN",
    "LOGIN_MUST_USE_SECURITY_TOKEN",
}
_TEMPORARY = {"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"}
_VANISHED = {"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}
_OUR_BUG = {
    "MALFORMED_QUERY",
    "MALFORMED_ID",
    "JSON_PARSER_ERROR",
    "MISSING_ARGUMENT",
    "METHOD_NOT_ALLOWED",
}
_SCHEMA = {
    "INVALID_FIELD",
    "INVALID_TYPE",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "UNSUPPORTED_API_VERSION",
}
_NO_PARENT = "Foreign key external ID"
_CASE_KINDS = {
    "DUPLICATES_DETECTED": "customer.duplicate",
    "INSUFFICIENT_ACCESS_OR_READONLY": "integration.credentials",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "integration.credentials",
    "INSUFFICIENT_ACCESS": "integration.credentials",
}
_REJECTED = "crm.rejected"
_PARTS = {"account": "customer.sync_failed"}
"""The customer's own record was refused, not the contract or the deal."""
SEQUENCE_FIELD = "Dealthread_Sync_Seq__c"


@dataclass(frozen=True)
class VendorError:
    """First error of an answer."""

    status: int
    code: str
    message: str = ""
    fields: tuple[str, ...] = ()
    reference: str = ""
    """Which part of a composite request."""
    retry_after: timedelta | None = None

    def evidence(self) -> dict[str, str]:
        """Codes and field names only."""
        parts = {"status": str(self.status), "error_code": self.code, "part": self.reference}
        if self.fields:
            parts["fields"] = ",".join(self.fields)
        return {name: value for name, value in parts.items() if value}


def parse_error(status: int, content: Any, reference: str = "") -> VendorError:
    """From a body that may be a list, a dict, text or bytes."""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict):
        return VendorError(status, "", reference=reference)
    fields = first.get("fields")
    return VendorError(
        status,
        str(first.get("errorCode") or first.get("statusCode") or ""),
        str(first.get("message") or ""),
        tuple(str(name) for name in fields) if isinstance(fields, list) else (),
        reference,
    )


def from_exception(error: SalesforceError, retry_after: str | None = None) -> VendorError:
    """The library keeps status and body on the exception, not the headers."""
    found = parse_error(int(error.status), error.content)
    if not retry_after:
        return found
    return replace(found, retry_after=parse_retry_after(retry_after))


def is_dead_session(error: VendorError) -> bool:
    """Whether a new token may help."""
    return error.status == 401 or error.code in _SESSION


def read_error(error: VendorError) -> DealthreadError:
    """The error a read raises."""
    common = _refused_before_effect(error)
    if common is not None:
        return common
    if error.status == 404 or error.code in _VANISHED:
        return NotFound("crm_record_not_found", **error.evidence())
    if error.status >= 500 or error.code in _TEMPORARY:
        return VendorUnavailable("server_error", retry_after=error.retry_after, **error.evidence())
    return ContractDrift("unexpected_crm_error", **error.evidence())


def write_error(error: VendorError) -> Rejected | Unknown:
    """The outcome of a write; raises where the answer excludes an effect and time may help."""
    common = _refused_before_effect(error)
    if common is not None:
        raise common
    if error.code == "DUPLICATE_VALUE" and error.reference == "account":
        return Rejected("customer.duplicate", error.code, _field(error), error.evidence())
    if error.status in (300, 409, 412) or error.code == "DUPLICATE_VALUE":
        raise Conflict("crm_record_changed", **error.evidence())
    if SEQUENCE_FIELD in error.fields:
        # The validation rule refuses a lower sequence: a later state of ours is recorded already.
        raise Conflict("crm_holds_a_later_state", **error.evidence())
    if _names_no_parent(error) or (error.status == 404 and error.reference == "contract"):
        # The deal stands: somebody has deleted the contract's record, and can restore it.
        return Rejected(_REJECTED, CONTRACT_RECORD_MISSING, evidence=error.evidence())
    if error.status == 404 or error.code in _VANISHED:
        # An invoice asks for no deal: its account is gone, or merged into another.
        is_of_invoice = error.reference == "invoice" or error.reference.startswith("credit_")
        kind = _REJECTED if is_of_invoice else "deal.reopened"
        return Rejected(kind, error.code or "NOT_FOUND", _field(error), error.evidence())
    if error.status >= 500 or error.code in _TEMPORARY or error.status < 400:
        return Unknown("server_error", error.retry_after, error.evidence())
    # Validation messages are written by the org's own administrators for the person who must act.
    evidence = {**error.evidence(), "message": error.message[:200]}
    kind = _CASE_KINDS.get(error.code) or _PARTS.get(error.reference, _REJECTED)
    return Rejected(kind, error.code or f"http_{error.status}", _field(error), evidence)


def _refused_before_effect(error: VendorError) -> DealthreadError | None:
    evidence = error.evidence()
    if is_dead_session(error) or error.code in _AUTH:
        return AuthRejected("crm_session_refused", **evidence)
    if error.code == "REQUEST_LIMIT_EXCEEDED":
        daily = "concurrent" not in error.message.lower()
        return RateLimited(
            "daily_requests" if daily else "concurrent_requests",
            retry_after=error.retry_after or (DAILY_RETRY if daily else CONCURRENT_RETRY),
            **evidence,
        )
    if error.status == 429:
        wait = error.retry_after or CONCURRENT_RETRY
        return RateLimited("rate_limited", retry_after=wait, **evidence)
    if error.code == "UNABLE_TO_LOCK_ROW":
        return VendorUnavailable("row_locked", retry_after=LOCK_RETRY, **evidence)
    if _names_no_parent(error):
        return None
    if error.code in _SCHEMA or error.status == 410:
        return ContractDrift("crm_schema_differs", **evidence)
    if error.code in _OUR_BUG:
        return InvariantBroken("crm_refused_our_request", **evidence)
    return None


def _names_no_parent(error: VendorError) -> bool:
    return error.code == "INVALID_FIELD" and error.message.startswith(_NO_PARENT)


def _field(error: VendorError) -> str:
    return error.fields[0] if error.fields else ""


@dataclass(frozen=True)
class ConnectionFailed:
    """What was seen of a failed connection, and whether the request can have arrived."""

    code: str
    sent: bool


def connection_failed(error: requests.RequestException) -> ConnectionFailed:
    """Tell "never left" from "may have arrived"."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return ConnectionFailed("not_sent", sent=False)
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return ConnectionFailed("not_sent", sent=False)
    if isinstance(error, requests.exceptions.Timeout):
        return ConnectionFailed("read_timeout", sent=True)
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return ConnectionFailed("malformed_answer", sent=True)
    if isinstance(error, requests.exceptions.ConnectionError):
        return ConnectionFailed("connection_reset", sent=True)
    return ConnectionFailed("transport_failure", sent=True)
