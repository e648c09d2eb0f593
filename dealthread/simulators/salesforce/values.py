"""Checks and converts one value of a request body to what a field keeps."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError, parser_error
from dealthread.simulators.salesforce.ids import MalformedId, to_18
from dealthread.simulators.salesforce.schema.model import Field, FieldType, Value

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_CENT = Decimal("0.01")


def coerce(field: Field, raw: Any) -> Value:
    """The value to keep. Raises SalesforceError as Salesforce would; never rounds."""
    if raw is None or raw == "":
        return field.default if field.type is FieldType.BOOLEAN else None
    if field.type is FieldType.BOOLEAN:
        if not isinstance(raw, bool):
            raise _wrong_type("boolean", raw)
        return raw
    if field.type.is_number:
        return _number(field, raw)
    if not isinstance(raw, str):
        raise _wrong_type("string" if field.type.is_text else str(field.type), raw)
    if field.type is FieldType.DATE:
        return _date(raw)
    if field.type is FieldType.DATETIME:
        return instant_text(parse_instant(raw))
    if field.type in (FieldType.REFERENCE, FieldType.ID):
        return _record_id(field, raw)
    return _text(field, raw)


def parse_instant(text: str) -> datetime:
    """An aware UTC instant from Salesforce's notations. Raises SalesforceError."""
    if _DATETIME.fullmatch(text) is None:
        raise _wrong_type("datetime", text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise _wrong_type("datetime", text) from exc


def instant_text(at: datetime) -> str:
    """`2026-11-20T10:30:00.000+0000`; rows keep whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def cents(amount: Decimal) -> Decimal:
    """A calculated amount in the currency's cents, half up."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _text(field: Field, raw: str) -> Value:
    kept = raw.strip()
    if not kept:
        return None
    if len(kept) > field.length:
        shown = kept[:255]
        raise SalesforceError(
            "STRING_TOO_LONG",
            f"{field.name}: data value too large: {shown} (max length={field.length})",
            fields=[field.name],
        )
    if field.type is FieldType.PICKLIST and field.restricted and kept not in field.picklist:
        raise SalesforceError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.name}: bad value for restricted picklist field: {kept}",
            fields=[field.name],
        )
    if field.type is FieldType.EMAIL and _EMAIL.fullmatch(kept) is None:
        raise SalesforceError(
            "INVALID_EMAIL_ADDRESS",
            f"{field.name}: invalid email address: {kept}",
            fields=[field.name],
        )
    return kept


def _number(field: Field, raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise _wrong_type("int" if field.type is FieldType.INT else "double", raw)
    value = Decimal(raw)
    # Salesforce rounds surplus digits; here they are refused, so that a lost cent is seen.
    exponent = value.normalize().as_tuple().exponent
    has_surplus_digits = isinstance(exponent, int) and -exponent > field.scale
    whole_digits = field.precision - field.scale
    if has_surplus_digits or abs(value) >= Decimal(10) ** whole_digits:
        raise SalesforceError(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.name}: value outside of valid range on numeric field: {value}"
            f" (digits before the point {whole_digits}, after it {field.scale})",
            fields=[field.name],
        )
    return value


def _date(raw: str) -> str:
    try:
        if _DATE.fullmatch(raw) is None:
            raise ValueError(raw)
        date.fromisoformat(raw)
    except ValueError as exc:
        raise _wrong_type("date", raw) from exc
    return raw


def _record_id(field: Field, raw: str) -> str:
    try:
        return to_18(raw)
    except MalformedId as exc:
        raise SalesforceError(
            "MALFORMED_ID", f"{field.name}: id value of incorrect type: {raw}", fields=[field.name]
        ) from exc


def _wrong_type(wanted: str, raw: Any) -> SalesforceError:
    names = {str: "VALUE_STRING", bool: "VALUE_BOOLEAN", int: "VALUE_NUMBER_INT"}
    names[Decimal] = "VALUE_NUMBER_FLOAT"
    found = names.get(type(raw), "START_OBJECT" if isinstance(raw, dict) else "START_ARRAY")
    shown = raw if isinstance(raw, str | int | Decimal) else ""
    return parser_error(
        f"Cannot deserialize instance of {wanted} from {found} value {shown} or request may be"
        " missing a required field"
    )
