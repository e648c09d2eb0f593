"""Sorts rows and groups by the terms of ORDER BY."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema.model import Field, FieldType, Row, Value
from dealthread.simulators.salesforce.soql.resolve import Resolved
from dealthread.simulators.salesforce.soql.syntax import Ordering

Term = tuple[Ordering, Resolved]


def sorted_rows(terms: list[Term], rows: list[Row]) -> list[Row]:
    """The rows in order. Raises INVALID_FIELD for what cannot be sorted."""
    for term, target in terms:
        if target.field.type in (FieldType.LONG_TEXT, FieldType.ADDRESS):
            raise SalesforceError(
                "INVALID_FIELD", f"field '{term.path}' can not be sorted in a query call"
            )
    if not terms:
        return rows

    def compare(left: Row, right: Row) -> int:
        for term, target in terms:
            outcome = _compare(term, target.field, target.read(left), target.read(right))
            if outcome:
                return outcome
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def least(field: Field, values: Iterable[Value]) -> Value:
    """MIN of values that are not null: a picklist's by its order, other text in any case."""
    return min(values, key=lambda value: sort_key(field, value))


def greatest(field: Field, values: Iterable[Value]) -> Value:
    """MAX of values that are not null."""
    return max(values, key=lambda value: sort_key(field, value))


def sort_key(field: Field, value: Value) -> Any:
    """What values of a field are ordered by; those outside a picklist come after it."""
    if field.type is FieldType.PICKLIST and isinstance(value, str):
        is_listed = value in field.picklist
        return field.picklist.index(value) if is_listed else len(field.picklist), value
    if isinstance(value, str):
        return value.casefold(), value  # texts that differ in case only; ids always do so here
    return value


def _compare(term: Ordering, field: Field, left: Value, right: Value) -> int:
    if left is None or right is None:
        if left is right:
            return 0
        is_left_first = (left is None) is not term.is_nulls_last
        return -1 if is_left_first else 1
    a, b = sort_key(field, left), sort_key(field, right)
    outcome = int(a > b) - int(a < b)
    return -outcome if term.is_descending else outcome
