"""Turns a WHERE clause into a test of a row, and into the index look-up it allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.ids import MalformedId, to_18
from dealthread.simulators.salesforce.schema.model import Field, FieldType, Row, SObject, Value
from dealthread.simulators.salesforce.soql.currencies import refuse_conversion
from dealthread.simulators.salesforce.soql.date_literals import days_of
from dealthread.simulators.salesforce.soql.resolve import Resolved, resolve
from dealthread.simulators.salesforce.soql.syntax import (
    Comparison,
    Condition,
    Inclusion,
    Junction,
    Literal,
    LiteralKind,
    Membership,
    Negation,
    Operand,
    Path,
    Query,
)
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import parse_instant

Test = Callable[[Row], bool]
ColumnOf = Callable[[Query], list[Value]]
Read = Callable[[Operand], Resolved]
"""How to read what a condition speaks of."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_IDS = (FieldType.ID, FieldType.REFERENCE)


@dataclass(frozen=True)
class _Span:
    """A relative date: from `low` up to, not including, `high`, in the field's notation."""

    low: str
    high: str


class Conditions:
    """Compiles the conditions of one query."""

    def __init__(
        self, store: Store, query: Query, sobject: SObject, today: date, column_of: ColumnOf
    ) -> None:
        self._store = store
        self._query = query
        self._sobject = sobject
        self._today = today
        self._column_of = column_of

    def test(self, condition: Condition | None, operand: Read | None = None) -> Test:
        """A function that says whether a row fulfils the condition; `operand` reads groups."""
        read = operand or self._field
        if condition is None:
            return lambda _: True
        if isinstance(condition, Negation):
            inner = self.test(condition.inner, read)
            return lambda row: not inner(row)
        if isinstance(condition, Junction):
            tests = [self.test(part, read) for part in condition.parts]
            if condition.word == "AND":
                return lambda row: all(test(row) for test in tests)
            return lambda row: any(test(row) for test in tests)
        if isinstance(condition, Membership):
            return self._membership(condition, read(condition.path))
        if isinstance(condition, Inclusion):
            read(condition.path)
            # No object here has a multi-select picklist.
            raise SalesforceError(
                "INVALID_QUERY_FILTER_OPERATOR",
                f"{condition.path}: invalid operator: it takes multi-select picklists only",
            )
        return self._comparison(condition, read(condition.path))

    def candidates(self, condition: Condition | None) -> Iterable[Row]:
        """Rows that may fulfil the condition: from an index where it names one value of it."""
        parts = (
            condition.parts
            if isinstance(condition, Junction) and condition.word == "AND"
            else (condition,)
        )
        for part in parts:
            found = self._indexed(part)
            if found is not None:
                return found
        return self._store.rows(self._sobject.name)

    # ------------------------------------------------------------ inside

    def _field(self, operand: Operand) -> Resolved:
        if not isinstance(operand, Path):
            raise SalesforceError("MALFORMED_QUERY", "aggregates stand in HAVING")
        return resolve(self._store, self._query, self._sobject, operand)

    def _indexed(self, part: Condition | None) -> list[Row] | None:
        if isinstance(part, Comparison) and part.operator == "=":
            literals: tuple[Literal, ...] = (part.value,)
        elif isinstance(part, Membership) and not part.is_negated and part.subquery is None:
            literals = part.values
        else:
            return None
        target = self._field(part.path)
        field = target.field
        is_id = field.type is FieldType.ID
        if target.parents or not (is_id or field.is_indexed):
            return None
        rows: dict[str, Row] = {}
        for literal in literals:
            value = _value(field, literal, self._today)
            if value is None or isinstance(value, _Span):
                return None
            if is_id:
                row = self._store.get(self._sobject.name, str(value))
                matches = [] if row is None else [row]
            else:
                matches = self._store.lookup(self._sobject.name, field.name, value)
            rows.update({str(row["Id"]): row for row in matches})
        return sorted(rows.values(), key=lambda row: str(row["Id"]))

    def _membership(self, condition: Membership, target: Resolved) -> Test:
        field = target.field
        _check_filterable(field)
        wanted: set[object] = set()
        spans: list[_Span] = []
        if condition.subquery is not None:
            if field.type not in _IDS:
                raise SalesforceError(
                    "INVALID_FIELD", f"{condition.path}: a semi join needs an id or reference field"
                )
            wanted.update(self._column_of(condition.subquery))
        for literal in condition.values:
            value = _value(field, literal, self._today)
            if value is not None:
                refuse_conversion(self._store, field)
            if isinstance(value, _Span):
                spans.append(value)
            else:
                wanted.add(_key(field, value))
        read, is_negated = target.read, condition.is_negated

        def test(row: Row) -> bool:
            key = _key(field, read(row))
            is_in = key in wanted or any(_in_span(key, span) for span in spans)
            return is_in is not is_negated

        return test

    def _comparison(self, condition: Comparison, target: Resolved) -> Test:
        field, read, operator = target.field, target.read, condition.operator
        _check_filterable(field)
        if operator == "LIKE":
            return _like(field, read, condition.value)
        value = _value(field, condition.value, self._today)
        if value is not None:
            refuse_conversion(self._store, field)
        is_ordering = operator in _COMPARE
        if is_ordering and (value is None or field.type is FieldType.BOOLEAN):
            raise SalesforceError(
                "INVALID_QUERY_FILTER_OPERATOR", f"{condition.path}: invalid operator {operator}"
            )
        if isinstance(value, _Span):
            return _span_test(read, operator, value)
        wanted = _key(field, value)
        if operator == "=":
            return lambda row: _key(field, read(row)) == wanted
        if operator == "!=":
            return lambda row: _key(field, read(row)) != wanted
        compare = _COMPARE[operator]

        def ordered(row: Row) -> bool:
            found = read(row)
            return found is not None and compare(_key(field, found), wanted)

        return ordered


