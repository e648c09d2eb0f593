"""A small language for what an operation accepts, and the reader that refuses the rest.

Stripe answers an unknown parameter with 400 `parameter_unknown`, also when it is nested, and a
missing one with `parameter_missing`; a double that lets either pass hides the mistake until
production.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.form import Tree

Node = str | Tree
# docs.stripe.com/api/metadata
METADATA_MAX_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500


class Spec:
    """Reads one node; raises StripeError naming the parameter."""

    def read(self, node: Node, param: str) -> Any:  # noqa: ARG002 what every kind of value has
        """The typed value."""
        raise StripeError.unsupported(param, param=param)

    def text(self, node: Node, param: str, kind: str) -> str:
        """The node as a string, or the vendor's refusal of a nested value."""
        if isinstance(node, dict):
            raise StripeError.invalid(f"Invalid {kind}: {param} must not be nested", param=param)
        return node


@dataclass(frozen=True)
class Text(Spec):
    """A string; with `clears`, the empty string unsets the value (read as None)."""

    choices: tuple[str, ...] = ()
    clears: bool = False
    max_length: int = 5000

    def read(self, node: Node, param: str) -> str | None:
        """The string, or None where an empty one unsets."""
        value = self.text(node, param, "string")
        if value == "":
            if self.clears:
                return None
            message = (
                f"You passed an empty string for '{param}'. We assume empty values are an attempt "
                f"to unset a parameter; however '{param}' cannot be unset."
            )
            raise StripeError.invalid(message, code="parameter_invalid_empty", param=param)
        if self.choices and value not in self.choices:
            options = ", ".join(self.choices[:-1]) + (", or " if len(self.choices) > 1 else "")
            message = f"Invalid {param}: must be one of {options}{self.choices[-1]}"
            raise StripeError.invalid(message, param=param)
        if len(value) > self.max_length:
            message = f"Invalid string: {param} must be at most {self.max_length} characters"
            raise StripeError.invalid(message, code="parameter_invalid_string", param=param)
        return value


@dataclass(frozen=True)
class Int(Spec):
    """An integer within bounds; `words` are accepted as they are (`now`)."""

    minimum: int | None = None
    maximum: int | None = None
    words: tuple[str, ...] = ()
    clears: bool = False

    def read(self, node: Node, param: str) -> int | str | None:
        """The integer, an accepted word, or None where an empty string unsets."""
        value = self.text(node, param, "integer")
        if value in self.words:
            return value
        if value == "" and self.clears:
            return None
        digits = value[1:] if value.startswith("-") else value
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
            raise StripeError.invalid(
                f"Invalid integer: {value}", code="parameter_invalid_integer", param=param
            )
        number = int(value)
        if (self.minimum is not None and number < self.minimum) or (
            self.maximum is not None and number > self.maximum
        ):
            message = f"Invalid integer: {param} must be within its allowed range, got {number}"
            raise StripeError.invalid(message, code="parameter_invalid_integer", param=param)
        return number


@dataclass(frozen=True)
class Flag(Spec):
    """A boolean: `true` or `false`, nothing else."""

    def read(self, node: Node, param: str) -> bool:
        """The boolean."""
        value = self.text(node, param, "boolean")
        if value not in ("true", "false"):
            raise StripeError.invalid(f"Invalid boolean: {value}", param=param)
        return value == "true"


@dataclass(frozen=True)
class Exact(Spec):
    """A decimal number with at most `places` decimals."""

    places: int = 12
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def read(self, node: Node, param: str) -> Decimal:
        """The exact number."""
        value = self.text(node, param, "decimal")
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise StripeError.invalid(f"Invalid decimal: {value}", param=param) from None
        exponent = number.as_tuple().exponent
        if not number.is_finite() or not isinstance(exponent, int) or -exponent > self.places:
            message = f"Invalid decimal: {value}; must contain at maximum {self.places} decimals"
            raise StripeError.invalid(message, param=param)
        if (self.minimum is not None and number < self.minimum) or (
            self.maximum is not None and number > self.maximum
        ):
            raise StripeError.invalid(f"Invalid decimal: {value} is out of range", param=param)
        return number


