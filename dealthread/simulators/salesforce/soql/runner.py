"""Runs a parsed query over the store and shapes its records as the REST API does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cmp_to_key
from typing import Any, TypeVar

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.rendering import rendered, url_of
from dealthread.simulators.salesforce.schema import FieldType, Row, SObject, Value
from dealthread.simulators.salesforce.soql.aggregates import aggregate_records
from dealthread.simulators.salesforce.soql.conditions import Conditions
from dealthread.simulators.salesforce.soql.parser import parse
from dealthread.simulators.salesforce.soql.resolve import Resolved, resolve, source_object
from dealthread.simulators.salesforce.soql.syntax import Aggregate, Ordering, Path, Query
from dealthread.simulators.salesforce.store import Store

T = TypeVar("T")
Render = Callable[[Row], dict[str, Any]]
Step = Callable[[Row, dict[str, Any]], None]


class SoqlRunner:
    """Answers queries as of now; `base` is the version's path, for record URLs."""

    def __init__(self, store: Store, *, base: str, today: date, with_deleted: bool = False) -> None:
        self._store = store
        self._base = base
        self._today = today
        self._with_deleted = with_deleted

    def run(self, text: str) -> tuple[int, list[dict[str, Any]]]:
        """(total size, records)."""
        query = parse(text)
        sobject = source_object(self._store, query.source)
        rows = self._matching(query, sobject)
        aggregates = [item for item in query.items if isinstance(item, Aggregate)]
        if aggregates or query.group_by:
            if len(query.items) == 1 and aggregates and aggregates[0].path is None:
                if query.group_by or aggregates[0].alias:
                    raise SalesforceError("MALFORMED_QUERY", "COUNT() stands alone")
                return len(_cut(query, rows)), []
            if query.order_by:
                raise not_simulated("ORDER BY in an aggregate query")
            groups = aggregate_records(self._store, query, sobject, rows)
            cut = _cut(query, groups)
            return len(cut), cut
        render = self._renderer(query, sobject)
        chosen = _cut(query, self._sorted(query, sobject, rows))
        return len(chosen), [render(row) for row in chosen]

    # ------------------------------------------------------------ rows

    def _matching(self, query: Query, sobject: SObject) -> list[Row]:
        conditions = Conditions(self._store, query, sobject, self._today, self._column_of)
        test = conditions.test(query.where)
        return [
            row
            for row in conditions.candidates(query.where)
            if (self._with_deleted or not row["IsDeleted"]) and test(row)
        ]

    def _column_of(self, query: Query) -> list[Value]:
        """The one column of a semi join's subquery."""
        sobject = source_object(self._store, query.source)
        if len(query.items) != 1 or not isinstance(query.items[0], Path):
            raise SalesforceError("MALFORMED_QUERY", "a semi join selects exactly one field")
        target = resolve(self._store, query, sobject, query.items[0])
        if target.field.type not in (FieldType.ID, FieldType.REFERENCE):
            raise SalesforceError("INVALID_FIELD", "a semi join selects an id or reference field")
        if query.order_by or query.limit is not None or query.group_by:
            raise SalesforceError("MALFORMED_QUERY", "a semi join has neither order nor limit")
        found = [target.read(row) for row in self._matching(query, sobject)]
        return [value for value in found if value is not None]

    def _sorted(self, query: Query, sobject: SObject, rows: list[Row]) -> list[Row]:
        terms = [(term, resolve(self._store, query, sobject, term.path)) for term in query.order_by]
        for term, target in terms:
            if target.field.type in (FieldType.LONG_TEXT, FieldType.ADDRESS):
                raise SalesforceError(
                    "INVALID_FIELD", f"field '{term.path}' can not be sorted in a query call"
                )
        if not terms:
            return rows

        def compare(left: Row, right: Row) -> int:
            for term, target in terms:
                outcome = _compare(term, target.read(left), target.read(right))
                if outcome:
                    return outcome
            return 0

        return sorted(rows, key=cmp_to_key(compare))

    # ------------------------------------------------------------ records

    def _renderer(self, query: Query, sobject: SObject) -> Render:
        steps: list[Step] = []
        seen: set[str] = set()
        for item in query.items:
            if isinstance(item, Aggregate):
                raise SalesforceError("MALFORMED_QUERY", "an aggregate needs no plain fields")
            if isinstance(item, Query):
                steps.append(self._child_step(item, sobject))
                continue
            target = resolve(self._store, query, sobject, item)
            full = ".".join([*(one.relationship for one in target.parents), target.field.name])
            if full in seen:
                raise SalesforceError("INVALID_FIELD", f"duplicate field selected: {full}")
            seen.add(full)
            steps.append(self._field_step(target))
        name, base = sobject.name, self._base

        def render(row: Row) -> dict[str, Any]:
            record: dict[str, Any] = {
                "attributes": {"type": name, "url": url_of(base, name, str(row["Id"]))}
            }
            for step in steps:
                step(row, record)
            return record

        return render

    def _field_step(self, target: Resolved) -> Step:
        field, parents, store, base = target.field, target.parents, self._store, self._base

        def plain(row: Row, record: dict[str, Any]) -> None:
            record[field.name] = rendered(field, row)

        def through_parents(row: Row, record: dict[str, Any]) -> None:
            here = row
            for relation in parents:
                parent_id = here[relation.name]
                found = (
                    None if parent_id is None else store.get(relation.reference_to, str(parent_id))
                )
                if found is None:
                    record.setdefault(relation.relationship, None)
                    return
                url = url_of(base, relation.reference_to, str(found["Id"]))
                attributes = {"type": relation.reference_to, "url": url}
                record = record.setdefault(relation.relationship, {"attributes": attributes})
                here = found
            record[field.name] = rendered(field, here)

        return through_parents if parents else plain

    def _child_step(self, inner: Query, sobject: SObject) -> Step:
        child = self._store.schema.child_by_relationship(sobject, inner.source)
        if child is None or not child.relationship:
            raise SalesforceError(
                "INVALID_TYPE",
                f"Didn't understand relationship '{inner.source}' in FROM part of query call. If"
                " you are attempting to use a custom relationship, be sure to append the '__r'"
                " after the custom relationship name.",
            )
        if inner.group_by or any(isinstance(item, Aggregate) for item in inner.items):
            raise SalesforceError("MALFORMED_QUERY", "a subquery has no aggregates")
        owner = source_object(self._store, child.object)
        conditions = Conditions(self._store, inner, owner, self._today, self._column_of)
        test = conditions.test(inner.where)
        render = self._renderer(inner, owner)

        def step(row: Row, record: dict[str, Any]) -> None:
            children = [
                one
                for one in self._store.lookup(child.object, child.field, row["Id"])
                if (self._with_deleted or not one["IsDeleted"]) and test(one)
            ]
            chosen = _cut(inner, self._sorted(inner, owner, children))
            records = [render(one) for one in chosen]
            shape = {"totalSize": len(records), "done": True, "records": records}
            record[child.relationship] = shape if records else None

        return step


def _cut(query: Query, rows: list[T]) -> list[T]:
    end = None if query.limit is None else query.offset + query.limit
    return rows[query.offset : end]


def _compare(term: Ordering, left: Value, right: Value) -> int:
    if left is None or right is None:
        if left is right:
            return 0
        is_left_first = (left is None) is not term.is_nulls_last
        return -1 if is_left_first else 1
    a: Any = left.casefold() if isinstance(left, str) else left
    b: Any = right.casefold() if isinstance(right, str) else right
    if a == b and left != right:  # texts that differ in case only; ids always do so here
        a, b = left, right
    outcome = int(a > b) - int(a < b)
    return -outcome if term.is_descending else outcome
