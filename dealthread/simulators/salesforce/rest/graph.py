"""`/composite/graph`: several graphs of subrequests, each done as a whole or not at all.

REST guide, "Composite Graph", "Using a Composite Graph" and "Composite Graph Limits".
"""

from __future__ import annotations

import re
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated, parser_error
from dealthread.simulators.salesforce.rest.composite_parts import (
    OneFailed,
    Part,
    PartRunner,
    check_distinct,
    halted,
    part_of,
    part_result,
    rolled_back,
)
from dealthread.simulators.salesforce.rest.request import RestAnswer, RestRequest
from dealthread.simulators.salesforce.store import Store

MAX_GRAPHS = 75
MAX_NODES = 500
"""Of all graphs of a request together."""
MAX_DEPTH = 15
MAX_KINDS = 15
"""Nodes differ in kind by API version or object type."""
MAX_FAILURES = 14
"""After one more failed graph the rest is not processed."""

_ROW = re.compile(r"(/services/data/v\d+\.0)/sobjects/([A-Za-z0-9_]+)(/[^?]*)?(?:\?.*)?")
_METHODS = {0: ("POST",), 1: ("DELETE", "GET", "PATCH"), 2: ("DELETE", "GET", "PATCH", "POST")}
"""Segments after the object's name -> methods that a graph supports on them."""

Graph = tuple[str, list[Part]]


class GraphApi:
    """POST /composite/graph."""

    def __init__(self, store: Store, runner: PartRunner) -> None:
        self._store = store
        self._runner = runner

    def handle(self, request: RestRequest) -> RestAnswer:
        """Answer one request; 200 even when graphs failed."""
        if request.is_subrequest:
            raise not_simulated("a graph inside another composite request")
        shown, failures = [], 0
        for graph_id, parts in _parse(request.json()):
            if failures > MAX_FAILURES:
                answers, is_successful = [halted() for _ in parts], False
            else:
                answers, is_successful = self._run(parts)
                failures += not is_successful
            results = [part_result(one, said) for one, said in zip(parts, answers, strict=True)]
            shown.append(
                {
                    "graphId": graph_id,
                    "graphResponse": {"compositeResponse": results},
                    "isSuccessful": is_successful,
                }
            )
        return RestAnswer(200, {"graphs": shown})

    def _run(self, parts: list[Part]) -> tuple[list[RestAnswer], bool]:
        answers: list[RestAnswer] = []
        try:
            with self._store.transaction():
                self._runner.run(parts, answers, all_or_none=True)
        except OneFailed:
            return rolled_back(answers, len(parts)), False
        return answers, True


def _parse(body: Any) -> list[Graph]:
    if not isinstance(body, dict) or not isinstance(body.get("graphs"), list) or len(body) > 1:
        raise parser_error("the body must hold a list named graphs, and nothing else")
    graphs = [_graph(one) for one in body["graphs"]]
    if not graphs:
        raise parser_error("graphs is empty")
    if len(graphs) > MAX_GRAPHS:
        raise _over_limit(f"{MAX_GRAPHS} graphs")
    if sum(len(parts) for _, parts in graphs) > MAX_NODES:
        raise _over_limit(f"{MAX_NODES} nodes")
    if len({graph_id for graph_id, _ in graphs}) < len(graphs):
        raise SalesforceError("INVALID_INPUT", "a graphId occurs twice")
    if len({_kind(part) for _, parts in graphs for part in parts}) > MAX_KINDS:
        raise _over_limit(f"{MAX_KINDS} different kinds of nodes")
    return graphs


def _graph(raw: Any) -> Graph:
    if not isinstance(raw, dict) or set(raw) != {"graphId", "compositeRequest"}:
        raise parser_error("a graph consists of graphId and compositeRequest")
    graph_id, requests = raw["graphId"], raw["compositeRequest"]
    if not isinstance(graph_id, str) or not isinstance(requests, list) or not requests:
        raise parser_error("graphId must be a text, compositeRequest a list with elements")
    parts = [part_of(one) for one in requests]
    check_distinct(parts)
    _check_depth(parts)
    return graph_id, parts


def _check_depth(parts: list[Part]) -> None:
    """Count the longest chain of references; one to a later node is not carried."""
    names = {part.reference_id for part in parts}
    depths: dict[str, int] = {}
    for part in parts:
        known = part.references() & names
        if known - depths.keys():
            raise not_simulated("a graph's reference to a later node")
        depths[part.reference_id] = 1 + max((depths[one] for one in known), default=0)
    if max(depths.values()) > MAX_DEPTH:
        raise _over_limit(f"a depth of {MAX_DEPTH}")


def _kind(part: Part) -> tuple[str, str]:
    """Version and object of a node. Raises SalesforceError for what a graph does not support."""
    match = _ROW.fullmatch(part.url)
    rest = [one for one in (match.group(3) or "").split("/") if one] if match else []
    if match is None or part.method not in _METHODS.get(len(rest), ()):
        raise SalesforceError("INVALID_INPUT", f"a graph does not support {part.method} {part.url}")
    return match.group(1), match.group(2).lower()


def _over_limit(what: str) -> SalesforceError:
    return SalesforceError("LIMIT_EXCEEDED", f"a composite graph request has at most {what}")
