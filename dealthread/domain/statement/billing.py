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
from dealthread.domain.amendment.billing import charge_for, item_of, within
from dealthread.domain.amendment.replay import replay
from dealthread.domain.amendment.standing import AmendmentLine, LineKind, Standing
from dealthread.domain.money import Money
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import BillingPeriod, billing_periods
from dealthread.domain.statement.form import ContractForm, LineForm
from dealthread.domain.statement.service import Step, day_of, service_of, steps_of
from dealthread.domain.working import Working


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
        # A period that falls due on the day of a change is no part of the change's document.
        found.append(_drawn(form, "" if falls_due else step.change.key, day, one))
    items = tuple(
        one if one.is_issued else _issued(form, one, day) for one in amendment.standing.items
    )
    return amendment.standing.model_copy(update={"items": items})


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
            part = within(span, segment)
            if part is None:
                continue
            key = f"{line.line_key}/{len(items) + 1}"
            charge = charge_for(key, line.line_key, part, period, segment, rules)
            if charge.amount:
                items.append(_issued(form, item_of(charge, period), day))
                found.append(_drawn(form, "", day, charge))
    return standing.model_copy(update={"items": tuple(items)})


def _issued(form: ContractForm, item: BilledItem, day: date) -> BilledItem:
    """On an invoice that is paid, or open, as the form says."""
    is_open = form.unpaid_from is not None and form.unpaid_from <= day
    unpaid = item.amount if is_open else form.zero()
    return item.model_copy(update={"is_issued": True, "invoice": item.item_key, "unpaid": unpaid})


def _drawn(form: ContractForm, change: str, day: date, line: AmendmentLine) -> Charge:
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


def _named(line: AmendmentLine) -> str:
    return f"{line.quantity.normalize():f} × {line.unit_price}"
