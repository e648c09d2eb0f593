"""`/composite/batch`: up to 25 independent subrequests; nothing is rolled back.

REST guide, "Batch Request Body" and "Batch Response Body".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated, parser_error
from dealthread.simulators.salesforce.rest.composite_parts import Dispatch
from dealthread.simulators.salesforce.rest.request import (
    VERSIONS,
    RestAnswer,
    RestRequest,
    split_target,
)

MAX_SUBREQUESTS = 25
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_RESOURCES = ("limits", "query", "queryAll", "sobjects")
"""What a batch may address, of the resources carried here."""


class BatchApi:
    """POST /composite/batch. Each subrequest counts against the daily limit."""

    def __init__(self, dispatch: Dispatch, count_request: Callable[[], bool]) -> None:
        self._dispatch = dispatch
        self._count_request = count_request

    def handle(self, request: RestRequest) -> RestAnswer:
        """Answer one request; 200 even when subrequests failed."""
        if request.is_subrequest:
            raise not_simulated("a batch inside another composite request")
        calls, halt_on_error = _parse(request)
        answers: list[RestAnswer] = []
        has_errors = False
        for call in calls:
            if has_errors and halt_on_error:
                answers.append(_halted())
                continue
            answers.append(self._one(call))
            has_errors = has_errors or answers[-1].status >= 400
        results = [{"statusCode": one.status, "result": one.body} for one in answers]
        return RestAnswer(200, {"hasErrors": has_errors, "results": results})

    def _one(self, call: RestRequest) -> RestAnswer:
        try:
            if not self._count_request():
                raise SalesforceError(
                    "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403
                )
            return self._dispatch(call)
        except SalesforceError as exc:
            return RestAnswer(exc.status, exc.as_rest())


def _parse(request: RestRequest) -> tuple[list[RestRequest], bool]:
    body = request.json()
    if not isinstance(body, dict) or not isinstance(body.get("batchRequests"), list):
        raise parser_error("the body must hold a list named batchRequests")
    halt_on_error = body.get("haltOnError", False)
    if set(body) - {"batchRequests", "haltOnError"} or not isinstance(halt_on_error, bool):
        raise parser_error("a batch consists of batchRequests and haltOnError")
    if not 1 <= len(body["batchRequests"]) <= MAX_SUBREQUESTS:
        raise SalesforceError("INVALID_INPUT", f"a batch has 1 to {MAX_SUBREQUESTS} subrequests")
    return [_call(one, request.base) for one in body["batchRequests"]], halt_on_error


def _call(raw: Any, base: str) -> RestRequest:
    if not isinstance(raw, dict) or set(raw) - {"method", "url", "richInput"}:
        raise parser_error("a subrequest consists of method, url and richInput")
    method, url = raw.get("method"), raw.get("url")
    if not isinstance(method, str) or method.upper() not in _METHODS or not isinstance(url, str):
        raise parser_error("a subrequest needs a method and a url")
    version = url.partition("/")[0].removeprefix("v")
    if not url.startswith("v") or version not in VERSIONS:
        raise not_simulated(f"the batch address {url}: it must begin with a version, as in v66.0/")
    if version > base.rpartition("/v")[2]:
        raise SalesforceError(
            "INVALID_INPUT", "a subrequest's version is newer than the batch's own"
        )
    sub_base, segments, query = split_target(f"/services/data/{url}")
    if not segments or segments[0] not in _RESOURCES:
        raise not_simulated(f"the resource {url} in a batch")
    return RestRequest(
        method.upper(),
        sub_base,
        segments,
        query,
        {},
        parsed_body=raw.get("richInput"),
        is_subrequest=True,
    )


def _halted() -> RestAnswer:
    error = SalesforceError(
        "BATCH_PROCESSING_HALTED",
        "Batch processing halted per request. One or more previous requests were not successful.",
    )
    return RestAnswer(412, error.as_rest())
