"""The lines of a contract after its changes, replayed in the order in which they take effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from dealthread.domain.amendment.change import (
    AddLine,
    Change,
    ChangeCycleDay,
    ChangePlan,
    ChangePrice,
    ChangeQuantity,
    ChangeTerms,
    Pause,
    RemoveLine,
)
from dealthread.domain.amendment.line import Segment, ServiceLine
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.knobs import PeriodEnd


def replay(
    lines: Sequence[ServiceLine], changes: Sequence[Change], convention: Convention
) -> dict[str, ServiceLine]:
    """Every line by key. Changes of one moment take effect in the order given (of acceptance).

    What was agreed for a line that is later ended as of an earlier moment falls away. Raises
    ValueError for a change of a line that is not served at that moment, and for an added line that
    is there already.
    """
    found = {line.line_key: line for line in lines}
    accepted = sorted(enumerate(changes), key=lambda one: one[1].effective)
    for number, change in accepted:
        if _is_overtaken(change, changes[number + 1 :]):
            continue
        line = found.get(change.line_key, ServiceLine(line_key=change.line_key))
        found[change.line_key] = _applied(line, change, convention)
    return found


def _is_overtaken(change: Change, later: Sequence[Change]) -> bool:
    """Whether its line was ended before its moment by a change accepted after it."""
    return any(
        isinstance(one, RemoveLine)
        and one.line_key == change.line_key
        and one.effective < change.effective
        for one in later
    )


def _applied(line: ServiceLine, change: Change, convention: Convention) -> ServiceLine:
    start = change.effective
    if isinstance(change, AddLine):
        if line.at(start) is not None:
            raise ValueError(f"line_key: {line.line_key} is served on {start} already")
        segments = sorted([*line.segments, change.segment], key=lambda one: one.start)
        return ServiceLine(line_key=line.line_key, segments=tuple(segments))
    running = line.at(start)
    if running is None:
        raise ValueError(f"effective: {line.line_key} is not served on {start}")
    if isinstance(change, RemoveLine):
        return line.rewritten(last_moment(start, convention), None, lambda _: None)
    if isinstance(change, Pause):
        return line.rewritten(start, change.until, lambda one: _with(one, is_active=False))
    if isinstance(change, ChangeQuantity):
        return line.rewritten(start, None, lambda one: _with(one, quantity=change.quantity))
    if isinstance(change, ChangePrice):
        return line.rewritten(start, None, lambda one: _with(one, unit_price=change.unit_price))
    if isinstance(change, ChangeTerms):
        terms = change.payment_terms
        return line.rewritten(start, None, lambda one: _with(one, payment_terms=terms))
    if isinstance(change, ChangePlan | ChangeCycleDay):
        values = _new_plan(running, change, convention)
        return line.rewritten(start, None, lambda one: _with(one, **values))
    return line.rewritten(start, None, lambda one: _with(one, is_active=True))


def _new_plan(
    running: Segment, change: ChangePlan | ChangeCycleDay, convention: Convention
) -> dict[str, object]:
    """The new values; the cycle is made once, at the moment of the change."""
    cycle = running.cycle
    if isinstance(change, ChangeCycleDay):
        again = cycle_for(
            change.effective,
            cycle.length,
            convention,
            cycle_day=change.cycle_day,
            zone=cycle.zone,
        )
        return {"cycle": again}
    values: dict[str, object] = {"product": change.product, "unit_price": change.unit_price}
    if change.length is not None and change.length != cycle.length:
        moved: dict[str, object] = {"length": change.length}
        if not change.keeps_anchor:
            moved |= {"anchor": change.effective, "day": None}
        values["cycle"] = BillCycle.model_validate({**dict(cycle), **moved})
    return values


def last_moment(effective: date, convention: Convention) -> date:
    """Where a service that is ended ends: the day after, where the last day is still served."""
    if convention.period_end is PeriodEnd.LAST_DAY_INCLUSIVE:
        return effective + timedelta(days=1)
    return effective


def _with(segment: Segment, **values: object) -> Segment:
    return segment.model_validate({**dict(segment), **values})
