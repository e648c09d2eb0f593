"""The part of JSON Schema 2020-12 that docs/events uses: what a value breaks, by its path."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_KNOWN = {
    *("$schema", "$id", "$defs", "$ref", "title", "description", "x-owner", "examples", "default"),
    *("type", "properties", "required", "items", "additionalProperties", "anyOf", "const"),
    *("pattern", "format"),
}


def breaches(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """Empty when the value is valid. A keyword that is not known here is itself a breach."""
    found = [f"{at}: keyword {name}" for name in schema if name not in _KNOWN]
    if "$ref" in schema:
        part = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        return found + breaches(value, part, root, at)
    if "anyOf" in schema and all(breaches(value, one, root, at) for one in schema["anyOf"]):
        found.append(f"{at}: none of anyOf")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: not {schema['const']}")
    if "type" in schema and not isinstance(value, _TYPES[schema["type"]]):
        return [*found, f"{at}: not {schema['type']}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: not like {schema['pattern']}")
    if "format" in schema and not _reads(value, schema["format"]):
        found.append(f"{at}: no {schema['format']}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [
            f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value
        ]
        for name, inner in value.items():
            part = known.get(name, schema.get("additionalProperties", {}))
            found += breaches(inner, part, root, f"{at}.{name}")
    if isinstance(value, list):
        for place, inner in enumerate(value):
            found += breaches(inner, schema.get("items", {}), root, f"{at}[{place}]")
    return found


def _reads(value: str, kind: str) -> bool:
    read = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}[kind]
    try:
        read(value)
    except ValueError:
        return False
    return True
