"""`/composite/tree/{object}`: creates rows with their children, all or none.

REST guide, "sObject Tree", "sObject Tree Request Body" and "sObject Tree Response Body": up to 200
rows in all, of up to five types, up to five levels deep; rows are created level by level, on each
level type by type, and results come in that order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from dealthread.simulators.salesforce.dml import Dml
from dealthread.simulators.salesforce.errors import SalesforceError, parser_error
from dealthread.simulators.salesforce.rest.composite_parts import OneFailed
from dealthread.simulators.salesforce.rest.request import (
    RestAnswer,
    RestRequest,
    method_not_allowed,
)
from dealthread.simulators.salesforce.rest.rows import RowApi, request_options
from dealthread.simulators.salesforce.rules.rule_checks import DuplicateOptions
from dealthread.simulators.salesforce.schema.model import Row, Schema, SObject
from dealthread.simulators.salesforce.store import Store

MAX_RECORDS = 200
MAX_TYPES = 5
MAX_DEPTH = 5

Failure = tuple[str, SalesforceError]
"""(reference id, why)."""


@dataclass
class _Node:
    sobject: SObject
    reference_id: str
    values: dict[str, Any]
    level: int
    parent: _Node | None = None
    parent_field: str = ""
    record_id: str = ""


class TreeApi:
    """POST /composite/tree/{object}."""

    def __init__(self, schema: Schema, store: Store, dml: Dml, rows: RowApi) -> None:
        self._schema = schema
        self._store = store
        self._dml = dml
        self._rows = rows

    def handle(self, request: RestRequest) -> RestAnswer:
        """201 with every new id, or 400 with the rows that failed."""
        if request.method != "POST" or len(request.segments) != 3:
            raise method_not_allowed(request, "POST")
        root = self._rows.sobject(request.segments[2])
        body = request.json()
        if not isinstance(body, dict) or set(body) != {"records"}:
            raise parser_error("the body must hold a list named records, and nothing else")
        nodes: list[_Node] = []
        for raw in _records(body["records"]):
            self._collect(raw, root, nodes, parent=None, parent_field="")
        refused = _refused(nodes)
        if refused:
            return _failed(refused)
        groups, options = _groups(nodes), request_options(request)
        failures: list[Failure] = []
        try:
            with self._store.transaction():
                for group in groups:
                    failures = self._created(group, options)
                    if failures:
                        raise OneFailed
        except OneFailed:
            return _failed(failures)
        results = [
            {"referenceId": one.reference_id, "id": one.record_id}
            for group in groups
            for one in group
        ]
        return RestAnswer(201, {"hasErrors": False, "results": results})

    def _created(self, group: list[_Node], options: DuplicateOptions) -> list[Failure]:
        """Create the rows of one type on one level; what failed."""
        failures: list[Failure] = []
        for node in group:
            given: Row = {} if node.parent is None else {node.parent_field: node.parent.record_id}
            try:
                node.record_id = self._dml.insert(
                    node.sobject, node.values, given=given, duplicates=options
                )
            except SalesforceError as exc:
                failures.append((node.reference_id, exc))
        return failures

    def _collect(
        self,
        raw: dict[str, Any],
        sobject: SObject,
        nodes: list[_Node],
        *,
        parent: _Node | None,
        parent_field: str,
    ) -> None:
        attributes = raw.get("attributes")
        if not isinstance(attributes, dict) or not isinstance(attributes.get("type"), str):
            raise parser_error("each record needs attributes with its type")
        if attributes["type"].lower() != sobject.name.lower():
            raise SalesforceError(
                "INVALID_TYPE", f"{attributes['type']} stands where {sobject.name} belongs"
            )
        reference_id = attributes.get("referenceId")
        node = _Node(
            sobject,
            reference_id if isinstance(reference_id, str) else "",
            {},
            1 if parent is None else parent.level + 1,
            parent,
            parent_field,
        )
        nodes.append(node)
        for name, value in raw.items():
            if name == "attributes":
                continue
            child = self._schema.child_by_relationship(sobject, name)
            owner = None if child is None else self._schema.find(child.object)
            if child is None or owner is None or sobject.find(name) is not None:
                node.values[name] = value
                continue
            if not isinstance(value, dict) or set(value) != {"records"}:
                raise parser_error(f"{name} must hold a list named records, and nothing else")
            for one in _records(value["records"]):
                self._collect(one, owner, nodes, parent=node, parent_field=child.field)


def _records(raw: Any) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        raise parser_error("records must be a list of JSON objects with at least one element")
    records: list[dict[str, Any]] = raw
    return records


def _refused(nodes: list[_Node]) -> list[Failure]:
    """What is wrong before any row is tried; limits raise."""
    if len(nodes) > MAX_RECORDS:
        raise _over_limit(f"{MAX_RECORDS} records")
    if len({node.sobject.name for node in nodes}) > MAX_TYPES:
        raise _over_limit(f"{MAX_TYPES} types")
    if max(node.level for node in nodes) > MAX_DEPTH:
        raise _over_limit(f"{MAX_DEPTH} levels")
    if any(not node.reference_id for node in nodes):
        raise SalesforceError("INVALID_INPUT", "Include a reference ID for each record.")
    counts = Counter(node.reference_id for node in nodes)
    # One result for each instance of a reference id that occurs twice.
    return [
        (
            node.reference_id,
            SalesforceError("INVALID_INPUT", "Duplicate ReferenceId provided in the request."),
        )
        for node in nodes
        if counts[node.reference_id] > 1
    ]


def _groups(nodes: list[_Node]) -> list[list[_Node]]:
    """Rows by level, and on a level by type, in the order they were met."""
    groups: dict[tuple[int, str], list[_Node]] = {}
    for node in sorted(nodes, key=lambda one: one.level):
        groups.setdefault((node.level, node.sobject.name), []).append(node)
    return list(groups.values())


def _failed(failures: list[Failure]) -> RestAnswer:
    results = [
        {"referenceId": reference_id, "errors": exc.as_collection_item()["errors"]}
        for reference_id, exc in failures
    ]
    return RestAnswer(400, {"hasErrors": True, "results": results})


def _over_limit(what: str) -> SalesforceError:
    return SalesforceError("INVALID_INPUT", f"an sObject tree request has at most {what}")
