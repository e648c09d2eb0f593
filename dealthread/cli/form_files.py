"""A form in a JSON file, read strictly: what is wrong is one line with the file and the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dealthread.cli.failures import Refused

Form = TypeVar("Form", bound=BaseModel)
MOST_BYTES = 20_000_000
"""A larger file is not a form that a person wrote."""


def read_form(file: Path, kind: type[Form]) -> Form:
    """The form in a file. Raises Refused with one line: file, field, what is wrong."""
    try:
        return kind.model_validate(read_json(file))
    except ValidationError as error:
        raise Refused(f"{file}: {said_of(error)}") from None


def said_of(error: ValueError) -> str:
    """What is wrong in one line, beginning with the field where it is known."""
    if not isinstance(error, ValidationError):
        return str(error)
    first, more = error.errors()[0], error.error_count() - 1
    said = first["msg"].removeprefix("Value error, ")
    place = ".".join(str(part) for part in first["loc"])
    also = f" (and {more} more)" if more else ""
    return f"{f'{place}: ' if place else ''}{said}{also}"


def read_json(file: Path) -> Any:
    """What a JSON file holds. Raises Refused with one line."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Refused(f"{file}: larger than {MOST_BYTES:,} bytes")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Refused(f"{file}: not UTF-8 text") from None
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Refused(
            f"{file}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise Refused(f"{file}: nested too deep") from None
    except ValueError as error:
        raise Refused(f"{file}: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice}: stands twice in one object")
    return found
