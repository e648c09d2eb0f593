"""Runs a parsed query over the store and shapes its records as the REST API does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.rest.rendering import rendered, url_of
from dealthread.simulators.salesforce.schema.model import FieldType, Row, SObject, Value
from dealthread.simulators.salesforce.soql.aggregates import MAX_GROUPS, Grouped
from dealthread.simulators.salesforce.soql.conditions import Conditions
from dealthread.simulators.salesforce.soql.currencies import refuse_conversion
from dealthread.simulators.salesforce.soql.ordering import Term, sorted_rows
from dealthread.simulators.salesforce.soql.parser import parse
from dealthread.simulators.salesforce.soql.resolve import Resolved, resolve, source_object
from dealthread.simulators.salesforce.soql.semi_joins import check_joins, check_joins_absent
from dealthread.simulators.salesforce.soql.syntax import (
    Aggregate,
    FieldGroup,
    Item,
    Path,
    Query,
)
from dealthread.simulators.salesforce.store import Store

MAX_ROWS_OF_ALL_FIELDS = 200
"""Of FIELDS(ALL) and FIELDS(CUSTOM) ("SELECT", "Bounded and Unbounded Queries")."""
MAX_ROWS_AFTER_OFFSET = 2000

T = TypeVar("T")
Render = Callable[[Row], dict[str, Any]]
Step = Callable[[Row, dict[str, Any]], None]


@dataclass(frozen=True)
class Found:
    """What a query answers."""

    total: int
    records: list[dict[str, Any]]
    is_whole: bool = False
    """Whether there is one page only, however long."""


class SoqlRunner:
    """Answers queries as of now; `base` is the version's path, for record URLs."""

    def __init__(self, store: Store, *, base: str, today: date, with_deleted: bool = False) -> None:
        self._store = store
        self._base = base
        self._today = today
        self._with_deleted = with_deleted

    def run(self, text: str) -> Found:
        """The answer to a query. Raises SalesforceError."""
        query = parse(text)
        sobject = source_object(self._store, query.source)
        check_joins(query.where, sobject)
        rows = self._matching(query, sobject)
        if any(isinstance(item, Aggregate) for item in query.items) or query.group_by:
            return self._aggregated(query, sobject, rows)
        render = self._renderer(query, sobject)
        chosen = _cut(query, self._sorted(query, sobject, rows))
        if query.offset and len(chosen) > MAX_ROWS_AFTER_OFFSET:
            raise not_simulated("more than one page after an OFFSET")
        return Found(len(chosen), [render(row) for row in chosen])

    def _aggregated(self, query: Query, sobject: SObject, rows: list[Row]) -> Found:
        first = query.items[0]
        if len(query.items) == 1 and isinstance(first, Aggregate) and first.path is None:
            if query.group_by or query.order_by or first.alias:
                raise SalesforceError("MALFORMED_QUERY", "COUNT() stands alone")
            return Found(len(_cut(query, rows)), [])
        if not query.group_by and query.limit is not None:
            raise SalesforceError(
                "MALFORMED_QUERY",
                "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
            )
        conditions = Conditions(self._store, query, sobject, self._today, self._column_of)
        cut = _cut(query, Grouped(self._store, query, sobject, conditions).records(rows))
        if len(cut) > MAX_GROUPS:
            raise SalesforceError(
                "EXCEEDED_ID_LIMIT",
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results"
                " to a single batch",
            )
        return Found(len(cut), cut, is_whole=True)

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
        (item,) = query.items
        if not isinstance(item, Path):
            raise SalesforceError("MALFORMED_QUERY", "a semi join selects a field")
        target = resolve(self._store, query, sobject, item)
        if target.field.type not in (FieldType.ID, FieldType.REFERENCE):
            raise SalesforceError("INVALID_FIELD", "a semi join selects an id or reference field")
        found = [target.read(row) for row in self._matching(query, sobject)]
        return [value for value in found if value is not None]

    def _sorted(self, query: Query, sobject: SObject, rows: list[Row]) -> list[Row]:
        terms: list[Term] = []
        for term in query.order_by:
            if not isinstance(term.path, Path):
                raise SalesforceError("MALFORMED_QUERY", "aggregates order groups only")
            target = resolve(self._store, query, sobject, term.path)
            refuse_conversion(self._store, target.field)
            terms.append((term, target))
        return sorted_rows(terms, rows)

    # ------------------------------------------------------------ records

    def _renderer(self, query: Query, sobject: SObject) -> Render:
        steps: list[Step] = []
        seen: set[str] = set()
        for item in query.items:
            if isinstance(item, Query):
                steps.append(self._child_step(item, sobject))
                continue
            for target in self._targets(query, sobject, item):
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

    def _targets(self, query: Query, sobject: SObject, item: Item) -> list[Resolved]:
        """The fields an item selects."""
        if isinstance(item, Path):
            return [resolve(self._store, query, sobject, item)]
        if not isinstance(item, FieldGroup):
            raise SalesforceError("MALFORMED_QUERY", "an aggregate needs no plain fields")
        is_bounded = query.limit is not None and query.limit <= MAX_ROWS_OF_ALL_FIELDS
        if item.kind != "STANDARD" and not is_bounded:
            raise SalesforceError(
                "MALFORMED_QUERY",
                f"The SOQL FIELDS function must have a LIMIT of at most {MAX_ROWS_OF_ALL_FIELDS}",
            )
        wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[item.kind]
        return [
            resolve(self._store, query, sobject, Path((field.name,)))
            for field in sobject.fields.values()
            if field.is_custom in wanted
        ]

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
        check_joins_absent(inner)
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
