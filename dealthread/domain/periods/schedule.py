"""The billing periods of a service: stubs at both ends, in advance or in arrears."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from dealthread.domain.base import Frozen
from dealthread.domain.deal import BillingTiming
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.knobs import StubWhole
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.measure import share
from dealthread.domain.periods.moment import Moment, Span


class PeriodKind(StrEnum):
    """Whether a period is whole, and at which end it is cut."""

    FULL = "full"
    LEADING_STUB = "leading_stub"
    TRAILING_STUB = "trailing_stub"
    SHORT = "short"
    """Cut at both ends: the service starts and ends inside one period."""


class BillingPeriod(Frozen):
    """One period as it is billed."""

    number: int
    """From 1."""
    span: Span
    whole: Span
    """The whole period that it is a part of."""
    kind: PeriodKind
    bill_at: Moment
    """When it is billed: its start in advance, its end in arrears."""
    length: PeriodLength
    cycle_day: int

    def share(self, convention: Convention, part: Span | None = None) -> Fraction:
        """What of one period's price it costs, or a part of it does."""
        return share(
            part or self.span, self.whole, self.length, convention, cycle_day=self.cycle_day
        )


def billing_periods(
    term: Span,
    cycle: BillCycle,
    convention: Convention,
    *,
    timing: BillingTiming = BillingTiming.ADVANCE,
) -> tuple[BillingPeriod, ...]:
    """Every period of the term, in order. For a service without end, the term is the horizon."""
    found: list[BillingPeriod] = []
    index = cycle.index_at(term.start)
    while cycle.boundary(index) < term.end:
        whole = cycle.period(index)
        found.append(_period(len(found) + 1, whole, term, cycle, convention, timing))
        index += 1
    return tuple(found)


def period_at(
    moment: date,
    term: Span,
    cycle: BillCycle,
    convention: Convention,
    *,
    timing: BillingTiming = BillingTiming.ADVANCE,
) -> BillingPeriod:
    """The period of the term that holds the moment. Raises ValueError for one outside the term."""
    if not term.holds(moment):
        raise ValueError(f"moment: {moment} is not in {term}")
    index = cycle.index_at(moment)
    number = index - cycle.index_at(term.start) + 1
    return _period(number, cycle.period(index), term, cycle, convention, timing)


def _period(
    number: int,
    whole: Span,
    term: Span,
    cycle: BillCycle,
    convention: Convention,
    timing: BillingTiming,
) -> BillingPeriod:
    late, early = whole.start < term.start, term.end < whole.end
    span = Span(start=max(whole.start, term.start), end=min(whole.end, term.end))
    kind = PeriodKind.FULL
    if late:
        kind = PeriodKind.SHORT if early else PeriodKind.LEADING_STUB
        before_anchor = span.start < cycle.boundary(0)
        if before_anchor and convention.stub_whole is StubWhole.FROM_START:
            imagined = BillCycle(length=cycle.length, anchor=term.start, zone=cycle.zone)
            end = max(imagined.boundary(1), span.end)
            whole = Span(start=term.start, end=end)
    elif early:
        kind = PeriodKind.TRAILING_STUB
    return BillingPeriod(
        number=number,
        span=span,
        whole=whole,
        kind=kind,
        bill_at=span.start if timing is BillingTiming.ADVANCE else span.end,
        length=cycle.length,
        cycle_day=cycle.cycle_day,
    )


class CycleChange(Frozen):
    """From a moment on, another bill-cycle day."""

    effective: Moment
    cycle_day: int


def periods_with_changes(
    term: Span,
    cycle: BillCycle,
    convention: Convention,
    changes: Sequence[CycleChange],
    *,
    timing: BillingTiming = BillingTiming.ADVANCE,
) -> tuple[BillingPeriod, ...]:
    """The periods when the bill-cycle day changes once or more in the life of the service.

    The running period is cut at each change; from there a stub leads to the new day. Raises
    ValueError for a change that is outside the term or not after the one before it.
    """
    cuts = [term.start, *(change.effective for change in changes), term.end]
    if any(not before < after for before, after in pairwise(cuts)):
        raise ValueError("effective: changes of the cycle day come in order, inside the term")
    cycles = [cycle]
    for change in changes:
        cycles.append(
            cycle_for(
                change.effective,
                cycle.length,
                convention,
                cycle_day=change.cycle_day,
                zone=cycle.zone,
            )
        )
    found: list[BillingPeriod] = []
    for (start, end), running in zip(pairwise(cuts), cycles, strict=True):
        for period in billing_periods(
            Span(start=start, end=end), running, convention, timing=timing
        ):
            found.append(period.model_copy(update={"number": len(found) + 1}))
    return tuple(found)


def coterminate(
    starts: Sequence[date], end: date, cycle: BillCycle, convention: Convention
) -> tuple[tuple[BillingPeriod, ...], ...]:
    """The periods of several lines that all end together, each from its own start."""
    return tuple(billing_periods(Span(start=start, end=end), cycle, convention) for start in starts)
