"""A contract as it stands, and the lines that its billing and its amendments come to."""

from __future__ import annotations

from enum import StrEnum

from dealthread.domain.amendment.billed import BilledItem, Settlement
from dealthread.domain.amendment.change import Change
from dealthread.domain.amendment.line import Quantity, ServiceLine
from dealthread.domain.base import Frozen
from dealthread.domain.money import CurrencyCode, Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.moment import Span, is_instant
from dealthread.domain.working import Working


class LineKind(StrEnum):
    """Credits come first, then what replaces them."""

    CREDIT = "credit"
    CHARGE = "charge"


class AmendmentLine(Frozen):
    """One credit or charge, net of tax."""

    kind: LineKind
    item_key: str
    """The key of the new item of a charge; of a credit, its own."""
    line_key: str
    product: str
    span: Span
    quantity: Quantity
    unit_price: UnitPrice
    amount: Money
    """Negative for a credit."""
    corrects: tuple[str, ...] = ()
    """The billed item that a credit corrects; the ones that a charge replaces."""
    invoice: str = ""
    """The invoice that a credit corrects; empty where none was issued."""
    settlements: tuple[Settlement, ...] = ()
    working: Working


class Standing(Frozen):
    """A contract as it stands: its lines at signature, every change accepted since, in order of
    acceptance, and what was billed."""

    currency: CurrencyCode
    lines: tuple[ServiceLine, ...] = ()
    changes: tuple[Change, ...] = ()
    items: tuple[BilledItem, ...] = ()


def refuse_other_moments(standing: Standing, convention: Convention) -> None:
    """Raises ValueError for lines in days under a convention of instants, or the reverse."""
    for line in standing.lines:
        for segment in line.segments:
            if is_instant(segment.start) is not convention.counts_seconds:
                kind = "instants" if convention.counts_seconds else "days"
                raise ValueError(f"lines: {convention.name} counts {kind}, {line.line_key} not")
