"""Stripe's own generated parameter types as a judge of what we send.

The types are Stripe's; this only reads them: unknown keys, missing keys and wrong values are
found. Where Stripe leaves an enumeration open (`Literal[…] | str`), the listed values are taken
for the whole.
"""

from __future__ import annotations

import sys
import types
import typing
from decimal import Decimal
from typing import Any, Generic, NotRequired, Required, TypeVar

from typing_extensions import TypedDict, is_typeddict

V = TypeVar("V")


class _Untyped(Generic[V]):
    """Stands in for a name that Stripe imports for type checkers only."""


def faults(kind: Any, value: Any, path: str = "") -> list[str]:
    """What is wrong with a value, by path; nothing when it fits."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (NotRequired, Required):
        return faults(arguments[0], value, path)
    if is_typeddict(kind):
        return _of_dict(kind, value, path)
    if origin in (typing.Union, types.UnionType):
        options = list(arguments)
        if any(typing.get_origin(option) is typing.Literal for option in options):
            options = [option for option in options if option is not str]
        tries = [faults(option, value, path) for option in options]
        return [] if any(not found for found in tries) else min(tries, key=len)
    if origin is typing.Literal:
        return [] if value in arguments else [f"{path}: not one of {arguments}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [
            f for i, item in enumerate(value) for f in faults(arguments[0], item, f"{path}[{i}]")
        ]
    if origin is dict:
        good = isinstance(value, dict) and all(
            isinstance(key, arguments[0]) and isinstance(item, arguments[1])
            for key, item in value.items()
        )
        return [] if good else [f"{path}: not a {kind}"]
    if kind in (int, str, bool, float, Decimal):
        return [] if type(value) is kind else [f"{path}: not {kind.__name__}"]
    return [f"{path}: not judged"]


def _of_dict(kind: Any, value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: not an object"]
    hints: dict[str, Any] = {}
    for base in reversed(kind.__mro__ if kind.__mro__[:-2] else (kind,)):
        hints.update(_hints(base))
    hints.update(_hints(kind))
    found = [f"{path}.{name}: unknown" for name in value if name not in hints]
    for name, hint in hints.items():
        if name in value:
            found += faults(hint, value[name], f"{path}.{name}")
        elif typing.get_origin(hint) is not NotRequired and name in kind.__required_keys__:
            found.append(f"{path}.{name}: missing")
    return found


def _hints(kind: Any) -> dict[str, Any]:
    if not is_typeddict(kind):
        return {}
    names = {**vars(sys.modules[kind.__module__]), "UntypedStripeObject": _Untyped}
    own = {
        name: hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
        for name, hint in kind.__annotations__.items()
        if not name.startswith("stripe_") and name not in _OPTIONS
    }
    probe = TypedDict("probe", own)  # type: ignore[misc]
    return typing.get_type_hints(probe, names, names, include_extras=True)


# What the client takes beside the parameters; never part of the body.
_OPTIONS = frozenset(
    {"api_key", "api_version", "content_type", "headers", "idempotency_key", "max_network_retries"}
)