def _check_filterable(field: Field) -> None:
    if field.type in (FieldType.LONG_TEXT, FieldType.ADDRESS):
        raise SalesforceError(
            "INVALID_FIELD", f"field '{field.name}' can not be filtered in a query call"
        )


def _key(field: Field, value: Value) -> Any:
    """What is compared: text ignores case; ids and fields that tell cases apart do not."""
    if isinstance(value, str) and field.type.is_text and not field.case_sensitive:
        return value.casefold()
    return value


def _value(field: Field, literal: Literal, today: date) -> Value | _Span:
    kind, text = literal.kind, literal.text
    if kind is LiteralKind.NULL:
        return None
    if field.type in _IDS and kind is LiteralKind.STRING:
        try:
            return to_18(text)
        except MalformedId as exc:
            raise SalesforceError(
                "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}"
            ) from exc
    if field.type.is_text and kind is LiteralKind.STRING:
        return text.replace("\\%", "%").replace("\\_", "_")
    if field.type.is_number and kind is LiteralKind.NUMBER:
        return Decimal(text)
    if field.type is FieldType.BOOLEAN and kind is LiteralKind.BOOLEAN:
        return text == "TRUE"
    if field.type is FieldType.DATE and kind is LiteralKind.DATE:
        return _calendar_day(text)
    if field.type is FieldType.DATETIME and kind is LiteralKind.DATETIME:
        at = parse_instant(text)
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"
    if field.type in (FieldType.DATE, FieldType.DATETIME) and kind is LiteralKind.RELATIVE:
        return _span(text, today, is_date=field.type is FieldType.DATE)
    quotes = " and should not be enclosed in quotes" if kind is LiteralKind.STRING else ""
    wanted = "string" if field.type.is_text or field.type in _IDS else str(field.type)
    raise SalesforceError(
        "INVALID_FIELD",
        f"value of filter criterion for field '{field.name}' must be of type {wanted}{quotes}",
    )


def _calendar_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as exc:
        raise SalesforceError("MALFORMED_QUERY", f"invalid date: {text}") from exc


def _span(text: str, today: date, *, is_date: bool) -> _Span:
    try:
        days = days_of(text, today)
    except (OverflowError, ValueError) as exc:
        raise SalesforceError("INVALID_QUERY_FILTER_OPERATOR", f"invalid date: {text}") from exc
    if is_date:
        return _Span(days.first.isoformat(), days.end.isoformat())
    as_instants = [
        datetime(day.year, day.month, day.day, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        for day in (days.first, days.end)
    ]
    return _Span(*as_instants)


def _in_span(value: object, span: _Span) -> bool:
    return isinstance(value, str) and span.low <= value < span.high


def _span_test(read: Callable[[Row], Value], operator: str, span: _Span) -> Test:
    if operator == "=":
        return lambda row: _in_span(read(row), span)
    if operator == "!=":
        return lambda row: not _in_span(read(row), span)
    bound = span.low if operator in ("<", ">=") else span.high
    compare = _COMPARE["<" if operator in ("<", "<=") else ">="]

    def test(row: Row) -> bool:
        value = read(row)
        return isinstance(value, str) and compare(value, bound)

    return test


def _like(field: Field, read: Callable[[Row], Value], literal: Literal) -> Test:
    if not field.type.is_text or literal.kind is not LiteralKind.STRING:
        raise SalesforceError(
            "INVALID_QUERY_FILTER_OPERATOR", f"{field.name}: invalid operator LIKE"
        )
    pattern = ""
    characters = iter(literal.text)
    for character in characters:
        if character == "\\":
            pattern += re.escape(next(characters, "\\"))
        else:
            pattern += {"%": ".*", "_": "."}.get(character, re.escape(character))
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)

    def test(row: Row) -> bool:
        value = read(row)
        return isinstance(value, str) and compiled.fullmatch(value) is not None

    return test
