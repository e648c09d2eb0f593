"""A form in a JSON file, read strictly: what is wrong is one line with the file and the field."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dealthread.cli.failures import Refused

Form = TypeVar("Form", bound=BaseModel)
MOST_BYTES = 20_000_000
"""A larger file is not a form that a person wrote."""
MOST_DIGITS = 100


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
        found = json.loads(text, object_pairs_hook=_once, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise Refused(
            f"{file}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise Refused(f"{file}: nested too deep") from None
    except ValueError as error:
        raise Refused(f"{file}: {error}") from None
    for place, wrong in _no_values(found, ""):
        raise Refused(f"{file}: {place}{wrong}")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits: at most {MOST_DIGITS}")
    return int(digits)


def _no_values(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """What Python reads as JSON and JSON does not know: NaN and infinity, half a character."""
    where = f"{place}: " if place else ""
    if isinstance(value, float) and not math.isfinite(value):
        yield where, "not a finite number"
    elif isinstance(value, str) and not _is_text(value):
        yield where, "half a character (an unpaired surrogate) is no text"
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not _is_text(name):
                yield where, "half a character (an unpaired surrogate) is no name"
            yield from _no_values(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _no_values(inner, f"{place}.{at}" if place else str(at))


def _is_text(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice}: stands twice in one object")
    return found
