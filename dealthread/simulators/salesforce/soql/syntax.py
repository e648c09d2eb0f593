"""What a SOQL query consists of, after parsing and before it meets a schema."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LiteralKind(StrEnum):
    """What a value in a query is, by the way it is written."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    DATE = "date"
    DATETIME = "datetime"
    RELATIVE = "relative"
    """TODAY, LAST_N_DAYS:30 …"""


@dataclass(frozen=True)
class Literal:
    """A value in a condition; `text` is unescaped and without quotes."""

    kind: LiteralKind
    text: str


@dataclass(frozen=True)
class Path:
    """A field, perhaps through parents: `Account.Parent.Name`."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Aggregate:
    """`SUM(Amount) total`; `COUNT()` has no path."""

    function: str
    path: Path | None
    alias: str | None


@dataclass(frozen=True)
class FieldGroup:
    """`FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`."""

    kind: str


@dataclass(frozen=True)
class Named:
    """`field alias`, which only grouped queries have."""

    path: Path
    alias: str


Operand = Path | Aggregate
"""What HAVING and ORDER BY of a grouped query speak of; elsewhere it is a path."""


@dataclass(frozen=True)
class Comparison:
    """`field op value`; op is one of = != < <= > >= LIKE."""

    path: Operand
    operator: str
    value: Literal


@dataclass(frozen=True)
class Membership:
    """`field [NOT] IN (…)`, of values or of a subquery's single column."""

    path: Operand
    values: tuple[Literal, ...]
    subquery: Query | None
    is_negated: bool


@dataclass(frozen=True)
class Inclusion:
    """`field INCLUDES ('a;b', 'c')` or EXCLUDES, of a multi-select picklist."""

    path: Operand
    values: tuple[Literal, ...]
    is_negated: bool


@dataclass(frozen=True)
class Negation:
    """`NOT condition`."""

    inner: Condition


@dataclass(frozen=True)
class Junction:
    """Conditions joined by one word."""

    word: str
    """AND or OR."""
    parts: tuple[Condition, ...]


Condition = Comparison | Membership | Inclusion | Negation | Junction


@dataclass(frozen=True)
class Ordering:
    """One term of ORDER BY."""

    path: Operand
    is_descending: bool
    is_nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A whole SELECT, or a subquery."""

    items: tuple[Item, ...]
    source: str
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Path, ...] = ()
    having: Condition | None = None
    order_by: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    purpose: str = ""
    """UPDATE, VIEW or REFERENCE after FOR."""


Item = Path | Named | Aggregate | FieldGroup | Query
"""One element of SELECT."""
