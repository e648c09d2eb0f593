"""The shape of every model that crosses Temporal: field → type, with what is required; and of every
enum that they hold: its values.

`python -m tests.contracts.shapes > tests/contracts/shapes.lock.json` renews the lock after a change
that only added.
"""

from __future__ import annotations

import inspect
import json
import sys
import typing
from enum import Enum

from pydantic import BaseModel

from dealthread.errors import ErrorKind
from dealthread.failure import ErrorDetails
from workers.registry import WORKFLOWS

Shapes = dict[str, dict[str, str]]


Crossing = type[BaseModel] | type[Enum]


def crossing() -> list[Crossing]:
    """Models and enums in the signatures of workflows, their handlers, and activities; and what
    they hold."""
    found: dict[str, Crossing] = {}
    for owner in (*WORKFLOWS, *_activity_classes()):
        for _, method in inspect.getmembers(owner, inspect.isfunction):
            marks = [name for name in vars(method) if name.startswith("__temporal_")]
            if marks or (method.__name__ == "__init__" and owner in WORKFLOWS):
                for hint in typing.get_type_hints(method).values():
                    _collect(hint, found)
    # Every failure has a kind for its type, and these details.
    for hint in (ErrorKind, ErrorDetails):
        _collect(hint, found)
    return [found[name] for name in sorted(found)]


def _activity_classes() -> list[type]:
    from activities import assessment, billing, crm, entitlement, erp, hub  # noqa: PLC0415

    return [
        item
        for module in (assessment, billing, crm, entitlement, erp, hub)
        for _, item in inspect.getmembers(module, inspect.isclass)
        if item.__module__ == module.__name__
    ]


def _collect(hint: object, found: dict[str, Crossing]) -> None:
    if isinstance(hint, type) and issubclass(hint, BaseModel | Enum):
        if hint.__name__ not in found:
            found[hint.__name__] = hint
            for field in hint.model_fields.values() if issubclass(hint, BaseModel) else ():
                _collect(field.annotation, found)
        elif found[hint.__name__] is not hint:
            raise ValueError(f"two things that cross Temporal are named {hint.__name__}")
    for argument in typing.get_args(hint):
        _collect(argument, found)


def shapes() -> Shapes:
    """Model → field → its JSON schema, "required" or its default's presence included; enum → value
    → "value"."""
    result: Shapes = {}
    for model in crossing():
        if issubclass(model, Enum):
            result[model.__name__] = {str(one.value): "value" for one in model}
            continue
        schema = model.model_json_schema(mode="validation")
        required = set(schema.get("required", ()))
        result[model.__name__] = {
            name: json.dumps(_plain(part), sort_keys=True)
            + (" required" if name in required else "")
            for name, part in schema.get("properties", {}).items()
        }
    return result


def _plain(part: object) -> object:
    """Types only: descriptions, titles and default values may change freely."""
    if isinstance(part, dict):
        return {
            key: _plain(value)
            for key, value in part.items()
            if key not in ("title", "description", "default", "examples")
        }
    if isinstance(part, list):
        return [_plain(item) for item in part]
    return part


if __name__ == "__main__":
    json.dump(shapes(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
