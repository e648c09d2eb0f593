"""`/composite`: up to 25 subrequests that may refer to earlier answers, all or none if asked."""

from __future__ import annotations

from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated, parser_error
from dealthread.simulators.salesforce.rest.composite_parts import (
    OneFailed,
    Part,
    PartRunner,
    check_distinct,
    part_of,
    part_result,
    rolled_back,
)
from dealthread.simulators.salesforce.rest.request import RestAnswer, RestRequest
from dealthread.simulators.salesforce.store import Store

MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
"""Queries and collections among the subrequests (REST guide, "Composite")."""


class CompositeApi:
    """Runs the subrequests in order through the same handler as single requests."""

    def __init__(self, store: Store, runner: PartRunner) -> None:
        self._store = store
        self._runner = runner

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
            self._runner.run(parts, answers, all_or_none=False)
        else:
            try:
                with self._store.transaction():
                    self._runner.run(parts, answers, all_or_none=True)
            except OneFailed:
                answers = rolled_back(answers, len(parts))
        shown = [part_result(part, answer) for part, answer in zip(parts, answers, strict=True)]
        return RestAnswer(200, {"compositeResponse": shown})


def _parse(body: Any) -> tuple[list[Part], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("compositeRequest"), list):
        raise parser_error("the body must hold a list named compositeRequest")
    unknown = set(body) - {"allOrNone", "collateSubrequests", "compositeRequest"}
    all_or_none = body.get("allOrNone", False)
    if unknown or not isinstance(all_or_none, bool):
        raise parser_error(f"Unrecognized field {sorted(unknown)}")
    parts = [part_of(one) for one in body["compositeRequest"]]
    if not parts:
        raise parser_error("compositeRequest is empty")
    if len(parts) > MAX_SUBREQUESTS:
        raise _over_limit(f"at most {MAX_SUBREQUESTS} subrequests")
    if sum(part.counts_as_query for part in parts) > MAX_QUERIES:
        raise _over_limit(f"at most {MAX_QUERIES} queries and collections")
    check_distinct(parts)
    return parts, all_or_none


def _over_limit(what: str) -> SalesforceError:
    return SalesforceError("LIMIT_EXCEEDED", f"a composite request has {what}")
