"""Conditional requests on rows and descriptions.

REST guide, "Conditional Request Headers": ETags exist for Account rows only, and If-Match and
If-None-Match have no effect on other objects ("Update Records Using sObject Rows"); the dates of
If-Modified-Since and If-Unmodified-Since are compared with the row's last change. Otherwise
HTTP/1.1 holds, but an invalid value on PATCH or POST is a 400 and DELETE takes no condition.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.rest.request import RestAnswer, RestRequest
from dealthread.simulators.salesforce.schema.model import Row, SObject
from dealthread.simulators.salesforce.values import parse_instant

HEADERS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")
_ETAG = re.compile(r'(?:W/)?"[^"]*"')


class NotModified(Exception):
    """304: the client has it already."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("not modified")
        self.headers = headers


def is_conditional(request: RestRequest) -> bool:
    """Whether a request carries a condition."""
    return any(name in request.headers for name in HEADERS)


def refuse_conditions(request: RestRequest) -> None:
    """For resources whose conditional use is not documented."""
    for name in HEADERS:
        if name in request.headers:
            raise not_simulated(f"conditional requests ({name}) here")


def etag_of(sobject: SObject, row: Row) -> dict[str, str]:
    """The ETag header of an Account row: a hash of its content; of other rows none."""
    if sobject.name != "Account":
        return {}
    # Every read of an account pays for this; JSON would cost as much as the answer itself.
    digest = hashlib.sha256(repr(row).encode()).digest()
    return {"ETag": f'"{base64.b64encode(digest).decode()}"'}


def check_row(request: RestRequest, sobject: SObject, row: Row) -> None:
    """Raise NotModified or 412 when a row does not meet the request's conditions."""
    if not is_conditional(request):
        return
    if request.method == "DELETE" or "if-range" in request.headers:
        refuse_conditions(request)
    tag = etag_of(sobject, row)
    if tag:
        wanted, unwanted = _tags(request, "if-match"), _tags(request, "if-none-match")
        if wanted is not None and not _lists(wanted, tag["ETag"]):
            raise _precondition_failed()
        if unwanted is not None and _lists(unwanted, tag["ETag"]):
            raise NotModified(tag) if request.method != "PATCH" else _precondition_failed()
    _check_age(request, parse_instant(str(row["LastModifiedDate"])), tag)


def check_description(request: RestRequest, changed_at: datetime) -> None:
    """The same for the descriptions of objects, which have dates but no ETags."""
    for name in ("if-match", "if-none-match", "if-range"):
        if name in request.headers:
            raise not_simulated(f"conditional requests ({name}) on descriptions")
    _check_age(request, changed_at, {})


def not_modified(exc: NotModified) -> RestAnswer:
    """304 without a body."""
    return RestAnswer(304, headers=exc.headers)


def _check_age(request: RestRequest, changed_at: datetime, headers: dict[str, str]) -> None:
    changed_at = changed_at.replace(microsecond=0)  # dates of HTTP have whole seconds
    since, until = _date(request, "if-modified-since"), _date(request, "if-unmodified-since")
    if until is not None and changed_at > until:
        raise _precondition_failed()
    if since is not None:
        if request.method == "PATCH":
            raise not_simulated("If-Modified-Since on a change")
        if changed_at <= since:
            raise NotModified(headers)


def _tags(request: RestRequest, name: str) -> list[str] | None:
    """The ETags listed; None without the header or, on reads, without sense."""
    text = request.headers.get(name)
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if parts == ["*"] or all(_ETAG.fullmatch(part) for part in parts):
        return parts
    if request.method in ("PATCH", "POST"):
        raise SalesforceError("INVALID_INPUT", f"invalid value of the header {name}: {text}")
    raise not_simulated(f"an invalid {name} on a read")


def _lists(tags: list[str], tag: str) -> bool:
    return tags == ["*"] or tag in tags


def _date(request: RestRequest, name: str) -> datetime | None:
    text = request.headers.get(name)
    if text is None:
        return None
    try:
        at = parsedate_to_datetime(text)
    except ValueError as exc:
        if request.method in ("PATCH", "POST"):
            raise SalesforceError(
                "INVALID_INPUT", f"invalid value of the header {name}: {text}"
            ) from exc
        raise not_simulated(f"an invalid {name} on a read") from exc
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _precondition_failed() -> SalesforceError:
    return SalesforceError(
        "PRECONDITION_FAILED", "the row does not meet the request's condition", status=412
    )
