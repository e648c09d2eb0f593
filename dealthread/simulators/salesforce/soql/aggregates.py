"""COUNT, SUM, AVG, MIN and MAX, with GROUP BY, HAVING and ORDER BY."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema.model import Field, FieldType, Row, SObject, Value
from dealthread.simulators.salesforce.soql.conditions import Conditions
from dealthread.simulators.salesforce.soql.currencies import refuse_conversion
from dealthread.simulators.salesforce.soql.ordering import greatest, least, sorted_rows
from dealthread.simulators.salesforce.soql.resolve import Resolved, resolve
from dealthread.simulators.salesforce.soql.semi_joins import joins_in
from dealthread.simulators.salesforce.soql.syntax import (
    Aggregate,
    Condition,
    FieldGroup,
    Item,
    Junction,
    Named,
    Negation,
    Operand,
    Path,
    Query,
)
from dealthread.simulators.salesforce.store import Store

MAX_GROUPS = 2000
"""Grouped answers have no further pages ("Considerations for GROUP BY")."""

_UNGROUPED = frozenset(
    {
        FieldType.DATETIME,
        FieldType.DOUBLE,
        FieldType.CURRENCY,
        FieldType.PERCENT,
        FieldType.LONG_TEXT,
        FieldType.ADDRESS,
    }
)
"""Fields of these types are not groupable, as recorded describes say."""
_UNFOLDED = frozenset({FieldType.BOOLEAN, FieldType.LONG_TEXT, FieldType.ADDRESS})
"""No aggregate takes them ("Support for Field Types in Aggregate Functions")."""

_DOUBLE = Context(prec=16)
"""Averages have a double's digits; where Salesforce rounds is not documented."""


class Grouped:
    """The groups of one query: pseudo rows with a value for each operand that is spoken of."""

    def __init__(
        self, store: Store, query: Query, sobject: SObject, conditions: Conditions
    ) -> None:
        self._store = store
        self._query = query
        self._sobject = sobject
        self._conditions = conditions
        self._keys = {_name(path): self._resolved(path) for path in query.group_by}
        if len(self._keys) < len(query.group_by):
            raise _malformed("a field is grouped twice")
        for path, target in zip(query.group_by, self._keys.values(), strict=True):
            if target.field.type in _UNGROUPED:
                raise SalesforceError(
                    "INVALID_FIELD", f"field '{path}' can not be grouped in a query call"
                )

    def records(self, rows: list[Row]) -> list[dict[str, Any]]:
        """One AggregateResult for each group that HAVING lets through, in order."""
        query = self._query
        if joins_in(query.having):
            raise _malformed("HAVING takes no semi joins")
        operands = [self._operand_of(item) for item in query.items]
        folded = {
            _name(one): one
            for one in (
                *operands,
                *_operands_of(query.having),
                *(term.path for term in query.order_by),
            )
            if isinstance(one, Aggregate)
        }
        test = self._conditions.test(query.having, self._operand)
        terms = [(term, self._operand(term.path)) for term in query.order_by]
        groups = [one for one in self._groups(rows, folded) if test(one)]
        return [self._shown(one, operands) for one in sorted_rows(terms, groups)]

    # ------------------------------------------------------------ inside

    def _groups(self, rows: list[Row], folded: dict[str, Aggregate]) -> Iterator[Row]:
        keys = self._keys
        members: dict[tuple[Value, ...], list[Row]] = {} if keys else {(): []}
        for row in rows:
            members.setdefault(tuple(key.read(row) for key in keys.values()), []).append(row)
        for values, found in members.items():
            group: Row = dict(zip(keys, values, strict=True))
            group.update({name: self._fold(one, found) for name, one in folded.items()})
            yield group

    def _operand_of(self, item: Item) -> Operand:
        if isinstance(item, Query):
            raise _malformed("an aggregate query has no subqueries")
        if isinstance(item, FieldGroup):
            raise _malformed("FIELDS() stands in queries without aggregates only")
        operand = item.path if isinstance(item, Named) else item
        self._operand(operand)
        return operand

    def _operand(self, operand: Operand) -> Resolved:
        """How to read an operand from a pseudo row; a plain field must be grouped."""
        name = _name(operand)
        if isinstance(operand, Path):
            key = self._keys.get(name)
            if key is None:
                raise _malformed(f"Field must be grouped or aggregated: {operand}")
            field = key.field
        else:
            field = self._aggregate_field(operand)
        return Resolved(field, (), lambda group: group[name])

    def _aggregate_field(self, one: Aggregate) -> Field:
        if one.path is None:
            raise _malformed("COUNT() stands alone; count a field instead")
        field = self._resolved(one.path).field
        is_number = field.type.is_number
        if field.type in _UNFOLDED or (one.function in ("SUM", "AVG") and not is_number):
            raise SalesforceError(
                "INVALID_FIELD",
                f"field {one.path} does not support aggregate operator {one.function}",
            )
        if one.function in ("COUNT", "COUNT_DISTINCT"):
            return Field(one.function, FieldType.INT, precision=18)
        refuse_conversion(self._store, field)
        if one.function in ("SUM", "AVG"):
            return Field(one.function, FieldType.DOUBLE, precision=18)
        return field

    def _fold(self, one: Aggregate, rows: list[Row]) -> Value:
        if one.path is None:
            raise _malformed("COUNT() stands alone; count a field instead")
        target = self._resolved(one.path)
        found = [value for value in (target.read(row) for row in rows) if value is not None]
        if one.function in ("COUNT", "COUNT_DISTINCT"):
            return len(found if one.function == "COUNT" else set(found))
        if not found:
            return None
        if one.function in ("MIN", "MAX"):
            return (least if one.function == "MIN" else greatest)(target.field, found)
        total = sum((value for value in found if isinstance(value, Decimal)), Decimal(0))
        return total if one.function == "SUM" else _DOUBLE.divide(total, Decimal(len(found)))

    def _shown(self, group: Row, operands: list[Operand]) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        unnamed = 0
        for item, operand in zip(self._query.items, operands, strict=True):
            if isinstance(item, Named):
                name = item.alias
            elif isinstance(item, Path):
                name = item.parts[-1]
            elif isinstance(item, Aggregate) and item.alias:
                name = item.alias
            else:
                name, unnamed = f"expr{unnamed}", unnamed + 1
            record[name] = group[_name(operand)]
        return record

    def _resolved(self, path: Path) -> Resolved:
        return resolve(self._store, self._query, self._sobject, path)


def _name(operand: Operand) -> str:
    """The same for the same operand in any case; an alias is no part of it."""
    if isinstance(operand, Path):
        return str(operand).lower()
    return f"{operand.function}({operand.path})".lower()


def _operands_of(condition: Condition | None) -> list[Operand]:
    if isinstance(condition, Junction):
        return [one for part in condition.parts for one in _operands_of(part)]
    if isinstance(condition, Negation):
        return _operands_of(condition.inner)
    return [] if condition is None else [condition.path]


def _malformed(message: str) -> SalesforceError:
    return SalesforceError("MALFORMED_QUERY", message)
