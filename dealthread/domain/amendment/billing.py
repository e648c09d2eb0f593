"""The charges of the periods that are due."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from dealthread.domain.amendment.billed import BilledItem, without
from dealthread.domain.amendment.line import Segment, ServiceLine
from dealthread.domain.amendment.proration import part_price
from dealthread.domain.amendment.replay import replay
from dealthread.domain.amendment.standing import (
    AmendmentLine,
    LineKind,
    Standing,
    refuse_other_moments,
)
from dealthread.domain.base import Frozen
from dealthread.domain.deal import BillingTiming
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import BillingPeriod, billing_periods
from dealthread.domain.working import worked


class Billing(Frozen):
    """The charges of one run and the contract after it."""

    lines: tuple[AmendmentLine, ...]
    standing: Standing


def bill_due(
    standing: Standing,
    *,
    key: str,
    as_of: date,
    convention: Convention,
    zone: str = "UTC",
    timing: BillingTiming = BillingTiming.ADVANCE,
) -> Billing:
    """Charges for every period due on the day, as far as it is not billed; a second run of the
    same day finds nothing.

    A period in which something changed is charged in its parts, each at its own price.
    """
    day = convention.moment(as_of, zone)
    refuse_other_moments(standing, convention)
    lines: list[AmendmentLine] = []
    items = list(standing.items)
    for line in replay(standing.lines, standing.changes, convention).values():
        billed = [item for item in standing.items if item.line_key == line.line_key]
        for period, segment in due_periods(line, day, convention, timing):
            part = within(period.span, segment)
            for open_part in [] if part is None else _open(part, billed):
                item_key = f"{key}/{len(lines) + 1}"
                found = charge_for(item_key, line.line_key, open_part, period, segment, convention)
                if found.amount:
                    lines.append(found)
                    items.append(item_of(found, period))
    return Billing(lines=tuple(lines), standing=standing.model_copy(update={"items": tuple(items)}))


def _open(part: Span, billed: list[BilledItem]) -> list[Span]:
    """What of a part no item covers."""
    parts = [part]
    for item in billed:
        for live in item.live(part):
            parts = [rest for one in parts for rest in without(one, live)]
    return parts


def due_periods(
    line: ServiceLine,
    day: date,
    convention: Convention,
    timing: BillingTiming,
    ahead: Collection[Span] = (),
) -> Iterator[tuple[BillingPeriod, Segment]]:
    """The periods of the line that are due by the day, with the active segments in them.

    `ahead`: whole periods that were billed before they were due; they count as due.
    """
    day, due_by = max([day, *(whole.start for whole in ahead)]), day
    for run in _runs(line):
        cycle, start, end = run[0].cycle, run[0].start, run[-1].end
        if start > day:
            return
        horizon = cycle.boundary(cycle.index_at(day) + 1)
        term = Span(start=start, end=horizon if end is None else min(end, horizon))
        for period in billing_periods(term, cycle, convention, timing=timing):
            if period.bill_at <= due_by or period.whole in ahead:
                yield from ((period, one) for one in run if one.is_active)


def _runs(line: ServiceLine) -> Iterator[list[Segment]]:
    """Segments that follow one another on the same cycle: one row of periods."""
    run: list[Segment] = []
    for segment in line.segments:
        if run and (run[-1].end != segment.start or run[-1].cycle != segment.cycle):
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def within(part: Span, segment: Segment) -> Span | None:
    start = max(part.start, segment.start)
    end = part.end if segment.end is None else min(part.end, segment.end)
    return Span(start=start, end=end) if start < end else None


def charge_for(
    item_key: str,
    line_key: str,
    part: Span,
    period: BillingPeriod,
    segment: Segment,
    convention: Convention,
) -> AmendmentLine:
    amount = part_price(part, period, segment.unit_price, segment.quantity, convention)
    return AmendmentLine(
        kind=LineKind.CHARGE,
        item_key=item_key,
        line_key=line_key,
        product=segment.product,
        span=part,
        quantity=segment.quantity,
        unit_price=segment.unit_price,
        amount=amount,
        working=worked(
            f"charge {item_key} for {segment.product}",
            "quantity × price × share",
            amount,
            source=convention.name,
            quantity=segment.quantity,
            price=segment.unit_price,
            part=part,
            share=period.share(convention, part),
        ),
    )


def item_of(line: AmendmentLine, period: BillingPeriod) -> BilledItem:
    return BilledItem(
        item_key=line.item_key,
        line_key=line.line_key,
        product=line.product,
        is_issued=False,
        span=line.span,
        period=period,
        quantity=line.quantity,
        unit_price=line.unit_price,
        amount=line.amount,
        unpaid=line.amount,
    )
