"""What a room of rules sees of a save, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema.model import Row, SObject, Value
from dealthread.simulators.salesforce.store import Store


class Writer(Protocol):
    """Saves rows on behalf of the org, with all its rules."""

    def insert(self, sobject: SObject, body: Any, *, given: Row | None = None) -> str:
        """Create a row; `given` are values not subject to field permissions."""

    def update(self, sobject: SObject, record_id: str, body: Any) -> None:
        """Change a row."""

    def delete(self, sobject: SObject, record_id: str) -> None:
        """Put a row into the recycle bin."""


@dataclass(frozen=True)
class Worker:
    """The org writing rows by itself at one moment."""

    store: Store
    writer: Writer
    now: str
    """The moment, in the notation of a datetime field."""

    def insert(self, name: str, body: Row, **given: Value) -> str:
        """Create a row of an object; `given` are its read-only values."""
        return self.writer.insert(self.store.schema.objects[name.lower()], body, given=given)

    def update(self, name: str, record_id: Value, body: Row) -> None:
        """Change a row of an object."""
        self.writer.update(self.store.schema.objects[name.lower()], str(record_id), body)

    def delete(self, name: str, record_id: Value) -> None:
        """Delete a row of an object."""
        self.writer.delete(self.store.schema.objects[name.lower()], str(record_id))

    def derive(self, name: str, record_id: Value, **values: Value) -> None:
        """Write roll-ups and formulas of a row; no rules run, as at Salesforce."""
        row = self.store.live(name, record_id)
        if row is None:
            return
        if any(row.get(field) != value for field, value in values.items()):
            self.store.put(name, {**row, **values, "SystemModstamp": self.now})


@dataclass(frozen=True)
class Save(Worker):
    """One row on its way into the store or out of it, and what may be written besides."""

    row: Row
    """As it will be; before the save it may still be changed in place."""
    old: Row | None
    """As it was; None for a new row."""

    @property
    def is_new(self) -> bool:
        """Whether the row is being created."""
        return self.old is None

    def is_changed(self, *names: str) -> bool:
        """Whether one of the fields gets another value; true for a new row."""
        old = self.old
        return old is None or any(self.row.get(name) != old.get(name) for name in names)


class Rules:
    """Rules of one object; each hook does nothing unless a room says otherwise."""

    def before_save(self, save: Save) -> None:
        """Derive values in place and refuse what must not be."""

    def after_save(self, save: Save) -> None:
        """Change other rows."""

    def before_delete(self, save: Save) -> None:
        """Refuse what must not go."""

    def after_delete(self, save: Save) -> None:
        """Change other rows."""


def decimal_or_none(value: Value) -> Decimal | None:
    """A number of a row, or None."""
    return value if isinstance(value, Decimal) else None


def decimal_or_zero(value: Value) -> Decimal:
    """A number of a row; nothing counts as zero."""
    return value if isinstance(value, Decimal) else Decimal(0)


STATUS_FIELDS = frozenset(
    {
        "Status",
        "StatusCode",
        "ActivatedDate",
        "ActivatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    }
)
"""What the activation of a contract or an order changes."""


def refuse_other_changes(save: Save) -> None:
    """The status is all that is written when a contract or an order is activated."""
    others = [name for name in save.row if name not in STATUS_FIELDS and save.is_changed(name)]
    if others:
        raise SalesforceError(
            "FAILED_ACTIVATION", "Only the status can be changed on activation.", fields=others
        )


def integrity(message: str, *fields: str) -> SalesforceError:
    """FIELD_INTEGRITY_EXCEPTION."""
    return SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=list(fields))
