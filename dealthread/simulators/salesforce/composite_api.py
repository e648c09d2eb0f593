"""`/composite`: up to 25 subrequests that may refer to earlier answers, all or none if asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dealthread.simulators.kit.faults import FaultSwitch, RequestView
from dealthread.simulators.salesforce.errors import (
    SalesforceError,
    SalesforceVendorErrors,
    not_simulated,
    parser_error,
)
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.rest import RestAnswer, RestRequest, split_target
from dealthread.simulators.salesforce.store import Store

MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
"""Queries and collections among the subrequests (REST guide, "Composite")."""

_REFERENCE_ID = re.compile(r"[A-Za-z0-9_]+")
_PLACEHOLDER = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")


@dataclass(frozen=True)
class _Part:
    method: str
    url: str
    reference_id: str
    body: Any
    headers: dict[str, str]

    @property
    def counts_as_query(self) -> bool:
        path = self.url.partition("?")[0]
        return bool(re.search(r"/(?:query|queryAll)(?:/|$)|/composite/sobjects(?:/|$)", path))


class _OneFailed(Exception):
    """Takes the answers out of the transaction that is rolled back."""


class CompositeApi:
    """Runs the subrequests in order through the same handler as single requests."""

    def __init__(
        self, store: Store, faults: FaultSwitch, dispatch: Callable[[RestRequest], RestAnswer]
    ) -> None:
        self._store = store
        self._faults = faults
        self._dispatch = dispatch
        self._errors = SalesforceVendorErrors()

    @staticmethod
    def is_read_only(request: RestRequest) -> bool:
        """Whether every subrequest reads. Raises SalesforceError for a bad body."""
        return all(part.method in ("GET", "HEAD") for part in _parse(request.json())[0])

    def handle(self, request: RestRequest) -> RestAnswer:
        """POST /composite."""
        if request.is_subrequest:
            raise not_simulated("a composite request inside another")
        parts, all_or_none = _parse(request.json())
        answers: list[RestAnswer] = []
        if not all_or_none:
            self._run(parts, answers, all_or_none=False)
        else:
            try:
                with self._store.transaction():
                    self._run(parts, answers, all_or_none=True)
            except _OneFailed:
                failed = len(answers) - 1
                answers = [
                    answers[failed] if index == failed else _halted() for index in range(len(parts))
                ]
        shown = [_shape(part, answer) for part, answer in zip(parts, answers, strict=True)]
        return RestAnswer(200, {"compositeResponse": shown})

    def _run(self, parts: list[_Part], answers: list[RestAnswer], *, all_or_none: bool) -> None:
        by_reference: dict[str, RestAnswer] = {}
        for part in parts:
            answer = self._one(part, by_reference, all_or_none=all_or_none)
            answers.append(answer)
            by_reference[part.reference_id] = answer
            if all_or_none and (answer.status >= 300 or answer.has_failed):
                raise _OneFailed

    def _one(self, part: _Part, earlier: dict[str, RestAnswer], *, all_or_none: bool) -> RestAnswer:
        try:
            url = _filled(part.url, earlier)
            body = _filled(part.body, earlier)
            if not self._faults.is_empty:
                raw = b"" if body is None else dumps(body)
                fault = self._faults.take(RequestView(part.method, url, raw), target="subrequest")
                if fault is not None:
                    raise self._errors.as_error(fault)
            base, segments, query = split_target(url)
            return self._dispatch(
                RestRequest(
                    part.method,
                    base,
                    segments,
                    query,
                    part.headers,
                    parsed_body=body,
                    is_subrequest=True,
                    must_be_all_or_none=all_or_none,
                )
            )
        except SalesforceError as exc:
            return RestAnswer(exc.status, exc.as_rest())


def _parse(body: Any) -> tuple[list[_Part], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("compositeRequest"), list):
        raise parser_error("the body must hold a list named compositeRequest")
    unknown = set(body) - {"allOrNone", "collateSubrequests", "compositeRequest"}
    all_or_none = body.get("allOrNone", False)
    if unknown or not isinstance(all_or_none, bool):
        raise parser_error(f"Unrecognized field {sorted(unknown)}")
    parts = [_part(one) for one in body["compositeRequest"]]
    if not parts:
        raise parser_error("compositeRequest is empty")
    if len(parts) > MAX_SUBREQUESTS:
        raise _over_limit(f"at most {MAX_SUBREQUESTS} subrequests")
    if sum(part.counts_as_query for part in parts) > MAX_QUERIES:
        raise _over_limit(f"at most {MAX_QUERIES} queries and collections")
    if len({part.reference_id for part in parts}) < len(parts):
        raise SalesforceError("INVALID_INPUT", "a referenceId occurs twice")
    return parts, all_or_none


def _part(raw: Any) -> _Part:
    if not isinstance(raw, dict):
        raise parser_error("a subrequest must be a JSON object")
    unknown = set(raw) - {"method", "url", "referenceId", "body", "httpHeaders"}
    if unknown:
        raise parser_error(f"Unrecognized field {sorted(unknown)}")
    method, url, reference_id = raw.get("method"), raw.get("url"), raw.get("referenceId")
    if not isinstance(method, str) or method not in _METHODS:
        raise SalesforceError("INVALID_INPUT", f"method must be one of {', '.join(_METHODS)}")
    if not isinstance(url, str) or not isinstance(reference_id, str):
        raise SalesforceError("INVALID_INPUT", "url and referenceId are needed")
    if _REFERENCE_ID.fullmatch(reference_id) is None:
        raise SalesforceError("INVALID_INPUT", f"referenceId {reference_id!r} is not allowed")
    headers = raw.get("httpHeaders") or {}
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):
        raise parser_error("httpHeaders must be an object of texts")
    if headers.keys() & {"Accept", "Authorization", "Content-Type"}:
        raise SalesforceError("INVALID_INPUT", "a subrequest cannot set these headers")
    lower = {name.lower(): value for name, value in headers.items()}
    return _Part(method, url, reference_id, raw.get("body"), lower)


def _filled(value: Any, earlier: dict[str, RestAnswer]) -> Any:
    """The value with every `@{reference.path}` replaced by a text from an earlier answer."""
    if isinstance(value, str):
        if "@{" not in value:
            return value
        return _PLACEHOLDER.sub(lambda match: _referenced(match, earlier), value)
    if isinstance(value, dict):
        return {name: _filled(item, earlier) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, earlier) for item in value]
    return value


def _referenced(match: re.Match[str], earlier: dict[str, RestAnswer]) -> str:
    answer = earlier.get(match.group(1))
    found: Any = None
    if answer is not None and answer.status < 300:
        found = answer.body
        for name, index in _STEP.findall(match.group(2)):
            if name:
                found = found.get(name) if isinstance(found, dict) else None
            else:
                is_there = isinstance(found, list) and int(index) < len(found)
                found = found[int(index)] if is_there else None
    if found is None:
        path = match.group(0)[2:-1]
        raise SalesforceError(
            "PROCESSING_HALTED",
            f"Invalid reference specified. No value for {path} found in {match.group(1)}",
        )
    if not isinstance(found, str):
        raise not_simulated("a reference to something that is not a text")
    return found


def _halted() -> RestAnswer:
    error = SalesforceError(
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
    return RestAnswer(400, error.as_rest())


def _shape(part: _Part, answer: RestAnswer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": part.reference_id,
    }


def _over_limit(what: str) -> SalesforceError:
    return SalesforceError("LIMIT_EXCEEDED", f"a composite request has {what}")
