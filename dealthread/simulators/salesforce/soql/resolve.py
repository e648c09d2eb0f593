"""Finds the field a path means and how to read it from a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema.model import Field, Row, SObject, Value
from dealthread.simulators.salesforce.soql.syntax import Path, Query
from dealthread.simulators.salesforce.store import Store

MAX_PARENTS = 5
"""SOQL and SOSL Reference, "Understanding Relationship Query Limitations"."""


@dataclass(frozen=True)
class Resolved:
    """A path in terms of the schema."""

    field: Field
    parents: tuple[Field, ...]
    """The reference fields to follow, from the row outwards."""
    read: Callable[[Row], Value]


def source_object(store: Store, name: str) -> SObject:
    """The object after FROM, or INVALID_TYPE."""
    found = store.schema.find(name)
    if found is None:
        raise SalesforceError(
            "INVALID_TYPE",
            f"sObject type '{name}' is not supported. If you are attempting to use a custom object,"
            " be sure to append the '__c' after the entity name. Please reference your WSDL or the"
            " describe call for the appropriate names.",
        )
    return found


def without_alias(query: Query, sobject: SObject, path: Path) -> tuple[str, ...]:
    """The path's parts without the object's own name or alias in front."""
    first = path.parts[0].lower()
    own = {sobject.name.lower(), query.source.lower(), (query.alias or "").lower()}
    return path.parts[1:] if len(path.parts) > 1 and first in own else path.parts


def resolve(store: Store, query: Query, sobject: SObject, path: Path) -> Resolved:
    """The field a path means, or INVALID_FIELD."""
    parts = without_alias(query, sobject, path)
    if len(parts) - 1 > MAX_PARENTS:
        raise SalesforceError(
            "INVALID_FIELD", f"{path}: a relationship path has at most {MAX_PARENTS} levels"
        )
    here = sobject
    parents: list[Field] = []
    for part in parts[:-1]:
        relation = store.schema.parent_by_relationship(here, part)
        parent = None if relation is None else store.schema.find(relation.reference_to)
        if relation is None or parent is None:
            raise SalesforceError(
                "INVALID_FIELD",
                f"Didn't understand relationship '{part}' in field path. If you are attempting to"
                " use a custom relationship, be sure to append the '__r' after the custom"
                " relationship name. Please reference your WSDL or the describe call for the"
                " appropriate names.",
            )
        parents.append(relation)
        here = parent
    field = here.find(parts[-1])
    if field is None:
        raise SalesforceError(
            "INVALID_FIELD",
            f"No such column '{parts[-1]}' on entity '{here.name}'. If you are attempting to use a"
            " custom field, be sure to append the '__c' after the custom field name. Please"
            " reference your WSDL or the describe call for the appropriate names.",
        )
    return Resolved(field, tuple(parents), _reader(store, tuple(parents), field.name))


def _reader(store: Store, parents: tuple[Field, ...], name: str) -> Callable[[Row], Value]:
    if not parents:
        return lambda row: row.get(name)

    def follow(row: Row) -> Value:
        here: Row | None = row
        for relation in parents:
            if here is None or here[relation.name] is None:
                return None
            here = store.get(relation.reference_to, str(here[relation.name]))
        return None if here is None else here.get(name)

    return follow
