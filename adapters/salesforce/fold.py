"""Amendments are deltas: rows that add up, each over its own span, to what holds when.

Per contract, root, product and price the quantities of all rows are summed over [start, end), cut
wherever a row begins or ends. The order in which rows arrive does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

_EVER = date.max
"""Stands for no end while spans are cut."""


@dataclass(frozen=True)
class Held:
    """A quantity over a span, end exclusive; negative where a row takes back."""

    contract: str
    root: str
    product: str
    price: Decimal
    quantity: Decimal
    start: date
    end: date | None

    @property
    def group(self) -> tuple[str, str, str, Decimal]:
        """What may be added up."""
        # 270 and 270.00 are one price and one hash.
        return self.contract, self.root, self.product, self.price


def fold(rows: Iterable[Held]) -> tuple[Held, ...]:
    """Phases of one quantity each, without gaps of nought, neighbours of one quantity joined."""
    groups: dict[tuple[str, str, str, Decimal], list[Held]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    found = [phase for group in groups.values() for phase in _phases(group)]
    return tuple(sorted(found, key=lambda one: (*one.group, one.start)))


def from_day(phases: Iterable[Held], root: str, day: date) -> tuple[Held, ...]:
    """Phases of one root that hold on a day or after it."""
    return tuple(one for one in phases if one.root == root and (one.end is None or one.end > day))


def _phases(rows: Sequence[Held]) -> list[Held]:
    cuts = sorted({day for row in rows for day in (row.start, row.end or _EVER)})
    found: list[Held] = []
    for start, end in pairwise(cuts):
        quantity = sum(
            (row.quantity for row in rows if row.start <= start and end <= (row.end or _EVER)),
            Decimal(0),
        )
        if not quantity:
            continue
        last = None if end == _EVER else end
        if found and found[-1].end == start and found[-1].quantity == quantity:
            found[-1] = replace(found[-1], end=last)
        else:
            found.append(replace(rows[0], quantity=quantity, start=start, end=last))
    return found
