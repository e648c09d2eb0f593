"""JSON as we send it to Salesforce: Decimals as exact numbers, no binary floats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal


def encode(value: object) -> str:
    """JSON text. The standard encoder cannot write a Decimal as a number without a float."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("not a finite number")
        return f"{value:f}"
    if isinstance(value, float):
        raise TypeError("a binary float is never sent")
    if isinstance(value, datetime):
        return json.dumps(instant(value))
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k))}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(encode(item) for item in value) + "]"
    return json.dumps(value)


def instant(value: datetime) -> str:
    """A time in the form Salesforce itself writes: UTC, milliseconds, +0000."""
    at = value.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"
