"""Short words for declaring fields, and the fields every object has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dealthread.simulators.salesforce.schema.model import Child, Field, FieldType, Schema, SObject


def text(name: str, length: int, **more: Any) -> Field:
    """A text field."""
    return Field(name, FieldType.STRING, length=length, **more)


def key(name: str, length: int, **more: Any) -> Field:
    """An external id of a package: unique, and upper and lower case are told apart."""
    return text(name, length, unique=True, external_id=True, case_sensitive=True, **more)


def long_text(name: str, length: int = 32000, **more: Any) -> Field:
    """A long text area."""
    return Field(name, FieldType.LONG_TEXT, length=length, **more)


def picklist(name: str, *values: str, **more: Any) -> Field:
    """A picklist, restricted unless told."""
    return Field(name, FieldType.PICKLIST, length=more.pop("length", 255), picklist=values, **more)


def percent(name: str, digits: int, scale: int, **more: Any) -> Field:
    """A percentage with so many digits before and after the point."""
    return Field(name, FieldType.PERCENT, precision=digits + scale, scale=scale, **more)


def phone(name: str) -> Field:
    """A telephone number."""
    return Field(name, FieldType.PHONE, length=40)


def checkbox(name: str, **more: Any) -> Field:
    """A checkbox: never null, false unless told."""
    return Field(name, FieldType.BOOLEAN, default=more.pop("default", False), **more)


def date(name: str, **more: Any) -> Field:
    """A date without a time."""
    return Field(name, FieldType.DATE, **more)


def datetime(name: str, **more: Any) -> Field:
    """A point in time."""
    return Field(name, FieldType.DATETIME, **more)


def number(name: str, digits: int, scale: int, **more: Any) -> Field:
    """A number with so many digits before and after the point."""
    return Field(name, FieldType.DOUBLE, precision=digits + scale, scale=scale, **more)


def money(name: str, digits: int = 16, scale: int = 2, **more: Any) -> Field:
    """An amount in the record's currency."""
    return Field(name, FieldType.CURRENCY, precision=digits + scale, scale=scale, **more)


def reference(name: str, to: str, **more: Any) -> Field:
    """A reference; the relationship's name follows from the field's."""
    if "relationship" not in more:
        more["relationship"] = (
            name.removesuffix("__c") + "__r" if name.endswith("__c") else name.removesuffix("Id")
        )
    return Field(name, FieldType.REFERENCE, length=18, reference_to=to, **more)


def calculated(one: Field) -> Field:
    """The same field, read-only: Salesforce works the value out."""
    return replace(one, createable=False, updateable=False, calculated=True, required=False)


def address(prefix: str) -> list[Field]:
    """The parts of an address and the read-only compound of them."""
    parts = [
        Field(f"{prefix}Street", FieldType.TEXTAREA, length=255),
        text(f"{prefix}City", 40),
        text(f"{prefix}State", 80),
        text(f"{prefix}PostalCode", 20),
        text(f"{prefix}Country", 80),
    ]
    return [*parts, calculated(Field(f"{prefix}Address", FieldType.ADDRESS))]


def extended(one: SObject, fields: Iterable[Field]) -> SObject:
    """The same object type with the fields of a package. Raises ValueError for a name taken."""
    merged = dict(one.fields)
    for field in fields:
        if field.name.lower() in merged:
            raise ValueError(f"{one.name} already has {field.name}")
        merged[field.name.lower()] = field
    return replace(one, fields=merged)


def sobject(
    name: str,
    prefix: str,
    fields: Iterable[Field],
    *,
    owner: bool = False,
    **more: Any,
) -> SObject:
    """An object type with its system fields added."""
    system = [
        Field("Id", FieldType.ID, length=18, createable=False, updateable=False),
        checkbox("IsDeleted", createable=False, updateable=False),
        *([reference("OwnerId", "User")] if owner else []),
        datetime("CreatedDate", createable=False, updateable=False),
        reference("CreatedById", "User", createable=False, updateable=False),
        datetime("LastModifiedDate", createable=False, updateable=False),
        reference("LastModifiedById", "User", createable=False, updateable=False),
        datetime("SystemModstamp", createable=False, updateable=False),
    ]
    return SObject(name, prefix, {one.name.lower(): one for one in [*system, *fields]}, **more)


def schema_of(objects: Iterable[SObject]) -> Schema:
    """A schema with the children of every object worked out. Raises ValueError on a dead end."""
    by_name = {one.name.lower(): one for one in objects}
    children: dict[str, list[Child]] = {}
    for owner in by_name.values():
        for one in owner.fields.values():
            if one.type is not FieldType.REFERENCE:
                continue
            parent = by_name.get(one.reference_to.lower())
            if parent is None:
                raise ValueError(f"{owner.name}.{one.name} refers to {one.reference_to}")
            children.setdefault(parent.name, []).append(
                Child(owner.name, one.name, one.children, one.on_delete)
            )
    return Schema(by_name, {name: tuple(found) for name, found in children.items()})
