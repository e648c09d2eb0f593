"""An amendment: changes in, credits and charges out.

The lines as they were and as they are now are laid side by side. Where the two differ, what was
billed for that time is credited and what is due for it is charged; where they agree nothing is
touched. So several changes in one period, a repair of a repair, a pause and a backdated change
are all the same calculation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count

from dealthread.domain.amendment.billed import BilledItem
from dealthread.domain.amendment.billing import charge_for, due_periods, item_of, within
from dealthread.domain.amendment.change import AddLine, Change, Pause
from dealthread.domain.amendment.credit import credit_for
from dealthread.domain.amendment.line import ServiceLine
from dealthread.domain.amendment.replay import replay
from dealthread.domain.amendment.standing import (
    AmendmentLine,
    LineKind,
    Standing,
    refuse_other_moments,
)
from dealthread.domain.base import Frozen
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.moment import Span
from dealthread.domain.working import Working, worked


class Amendment(Frozen):
    """What an amendment comes to."""

    lines: tuple[AmendmentLine, ...]
    net: Money
    standing: Standing
    """The contract afterwards; charges are items not yet issued."""
    pending: tuple[Change, ...]
    """Changes that take effect after the day of billing: nothing is billed for them yet."""
    working: Working


def amend(
    standing: Standing,
    changes: Sequence[Change],
    *,
    key: str,
    as_of: date,
    convention: Convention,
    zone: str = "UTC",
    timing: BillingTiming = BillingTiming.ADVANCE,
) -> Amendment:
    """Credits and charges of changes billed on `as_of`.

    Charged is what is due by then: periods that have begun (in advance) or ended (in arrears),
    and periods that were billed before their day.
    Changes of a later moment stay pending. `zone` is the customer's time zone.
    Raises ValueError for a change of a line that is not served then, and for another currency.
    """
    day = convention.moment(as_of, zone)
    refuse_other_moments(standing, convention)
    counted = [_counted(change, convention, zone) for change in changes]
    due = [change for change in counted if change.effective <= day]
    before = replay(standing.lines, standing.changes, convention)
    after = replay(standing.lines, [*standing.changes, *due], convention)
    for line in after.values():
        if any(one.unit_price.currency != standing.currency for one in line.segments):
            raise ValueError(f"currency: {line.line_key} is not in {standing.currency}")
    items = {item.item_key: item for item in standing.items}
    run = _Run(key, day, convention, timing, count(1))
    found: list[AmendmentLine] = []
    for line_key in dict.fromkeys(change.line_key for change in due):
        old = before.get(line_key, ServiceLine(line_key=line_key))
        found += _line_changes(old, after[line_key], items, run)
    net = Money.total((line.amount for line in found), standing.currency)
    return Amendment(
        lines=tuple(found),
        net=net,
        standing=standing.model_copy(
            update={
                "changes": (*standing.changes, *due),
                "items": tuple(items.values()),
            }
        ),
        pending=tuple(change for change in counted if change.effective > day),
        working=worked(
            f"net of {key}",
            "sum of credits and charges",
            net,
            source=convention.name,
            parts=[line.working for line in found],
        ),
    )


@dataclass(frozen=True)
class _Run:
    key: str
    day: date
    convention: Convention
    timing: BillingTiming
    numbers: Iterator[int]


def _counted(change: Change, convention: Convention, zone: str) -> Change:
    """The change with moments as the convention counts them."""
    update: dict[str, object] = {"effective": convention.moment(change.effective, zone)}
    if isinstance(change, Pause) and change.until is not None:
        update["until"] = convention.moment(change.until, zone)
    if isinstance(change, AddLine) and change.segment.start != update["effective"]:
        raise ValueError(f"effective: {convention.name} counts {change.effective} otherwise")
    return change.model_copy(update=update)


def _line_changes(
    old: ServiceLine,
    new: ServiceLine,
    items: dict[str, BilledItem],
    run: _Run,
) -> list[AmendmentLine]:
    mine = [item for item in items.values() if item.line_key == new.line_key]
    ahead = [item.period.whole for item in mine]
    charges = list(due_periods(new, run.day, run.convention, run.timing, ahead))
    ends = [item.span.end for item in mine] + [period.span.end for period, _ in charges]
    found: list[AmendmentLine] = []
    for changed in _differences(old, new, max(ends, default=run.day)):
        credited: list[str] = []
        for item in mine:
            for live in items[item.item_key].live(changed):
                line = _credit(items, item.item_key, live, old, run.convention)
                if line.amount:
                    found.append(line)
                    credited.append(item.item_key)
        for period, segment in charges:
            due_part = period.span.meet(changed)
            part = None if due_part is None else within(due_part, segment)
            if part is None:
                continue
            item_key = f"{run.key}/{next(run.numbers)}"
            line = charge_for(item_key, new.line_key, part, period, segment, run.convention)
            replaced = tuple(one for one in credited if items[one].span.meet(part) is not None)
            if line.amount:
                found.append(line.model_copy(update={"corrects": replaced}))
                items[line.item_key] = item_of(line, period)
    return found


def _differences(old: ServiceLine, new: ServiceLine, horizon: date) -> Iterator[Span]:
    """The times in which the two are billed otherwise, joined where they touch."""
    edges = {edge for edge in (*old.edges(), *new.edges()) if edge < horizon}
    start: date | None = None
    for edge in sorted(edges):
        was, now = old.at(edge), new.at(edge)
        same = (was is None or was.bills_like(None)) if now is None else now.bills_like(was)
        if not same and start is None:
            start = edge
        if same and start is not None:
            yield Span(start=start, end=edge)
            start = None
    if start is not None:
        yield Span(start=start, end=horizon)


def _credit(
    items: dict[str, BilledItem],
    item_key: str,
    part: Span,
    old: ServiceLine,
    convention: Convention,
) -> AmendmentLine:
    item = items[item_key]
    running = old.at(part.start)
    credit = credit_for(
        item,
        part,
        convention,
        price_now=None if running is None else running.unit_price,
        quantity_now=None if running is None else running.quantity,
    )
    items[item_key] = credit.item
    return AmendmentLine(
        kind=LineKind.CREDIT,
        item_key=f"{item_key}/credit/{len(credit.item.credits)}",
        line_key=item.line_key,
        product=item.product,
        span=part,
        quantity=item.quantity,
        unit_price=item.unit_price,
        amount=-credit.amount,
        corrects=(item_key,),
        invoice=item.invoice,
        settlements=credit.settlements,
        working=credit.working,
    )
