"""Subrequests of composite requests and graphs: their shape, their references, their answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
from dealthread.simulators.salesforce.rest.request import RestAnswer, RestRequest, split_target

Dispatch = Callable[[RestRequest], RestAnswer]

_REFERENCE_ID = re.compile(r"[A-Za-z0-9_]+")
_PLACEHOLDER = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")


@dataclass(frozen=True)
class Part:
    """One subrequest."""

    method: str
    url: str
    reference_id: str
    body: Any
    headers: dict[str, str]

    @property
    def counts_as_query(self) -> bool:
        """Whether it counts against the five queries and collections of a composite request."""
        path = self.url.partition("?")[0]
        return bool(re.search(r"/(?:query|queryAll)(?:/|$)|/composite/sobjects(?:/|$)", path))

    def references(self) -> set[str]:
        """The reference ids named in its address and body."""
        return set(_names_in(self.url)) | set(_names_in(self.body))


class OneFailed(Exception):
    """Takes the answers out of the transaction that is rolled back."""


class PartRunner:
    """Sends subrequests through the handler of single requests, with faults and references."""

    def __init__(self, faults: FaultSwitch, dispatch: Dispatch) -> None:
        self._faults = faults
        self._dispatch = dispatch
        self._errors = SalesforceVendorErrors()

    def run(self, parts: list[Part], answers: list[RestAnswer], *, all_or_none: bool) -> None:
        """Append each part's answer to `answers`. Raises OneFailed when all or none is asked."""
        by_reference: dict[str, RestAnswer] = {}
        for part in parts:
            answer = self._one(part, by_reference, all_or_none=all_or_none)
            answers.append(answer)
            by_reference[part.reference_id] = answer
            if all_or_none and (answer.status >= 300 or answer.has_failed):
                raise OneFailed

    def _one(
        self, part: Part, earlier: Mapping[str, RestAnswer], *, all_or_none: bool
    ) -> RestAnswer:
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


def part_of(raw: Any) -> Part:
    """A subrequest of a request body. Raises SalesforceError for a bad shape."""
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
    return Part(method, url, reference_id, raw.get("body"), lower)


def check_distinct(parts: list[Part]) -> None:
    """Refuse a reference id that occurs twice."""
    if len({part.reference_id for part in parts}) < len(parts):
        raise SalesforceError("INVALID_INPUT", "a referenceId occurs twice")


def halted() -> RestAnswer:
    """What a subrequest answers whose transaction was rolled back for another's sake."""
    error = SalesforceError(
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
    return RestAnswer(400, error.as_rest())


def rolled_back(answers: list[RestAnswer], count: int) -> list[RestAnswer]:
    """Answers of `count` parts of which the last one answered failed."""
    failed = len(answers) - 1
    return [answers[failed] if index == failed else halted() for index in range(count)]


def part_result(part: Part, answer: RestAnswer) -> dict[str, Any]:
    """A subrequest's result (REST guide, "Composite Subrequest Result")."""
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": part.reference_id,
    }


def _names_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [match.group(1) for match in _PLACEHOLDER.finditer(value)]
    items: list[Any] = []
    if isinstance(value, dict):
        items = list(value.values())
    elif isinstance(value, list):
        items = value
    return [name for item in items for name in _names_in(item)]


def _filled(value: Any, earlier: Mapping[str, RestAnswer]) -> Any:
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


def _referenced(match: re.Match[str], earlier: Mapping[str, RestAnswer]) -> str:
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
