"""The one place that writes SOQL.

Literals are escaped, record ids and identifiers are checked against their form; nothing else is
put into a query.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from dealthread.errors import BadInput
from dealthread.naming import salesforce_id_18

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,5}\Z")
_REFERENCE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.records\[0\]\.[A-Za-z][A-Za-z0-9_.]*\Z")
_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def literal(value: str) -> str:
    """A quoted string literal. Characters that SOQL gives a meaning are escaped."""
    if "\0" in value:
        raise BadInput("nul_in_literal", field="query", action="remove the NUL character")
    return "'" + "".join(_ESCAPES.get(char, char) for char in value) + "'"


def literals(values: Sequence[str]) -> str:
    """A list of quoted literals, for `IN`. An empty one is no SOQL."""
    if not values:
        raise ValueError("nothing to look for")
    return "(" + ", ".join(literal(value) for value in values) + ")"


def record_id(value: str, field: str) -> str:
    """The 18-character form of a record id; its letters are checked by its checksum."""
    try:
        return salesforce_id_18(value)
    except ValueError:
        raise BadInput(
            "not_a_record_id", field=field, action="give the 15- or 18-character Salesforce id"
        ) from None


def reference(path: str) -> str:
    """A literal that Salesforce fills from an earlier part of the same composite request."""
    if not _REFERENCE.match(path):
        raise ValueError("not a composite reference")
    return "'@{" + path + "}'"


def select(
    fields: Sequence[str],
    sobject: str,
    where: Sequence[tuple[str, str, str]],
    *,
    order_by: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    """A query. `where` is (field, operator, ready literal), joined by AND."""
    for name in (*fields, sobject, *order_by, *(name for name, _, _ in where)):
        if not _IDENTIFIER.match(name):
            raise ValueError("not an identifier")
    conditions = []
    for name, operator, value in where:
        if operator not in ("=", "!=", ">", ">=", "IN"):
            raise ValueError("operator not offered")
        conditions.append(f"{name} {operator} {value}")
    parts = [f"SELECT {', '.join(fields)} FROM {sobject}"]  # noqa: S608 - identifiers are checked
    parts.append("WHERE " + " AND ".join(conditions))
    if order_by:
        parts.append("ORDER BY " + ", ".join(order_by))
    if limit is not None:
        parts.append(f"LIMIT {int(limit)}")
    return " ".join(parts)


def query_url(version: str, query: str, *, with_deleted: bool = False) -> str:
    """Path of a query as a part of a composite request. References stay readable."""
    resource = "queryAll" if with_deleted else "query"
    return f"/services/data/v{version}/{resource}?q={quote(query, safe=chr(39) + '@{}[]().,')}"
