"""The life of a recurring line: what is billed for it when, and what each change corrects.

Day by day: first the changes documented that day, as an amendment of what was billed before; then
the periods that fall due and are not billed yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billed import BilledItem, Settlement, without
from dealthread.domain.amendment.line import Segment
from dealthread.domain.amendment.proration import part_price
from dealthread.domain.amendment.replay import replay
from dealthread.domain.amendment.standing import AmendmentLine, LineKind, Standing
from dealthread.domain.money import Money
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import BillingPeriod, billing_periods
from dealthread.domain.statement.form import ContractForm, LineForm
from dealthread.domain.statement.service import Step, day_of, service_of, steps_of
from dealthread.domain.working import Working, worked


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge, or a credit below zero, before it stands on a document."""

    on: date
    change: str
    """The change that made it; empty for a period that fell due."""
    what: str
    start: date
    end: date
    net: Money
    item: str
    """Names what is charged; of a credit, what it corrects."""
    settlements: tuple[Settlement, ...]
    working: Working


def charges_of(form: ContractForm, line: LineForm) -> list[list[Charge]]:
    """Charges as sold, then with the first change, with the first two, and so on.

    Raises ValueError naming a field that cannot be computed with.
    """
    steps = steps_of(form, line)
    return [_lived(form, line, steps[:count]) for count in range(len(steps) + 1)]


def _lived(form: ContractForm, line: LineForm, steps: Sequence[Step]) -> list[Charge]:
    standing = Standing(currency=form.currency, lines=(service_of(form, line),))
    due = _due(form, standing)
    found: list[Charge] = []
    for day in sorted({*due, *(step.change.documented_on for step in steps)}):
        for step in steps:
            if step.change.documented_on == day and step.parts:
                standing = _amended(form, step, day, due.get(day, ()), standing, found)
        for period in due.get(day, ()):
            standing = _billed(form, period, day, standing, found)
    return found


def _due(form: ContractForm, standing: Standing) -> dict[date, list[BillingPeriod]]:
    (segment,) = standing.lines[0].segments
    assert segment.end is not None  # noqa: S101 - the form has an end
    found: dict[date, list[BillingPeriod]] = {}
    term = Span(start=segment.start, end=segment.end)
    for period in billing_periods(term, segment.cycle, form.rules(), timing=form.timing):
        found.setdefault(day_of(form, period.bill_at), []).append(period)
    return found


def _amended(
    form: ContractForm,
    step: Step,
    day: date,
    due: Sequence[BillingPeriod],
    standing: Standing,
    found: list[Charge],
) -> Standing:
    amendment = amend(
        standing,
        step.parts,
        key=f"{standing.lines[0].line_key}/{step.change.key}",
        as_of=day,
        convention=form.rules(),
        zone=form.time_zone,
        timing=form.timing,
    )
    for one in amendment.lines:
        falls_due = not one.corrects and any(period.span.meet(one.span) for period in due)
        found.append(_of_change(form, "" if falls_due else step.change.key, day, one))
    items = tuple(
        one if one.is_issued else _issued(form, one, day) for one in amendment.standing.items
    )
    return amendment.standing.model_copy(update={"items": items})


def _of_change(form: ContractForm, change: str, day: date, line: AmendmentLine) -> Charge:
    """A period that falls due on the day of a change is no part of the change's document."""
    is_credit = line.kind is LineKind.CREDIT
    return Charge(
        on=day,
        change=change,
        what=f"{line.kind} {_named(line)}" if change else _named(line),
        start=day_of(form, line.span.start),
        end=day_of(form, line.span.end),
        net=line.amount,
        item=line.corrects[0] if is_credit else line.item_key,
        settlements=line.settlements,
        working=line.working,
    )


def _billed(
    form: ContractForm, period: BillingPeriod, day: date, standing: Standing, found: list[Charge]
) -> Standing:
    """What of the period no item covers yet, at the terms of that day."""
    rest = [period.span]
    for item in standing.items:
        rest = [part for one in rest for part in without(one, item.span)]
    items = list(standing.items)
    rules = form.rules()
    line = replay(standing.lines, standing.changes, rules)[standing.lines[0].line_key]
    for span in rest:
        for segment in line.segments:
            part = span.meet(Span(start=segment.start, end=segment.end or span.end))
            if part is None:
                continue
            amount = part_price(part, period, segment.unit_price, segment.quantity, rules)
            if not amount:
                continue
            key = f"{line.line_key}/{len(items) + 1}"
            items.append(
                _issued(form, _item(key, line.line_key, period, segment, part, amount), day)
            )
            found.append(_of_period(form, period, segment, part, amount, day, key))
    return standing.model_copy(update={"items": tuple(items)})


def _item(
    key: str, line_key: str, period: BillingPeriod, segment: Segment, part: Span, amount: Money
) -> BilledItem:
    return BilledItem(
        item_key=key,
        line_key=line_key,
        product=segment.product,
        span=part,
        period=period,
        quantity=segment.quantity,
        unit_price=segment.unit_price,
        amount=amount,
        unpaid=amount,
    )


def _issued(form: ContractForm, item: BilledItem, day: date) -> BilledItem:
    """On an invoice that is paid, or open, as the form says."""
    is_open = form.unpaid_from is not None and form.unpaid_from <= day
    unpaid = item.amount if is_open else form.zero()
    return item.model_copy(update={"is_issued": True, "invoice": item.item_key, "unpaid": unpaid})


def _of_period(
    form: ContractForm,
    period: BillingPeriod,
    segment: Segment,
    part: Span,
    amount: Money,
    day: date,
    key: str,
) -> Charge:
    share = period.share(form.rules(), part)
    return Charge(
        on=day,
        change="",
        what=_named(segment),
        start=day_of(form, part.start),
        end=day_of(form, part.end),
        net=amount,
        item=key,
        settlements=(),
        working=worked(
            f"charge {key}",
            "quantity × price of the period" + ("" if share == 1 else " × share"),
            amount,
            source=form.rules().name,
            quantity=segment.quantity,
            price=segment.unit_price,
            part=part,
            share=share,
        ),
    )


def _named(one: Segment | AmendmentLine) -> str:
    return f"{one.quantity.normalize():f} × {one.unit_price}"
