"""An amendment: changes in, credits and charges out.

The lines as they were and as they are now are laid side by side. Where the two differ, what was
billed for that time is credited and what is due for it is charged; where they agree nothing is
touched. So several changes in one period, a repair of a repair, a pause and a backdated change
are all the same calculation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum

from dealthread.domain.amendment.billed import BilledItem, Settlement
from dealthread.domain.amendment.change import AddLine, Change, Pause
from dealthread.domain.amendment.credit import credit_for
from dealthread.domain.amendment.line import Quantity, Segment, ServiceLine
from dealthread.domain.amendment.proration import part_price
from dealthread.domain.amendment.replay import replay
from dealthread.domain.base import Frozen
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import CurrencyCode, Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.moment import Span, is_instant
from dealthread.domain.periods.schedule import BillingPeriod, billing_periods
from dealthread.domain.working import Working, worked


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

    Charged is what is due by then: periods that have begun (in advance) or ended (in arrears).
    Changes of a later moment stay pending. `zone` is the customer's time zone.
    Raises ValueError for a change of a line that is not served then, and for another currency.
    """
    day = convention.moment(as_of, zone)
    _refuse_other_moments(standing, convention)
    counted = [_counted(change, convention, zone) for change in changes]
    due = [change for change in counted if change.effective <= day]
    before = replay(standing.lines, standing.changes, convention)
    after = replay(standing.lines, [*standing.changes, *due], convention)
    for line in after.values():
        if any(one.unit_price.currency != standing.currency for one in line.segments):
            raise ValueError(f"currency: {line.line_key} is not in {standing.currency}")
    items = {item.item_key: item for item in standing.items}
    found: list[AmendmentLine] = []
    for line_key in dict.fromkeys(change.line_key for change in due):
        old = before.get(line_key, ServiceLine(line_key=line_key))
        found += _line_changes(old, after[line_key], items, key, day, convention, timing, found)
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


def _refuse_other_moments(standing: Standing, convention: Convention) -> None:
    for line in standing.lines:
        for segment in line.segments:
            if is_instant(segment.start) is not convention.counts_seconds:
                kind = "instants" if convention.counts_seconds else "days"
                raise ValueError(f"lines: {convention.name} counts {kind}, {line.line_key} not")


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
    key: str,
    day: date,
    convention: Convention,
    timing: BillingTiming,
    earlier: Sequence[AmendmentLine],
) -> list[AmendmentLine]:
    mine = [item for item in items.values() if item.line_key == new.line_key]
    charges = list(_due(new, day, convention, timing))
    ends = [item.span.end for item in mine] + [period.span.end for period, _ in charges]
    found: list[AmendmentLine] = []
    for changed in _differences(old, new, max(ends, default=day)):
        credited: list[str] = []
        for item in mine:
            for live in items[item.item_key].live(changed):
                line = _credit(items, item.item_key, live, old, convention)
                if line.amount:
                    found.append(line)
                    credited.append(item.item_key)
        for period, segment in charges:
            due_part = period.span.meet(changed)
            part = None if due_part is None else _within(due_part, segment)
            if part is None:
                continue
            number = sum(one.kind is LineKind.CHARGE for one in [*earlier, *found]) + 1
            line = _charge(f"{key}/{number}", new.line_key, part, period, segment, convention)
            replaced = tuple(one for one in credited if items[one].span.meet(part) is not None)
            if line.amount:
                found.append(line.model_copy(update={"corrects": replaced}))
                items[line.item_key] = _item(line, period)
    return found


def _differences(old: ServiceLine, new: ServiceLine, horizon: date) -> Iterator[Span]:
    """The times in which the two are billed otherwise, joined where they touch."""
    edges = sorted({*old.edges(), *new.edges(), horizon})
    start: date | None = None
    for edge in edges:
        if edge >= horizon:
            break
        was, now = old.at(edge), new.at(edge)
        same = (was is None or was.bills_like(None)) if now is None else now.bills_like(was)
        if not same and start is None:
            start = edge
        if same and start is not None:
            yield Span(start=start, end=edge)
            start = None
    if start is not None:
        yield Span(start=start, end=horizon)


def _due(
    line: ServiceLine, day: date, convention: Convention, timing: BillingTiming
) -> Iterator[tuple[BillingPeriod, Segment]]:
    """The periods of the line that are due by the day, with the active segments in them."""
    for run in _runs(line):
        cycle, start, end = run[0].cycle, run[0].start, run[-1].end
        if start > day:
            return
        horizon = cycle.boundary(cycle.index_at(day) + 1)
        term = Span(start=start, end=horizon if end is None else min(end, horizon))
        for period in billing_periods(term, cycle, convention, timing=timing):
            if period.bill_at <= day:
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


def _within(part: Span, segment: Segment) -> Span | None:
    start = max(part.start, segment.start)
    end = part.end if segment.end is None else min(part.end, segment.end)
    return Span(start=start, end=end) if start < end else None


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


def _charge(
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


def _item(line: AmendmentLine, period: BillingPeriod) -> BilledItem:
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
