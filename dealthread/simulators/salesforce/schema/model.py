"""How an object type is declared: fields, their limits, and what refers to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class FieldType(StrEnum):
    """Salesforce's field types, as `describe` names them."""

    ID = "id"
    STRING = "string"
    TEXTAREA = "textarea"
    LONG_TEXT = "long_textarea"
    """Described as textarea; cannot be filtered or sorted."""
    EMAIL = "email"
    URL = "url"
    PHONE = "phone"
    PICKLIST = "picklist"
    BOOLEAN = "boolean"
    INT = "int"
    DOUBLE = "double"
    CURRENCY = "currency"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"
    REFERENCE = "reference"
    ADDRESS = "address"
    """Compound, read-only."""

    @property
    def is_text(self) -> bool:
        """Whether values are strings of a limited length."""
        return self in _TEXT

    @property
    def is_number(self) -> bool:
        """Whether values are numbers."""
        return self in _NUMBER


_TEXT = frozenset(
    {
        FieldType.STRING,
        FieldType.TEXTAREA,
        FieldType.LONG_TEXT,
        FieldType.EMAIL,
        FieldType.URL,
        FieldType.PHONE,
        FieldType.PICKLIST,
    }
)
_NUMBER = frozenset({FieldType.INT, FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT})

Value = str | bool | Decimal | int | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Field:
    """One field. Dates are kept as ISO text, datetimes as `…T….000+0000`, numbers as Decimal."""

    name: str
    type: FieldType
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    """Not nillable and no default: REQUIRED_FIELD_MISSING without it."""
    never_null: bool = False
    """Not nillable since the org itself fills it."""
    default: Value = None
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    """May be named in an upsert although it is no external id (Contact.Email)."""
    indexed: bool = False
    case_sensitive: bool = False
    """Whether equal texts in another case are another value (unique fields may be declared so)."""
    picklist: tuple[str, ...] = ()
    restricted: bool = True
    """Of a picklist: values outside the list are refused."""
    reference_to: str = ""
    relationship: str = ""
    """Name of the parent relationship, e.g. Account or Dealthread_Opportunity__r."""
    children: str = ""
    """Name of the child relationship at the parent, e.g. OrderItems; empty where there is none."""
    on_delete: str = "clear"
    """Of the parent: clear, restrict, cascade, or guarded (cascade unless a rule forbids it)."""
    calculated: bool = False
    auto_number: str = ""
    """Pattern of an auto number, e.g. OB-{:06d}."""

    @property
    def is_custom(self) -> bool:
        """Whether the field belongs to a package or the org, not to Salesforce."""
        return self.name.endswith("__c")

    @property
    def is_indexed(self) -> bool:
        """Whether look-ups by equality need no scan."""
        return (
            self.unique
            or self.external_id
            or self.id_lookup
            or self.indexed
            or self.type is FieldType.REFERENCE
        )


@dataclass(frozen=True)
class SObject:
    """One object type."""

    name: str
    prefix: str
    fields: Mapping[str, Field]
    """By lower-case name."""
    label: str = ""
    createable: bool = True
    updateable: bool = True
    deletable: bool = True

    def find(self, name: str) -> Field | None:
        """A field by its name in any case."""
        return self.fields.get(name.lower())

    @property
    def is_custom(self) -> bool:
        """Whether the object belongs to a package."""
        return self.name.endswith("__c")


@dataclass(frozen=True)
class Child:
    """Objects that refer to another: the other end of a relationship."""

    object: str
    field: str
    relationship: str
    """Name in a subquery, e.g. OpportunityLineItems."""
    on_delete: str


@dataclass(frozen=True)
class Schema:
    """All object types of an org."""

    objects: Mapping[str, SObject]
    """By lower-case name."""
    children: Mapping[str, tuple[Child, ...]] = field(default_factory=dict)
    """By the parent's canonical name."""

    def find(self, name: str) -> SObject | None:
        """An object type by its name in any case."""
        return self.objects.get(name.lower())

    def parent_by_relationship(self, sobject: SObject, relationship: str) -> Field | None:
        """The reference field behind a parent relationship's name, in any case."""
        wanted = relationship.lower()
        for one in sobject.fields.values():
            if one.relationship and one.relationship.lower() == wanted:
                return one
        return None

    def child_by_relationship(self, sobject: SObject, relationship: str) -> Child | None:
        """The children behind a subquery's FROM, in any case."""
        wanted = relationship.lower()
        for child in self.children.get(sobject.name, ()):
            if child.relationship.lower() == wanted:
                return child
        return None

    def by_id(self, record_id: str) -> SObject | None:
        """The object type an id belongs to, by its key prefix."""
        prefix = record_id[:3]
        return next((one for one in self.objects.values() if one.prefix == prefix), None)
