"""Typed access to one record of an answer: null is None, a wrong shape or a missing name is drift.

A query answers every field it selects, null where it is empty: a name that is not there was taken
away, and must not be read as empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from dealthread.errors import ContractDrift
from dealthread.naming import salesforce_id_18

E = TypeVar("E", bound=StrEnum)


def drift(field: str) -> ContractDrift:
    """The named field has a shape we do not know. The value stays out of the error."""
    return ContractDrift("crm_field_shape", field=field)


class Record:
    """One record; `path` names it in errors, as a person would look for it in the org."""

    def __init__(self, data: Mapping[str, Any], path: str) -> None:
        self._data = data
        self._path = path

    def name(self, field: str) -> str:
        """Full name of a field."""
        return f"{self._path}.{field}"

    def _value(self, field: str) -> Any:
        if field not in self._data:
            raise drift(self.name(field))
        return self._data[field]

    def text(self, field: str) -> str:
        """Text, or "" where there is none."""
        value = self._value(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise drift(self.name(field))
        return value.strip()

    def key(self, field: str) -> str:
        """A record id that must be there, in its 18-character form."""
        found = self.key_or_none(field)
        if found is None:
            raise drift(self.name(field))
        return found

    def key_or_none(self, field: str) -> str | None:
        """A record id, or None."""
        value = self.text(field)
        if not value:
            return None
        try:
            return salesforce_id_18(value)
        except ValueError:
            raise drift(self.name(field)) from None

    def flag(self, field: str) -> bool:
        """A checkbox; null counts as not ticked."""
        value = self._value(field)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise drift(self.name(field))
        return value

    def day(self, field: str) -> date | None:
        """A date as the user entered it."""
        value = self.text(field)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise drift(self.name(field)) from None

    def instant(self, field: str) -> datetime | None:
        """A time; Salesforce writes UTC as +0000."""
        value = self.text(field)
        if not value:
            return None
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise drift(self.name(field)) from None
        if found.tzinfo is None:
            raise drift(self.name(field))
        return found.astimezone(UTC)

    def number(self, field: str) -> Decimal | None:
        """A number, exactly, without trailing zeros: 270 and 270.00 are one content."""
        value = self._value(field)
        if value is None:
            return None
        # bool is an int to Python; a float means that somebody switched exact parsing off.
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise drift(self.name(field))
        try:
            plain = Decimal(f"{Decimal(value).normalize():f}")
        except InvalidOperation:
            raise drift(self.name(field)) from None
        if not plain.is_finite():
            raise drift(self.name(field))
        return plain

    def whole(self, field: str) -> int | None:
        """A number without decimals; Salesforce writes it as 12.0."""
        value = self.number(field)
        if value is None:
            return None
        if value != value.to_integral_value():
            raise drift(self.name(field))
        return int(value)

    def choice(self, field: str, kind: type[E]) -> E | None:
        """A picklist value of ours, or None."""
        value = self.text(field)
        if not value:
            return None
        try:
            return kind(value)
        except ValueError:
            raise drift(self.name(field)) from None

    def related(self, field: str) -> Record | None:
        """A parent record read by dotted fields."""
        value = self._value(field)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise drift(self.name(field))
        return Record(value, self.name(field))


def records_of(body: Any, path: str) -> list[Record]:
    """The rows of a query answer. All of them: a second page is refused, never dropped."""
    rows = body.get("records") if isinstance(body, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise drift(f"{path}.records")
    if not isinstance(body.get("done"), bool):
        raise drift(f"{path}.done")
    if not body["done"]:
        raise ContractDrift("too_many_crm_rows", field=f"{path}.records")
    return [Record(row, path) for row in rows]
