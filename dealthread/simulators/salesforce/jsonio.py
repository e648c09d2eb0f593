"""JSON in which amounts stay exact: numbers are read as Decimal and written as they are."""

from __future__ import annotations

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any


class NotJson(ValueError):
    """The bytes are no JSON text, or hold NaN or Infinity."""


def loads(raw: bytes | str) -> Any:
    """Parse; numbers with a fraction or exponent become Decimal, other numbers int."""
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise NotJson(str(exc)) from exc


def dumps(value: Any) -> bytes:
    """Serialise; a Decimal is written in plain notation with all its digits."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts).encode("ascii")


def number_text(value: Decimal) -> str:
    """A double as Salesforce writes it: always with a fraction (`100` is `100.0`)."""
    if not value.is_finite():
        raise ValueError("only finite numbers can be written")
    text = format(value, "f")
    return text if "." in text else text + ".0"


def _write(value: Any, put: Any) -> None:
    if value is None:
        put("null")
    elif isinstance(value, str):
        put(encode_basestring_ascii(value))
    elif value is True:
        put("true")
    elif value is False:
        put("false")
    elif isinstance(value, int):
        put(str(value))
    elif isinstance(value, Decimal):
        put(number_text(value))
    elif isinstance(value, dict):
        separator = "{"
        for key, item in value.items():
            put(separator)
            put(encode_basestring_ascii(key))
            put(":")
            _write(item, put)
            separator = ","
        put("}" if value else "{}")
    elif isinstance(value, list | tuple):
        separator = "["
        for item in value:
            put(separator)
            _write(item, put)
            separator = ","
        put("]" if value else "[]")
    else:
        raise TypeError(f"{type(value).__name__} has no place in JSON here")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
