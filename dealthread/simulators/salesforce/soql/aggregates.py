"""COUNT, SUM, AVG, MIN and MAX, with GROUP BY."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.schema import Row, SObject, Value
from dealthread.simulators.salesforce.soql.resolve import resolve
from dealthread.simulators.salesforce.soql.syntax import Aggregate, Path, Query
from dealthread.simulators.salesforce.store import Store


def aggregate_records(
    store: Store, query: Query, sobject: SObject, rows: list[Row]
) -> list[dict[str, Any]]:
    """One AggregateResult for each group, in the order the groups were met."""
    keys = [resolve(store, query, sobject, path) for path in query.group_by]
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(key.read(row) for key in keys), []).append(row)
    if not keys:
        groups.setdefault((), [])
    records = []
    for values, members in groups.items():
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        unnamed = 0
        for item in query.items:
            if isinstance(item, Query):
                raise SalesforceError("MALFORMED_QUERY", "an aggregate query has no subqueries")
            if isinstance(item, Path):
                record[item.parts[-1]] = values[_position(query, item)]
                continue
            name = item.alias
            if name is None:
                name, unnamed = f"expr{unnamed}", unnamed + 1
            record[name] = _fold(store, query, sobject, item, members)
        records.append(record)
    return records


def _position(query: Query, path: Path) -> int:
    wanted = str(path).lower()
    for index, grouped in enumerate(query.group_by):
        if str(grouped).lower() == wanted:
            return index
    raise SalesforceError("MALFORMED_QUERY", f"Field must be grouped or aggregated: {path}")


def _fold(store: Store, query: Query, sobject: SObject, item: Aggregate, rows: list[Row]) -> Any:
    if item.path is None:
        raise SalesforceError("MALFORMED_QUERY", "COUNT() stands alone; count a field instead")
    target = resolve(store, query, sobject, item.path)
    found = [value for value in (target.read(row) for row in rows) if value is not None]
    if item.function == "COUNT":
        return len(found)
    if item.function == "COUNT_DISTINCT":
        return len(set(found))
    if item.function in ("MIN", "MAX"):
        if not found:
            return None
        texts_or_numbers: list[Any] = list(found)
        return min(texts_or_numbers) if item.function == "MIN" else max(texts_or_numbers)
    if not target.field.type.is_number:
        raise SalesforceError(
            "INVALID_FIELD",
            f"field {item.path} does not support aggregate operator {item.function}",
        )
    if item.function == "AVG":
        raise not_simulated("AVG (how Salesforce rounds it is not documented)")
    numbers = [value for value in found if isinstance(value, Decimal)]
    return sum(numbers, Decimal(0)) if numbers else None