@dataclass(frozen=True)
class Metadata(Spec):
    """Key-value pairs; None clears them all, an empty value removes its key."""

    def read(self, node: Node, param: str) -> dict[str, str] | None:
        """The pairs, or None to clear."""
        if isinstance(node, str):
            if node == "":
                return None
            raise StripeError.invalid(f"Invalid {param}: must be a hash", param=param)
        pairs: dict[str, str] = {}
        for key, value in node.items():
            name = f"{param}[{key}]"
            if isinstance(value, dict):
                raise StripeError.invalid(f"Invalid value for {name}: must be a string", param=name)
            if len(key) > METADATA_KEY_LENGTH or len(value) > METADATA_VALUE_LENGTH:
                message = (
                    f"Metadata keys have up to {METADATA_KEY_LENGTH} characters and values up to "
                    f"{METADATA_VALUE_LENGTH}"
                )
                raise StripeError.invalid(message, param=name)
            pairs[key] = value
        if len(pairs) > METADATA_MAX_KEYS:
            raise StripeError.invalid(f"Metadata has up to {METADATA_MAX_KEYS} keys", param=param)
        return pairs


@dataclass(frozen=True)
class Many(Spec):
    """A list; with `clears`, the empty string empties it (read as [])."""

    of: Spec
    clears: bool = False
    at_most: int = 250

    def read(self, node: Node, param: str) -> list[Any]:
        """The list in the order of its positions."""
        if isinstance(node, str):
            if node == "" and self.clears:
                return []
            raise StripeError.invalid(f"Invalid array: {param}", param=param)
        if not all(key.isdigit() for key in node):
            raise StripeError.invalid(f"Invalid array: {param}", param=param)
        if len(node) > self.at_most:
            message = f"Array {param} exceeded maximum {self.at_most} allowed elements."
            raise StripeError.invalid(message, param=param)
        keys = sorted(node, key=int)
        return [self.of.read(node[key], f"{param}[{key}]") for key in keys]


@dataclass(frozen=True)
class Fields(Spec):
    """A hash with known names; with `clears`, the empty string unsets it (read as None).

    `unsupported` are names Stripe documents and this simulator does not carry.
    """

    fields: Mapping[str, Spec]
    required: tuple[str, ...] = ()
    clears: bool = False
    unsupported: frozenset[str] = field(default_factory=frozenset)

    def read(self, node: Node, param: str) -> dict[str, Any] | None:
        """The values sent, typed; absent names stay absent."""
        if isinstance(node, str):
            if node == "" and self.clears:
                return None
            raise StripeError.invalid(f"Invalid object: {param}", param=param)

        def name(key: str) -> str:
            return f"{param}[{key}]" if param else key

        for key in node:
            if key in self.unsupported:
                raise StripeError.unsupported(f"the parameter {name(key)}", param=name(key))
        unknown = [name(key) for key in node if key not in self.fields]
        if unknown:
            raise StripeError.unknown_parameters(unknown)
        for key in self.required:
            if key not in node:
                raise StripeError.missing(name(key))
        return {key: self.fields[key].read(value, name(key)) for key, value in node.items()}


EXPAND = Many(Text(), at_most=20)
EXPAND_ONLY = Fields({"expand": EXPAND})
RANGE = Fields({bound: Int() for bound in ("gt", "gte", "lt", "lte")})


@dataclass(frozen=True)
class When(Spec):
    """A point in time or a range of them, as list filters take it."""

    def read(self, node: Node, param: str) -> dict[str, Any] | None:
        """A range; a single instant becomes one of its own."""
        if isinstance(node, str):
            exact = Int().read(node, param)
            return {"gte": exact, "lte": exact}
        return RANGE.read(node, param)


def listing(filters: Mapping[str, Spec] | None = None, *unsupported: str) -> Fields:
    """Parameters of a list operation: cursors, limit, expand and the given filters."""
    paging: dict[str, Spec] = {
        "limit": Int(1, 100),
        "starting_after": Text(),
        "ending_before": Text(),
        "expand": EXPAND,
    }
    return Fields({**paging, **(filters or {})}, unsupported=frozenset(unsupported))
