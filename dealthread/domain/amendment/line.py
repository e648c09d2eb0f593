"""A contract line over time: who gets how much of what at which price, from when to when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, UnitPrice
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.moment import Moment, is_instant
from dealthread.domain.pricing.quantity import checked_quantity


def _quantity(value: Decimal) -> Decimal:
    return checked_quantity(value)


Quantity = Annotated[ExactDecimal, AfterValidator(_quantity)]
"""Not negative, at most 12 decimals."""


class Segment(Frozen):
    """A stretch of a line in which nothing changes. The price is for one period of its cycle."""

    start: Moment
    end: Moment | None
    """First moment not served; None without end."""
    product: str
    quantity: Quantity
    unit_price: UnitPrice
    cycle: BillCycle
    payment_terms: str = ""
    is_active: bool = True
    """False while the service is paused: nothing is billed."""

    @model_validator(mode="after")
    def _ordered(self) -> Segment:
        kinds = {is_instant(self.start), is_instant(self.cycle.anchor)}
        if self.end is not None:
            kinds.add(is_instant(self.end))
            if self.end <= self.start:
                raise ValueError(f"end: {self.end} is not after the start {self.start}")
        if len(kinds) > 1:
            raise ValueError("start, end and anchor are days or instants, not a mixture")
        return self

    def bills_like(self, other: Segment | None) -> bool:
        """Whether both are billed alike; the time and the payment terms do not matter."""
        if other is None or not other.is_active:
            return not self.is_active
        return self.is_active and (
            (self.product, self.quantity, self.unit_price, self.cycle)
            == (other.product, other.quantity, other.unit_price, other.cycle)
        )


class ServiceLine(Frozen):
    """A line as its segments, in order and without overlap; between them nothing is served."""

    line_key: str
    segments: tuple[Segment, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> ServiceLine:
        for before, after in zip(self.segments, self.segments[1:], strict=False):
            if before.end is None or before.end > after.start:
                raise ValueError(f"segments: those of {self.line_key} overlap at {after.start}")
        if len({segment.unit_price.currency for segment in self.segments}) > 1:
            raise ValueError(f"currency: {self.line_key} has more than one")
        return self

    def at(self, moment: date) -> Segment | None:
        """The segment that holds the moment, or None where nothing is served."""
        for segment in self.segments:
            if segment.start <= moment and (segment.end is None or moment < segment.end):
                return segment
        return None

    def edges(self) -> Iterable[date]:
        """Every start and end."""
        for segment in self.segments:
            yield segment.start
            if segment.end is not None:
                yield segment.end

    def rewritten(
        self, start: date, end: date | None, change: Callable[[Segment], Segment | None]
    ) -> ServiceLine:
        """The line with another state between two moments; None as a state serves nothing."""
        found: list[Segment] = []
        for segment in self.segments:
            first = max(segment.start, start)
            last = min_end(segment.end, end)
            if last is not None and last <= first:
                found.append(segment)
                continue
            if segment.start < first:
                found.append(segment.model_copy(update={"end": first}))
            inside = change(segment.model_copy(update={"start": first, "end": last}))
            if inside is not None:
                found.append(inside)
            if last is not None and (segment.end is None or last < segment.end):
                found.append(segment.model_copy(update={"start": last}))
        return self.model_copy(update={"segments": _joined(found)})


def _joined(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Neighbours in the same state as one."""
    found: list[Segment] = []
    for segment in segments:
        before = found[-1] if found else None
        if before is not None and before.end == segment.start:
            longer = before.model_copy(update={"end": segment.end})
            if longer == segment.model_copy(update={"start": before.start}):
                found[-1] = longer
                continue
        found.append(segment)
    return tuple(found)


def min_end(one: date | None, other: date | None) -> date | None:
    """The earlier of two ends; None never ends."""
    if one is None or other is None:
        return one or other
    return min(one, other)
