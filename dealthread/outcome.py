"""How a write ends: Done, Rejected or Unknown. Never "probably"."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Done(Generic[T_co]):
    """The effect exists and this is its record, native id included."""

    value: T_co


@dataclass(frozen=True)
class Rejected:
    """The other system understood and refused; nothing was written.

    `case_kind` is a kind of exception case (docs/operations.md), `code` the vendor's code or a
    short one of ours, `field` the offending field where known. `evidence` holds what a person
    needs to act; it never holds a secret.
    """

    case_kind: str
    code: str
    field: str = ""
    evidence: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Unknown:
    """The write was sent; whether it had its effect is not known.

    `code` says what was seen: read_timeout, connection_reset, malformed_answer, server_error,
    answer_without_id …
    """

    code: str
    retry_after: timedelta | None = None
    evidence: dict[str, str] = dataclasses.field(default_factory=dict)


Outcome = Done[T_co] | Rejected | Unknown
