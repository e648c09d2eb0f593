"""Shapes rows for the REST API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dealthread.simulators.salesforce.schema.model import Field, FieldType, Row, SObject


def url_of(base: str, sobject: str, record_id: str) -> str:
    """Path of a row under a version's base path (`/services/data/v66.0`)."""
    return f"{base}/sobjects/{sobject}/{record_id}"


def rendered(field: Field, row: Row) -> Any:
    """One value of a row."""
    if field.type is FieldType.ADDRESS:
        return _address(field.name.removesuffix("Address"), row)
    value = row.get(field.name)
    if field.type is FieldType.INT and isinstance(value, Decimal):
        return int(value)
    return value


def whole_row(base: str, sobject: SObject, row: Row, fields: list[Field]) -> dict[str, Any]:
    """A row with its attributes and these fields."""
    url = url_of(base, sobject.name, str(row["Id"]))
    record: dict[str, Any] = {"attributes": {"type": sobject.name, "url": url}}
    for field in fields:
        record[field.name] = rendered(field, row)
    return record


def _address(prefix: str, row: Row) -> dict[str, Any] | None:
    parts = {
        "city": row.get(f"{prefix}City"),
        "country": row.get(f"{prefix}Country"),
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": row.get(f"{prefix}PostalCode"),
        "state": row.get(f"{prefix}State"),
        "street": row.get(f"{prefix}Street"),
    }
    return parts if any(value is not None for value in parts.values()) else None
