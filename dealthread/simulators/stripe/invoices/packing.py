"""Frozen dataclasses as JSON and back, so that they survive in the state file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

# Longer than a metadata key may be, so that no customer of ours can write it.
_KIND = "the kind of this packed value, by name"


def pack(value: Any) -> Any:
    """JSON of a value: dataclasses, tuples and decimals carry their kind."""
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: pack(getattr(value, one.name)) for one in fields(value)}
        return {_KIND: type(value).__name__, "value": held}
    if isinstance(value, Decimal):
        return {_KIND: "Decimal", "value": str(value)}
    if isinstance(value, tuple):
        return {_KIND: "tuple", "value": [pack(one) for one in value]}
    if isinstance(value, list):
        return [pack(one) for one in value]
    if isinstance(value, dict):
        return {key: pack(one) for key, one in value.items()}
    return value


def unpack(value: Any, kinds: Mapping[str, type[Any]]) -> Any:
    """The value again; `kinds` are the dataclasses that may occur, by name."""
    if isinstance(value, list):
        return [unpack(one, kinds) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_KIND)
    if kind is None:
        return {key: unpack(one, kinds) for key, one in value.items()}
    if kind == "Decimal":
        return Decimal(value["value"])
    held = unpack(value["value"], kinds)
    return tuple(held) if kind == "tuple" else kinds[kind](**held)
