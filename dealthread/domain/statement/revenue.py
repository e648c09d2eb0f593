"""Revenue of a contract with changes: allocation, treatment of each change, schedules.

A line is an obligation. A committed term is scheduled at once, an evergreen line by billing
period. Usage is variable consideration that belongs to its own period (606-10-32-40) and is not
allocated. A change that adds at its selling price is an obligation of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.pricing.rating import rate
from dealthread.domain.revenue.allocation import Allocation, allocate
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.modification import Change, Decision, Treatment, decide_all
from dealthread.domain.revenue.obligation import PerformanceObligation
from dealthread.domain.revenue.replanning import replan, terminate
from dealthread.domain.revenue.schedule import Schedule, as_used, at_milestones, schedule
from dealthread.domain.rounding import exact, money_of
from dealthread.domain.statement.billing import Charge
from dealthread.domain.statement.documents import Billed
from dealthread.domain.statement.form import ChangeForm, ChargeKind, ContractForm, LineForm
from dealthread.domain.statement.service import accepted
from dealthread.domain.working import Working

_UNTOUCHED = (Treatment.NO_MODIFICATION, Treatment.NO_EFFECT)


@dataclass(frozen=True, slots=True)
class Revenue:
    """What becomes of the contract's consideration."""

    allocation: Allocation | None
    """None where no line has a selling price: each keeps its stated price."""
    decisions: tuple[Decision, ...]
    """One for each change of the form, in its order."""
    schedules: tuple[Schedule, ...]
    workings: tuple[Working, ...]
    """Of the changes that re-planned a schedule."""


def revenue_of(form: ContractForm, billed: Billed) -> Revenue:
    """Raises ValueError naming the field of what cannot be decided or scheduled."""
    nets = {
        key: [Money.total((one.net for one in charges), form.currency) for charges in versions]
        for key, versions in billed.items()
    }
    allocation = _allocation(form, {key: amounts[0] for key, amounts in nets.items()})
    decisions = _decisions(form)
    schedules: list[Schedule] = []
    workings: list[Working] = []
    for line in form.lines:
        charges = billed[line.key][-1]
        if line.charge is ChargeKind.USAGE:
            schedules.extend(_usage(line, charges))
        elif _is_by_period(form, line):
            schedules.extend(_by_service(form, line, charges))
        else:
            share = nets[line.key][0]
            if allocation is not None and not line.is_pass_through:
                share = allocation.of(line.key)
            first = _as_sold(form, line, share)
            added = [later - before for before, later in pairwise(nets[line.key])]
            plan = _with_changes(form, line, first, added, decisions)
            schedules.extend(plan[0])
            workings.extend(plan[1])
    return Revenue(allocation, decisions, tuple(schedules), tuple(workings))


def _is_by_period(form: ContractForm, line: LineForm) -> bool:
    return form.is_evergreen and line.charge is ChargeKind.RECURRING and not line.milestones


def _allocation(form: ContractForm, sold: dict[str, Money]) -> Allocation | None:
    fixed = [line for line in form.lines if line.charge is not ChargeKind.USAGE]
    if form.is_evergreen or not any(line.selling_price for line in fixed):
        return None
    return allocate(
        [_obligation(form, line, sold[line.key]) for line in fixed], remainder=form.rest()
    )


def _obligation(form: ContractForm, line: LineForm, price: Money) -> PerformanceObligation:
    """Its selling price is that of one unit and price period, for as much as the line has.

    The term counts as the stated price does: both are proportional to quantity and time.
    """
    ssp = None
    if line.selling_price is not None:
        stated = exact(rate(line.price_in(form.currency), line.quantity).amount)
        units = Fraction(line.selling_price.unit) * Fraction(line.quantity)
        times = Fraction(price.amount) / stated if stated else _periods(form, line)
        ssp = money_of(units * times, form.currency)
    return PerformanceObligation(
        key=line.key, price=price, ssp=ssp, is_pass_through=line.is_pass_through
    )


def _periods(form: ContractForm, line: LineForm) -> Fraction:
    """Price periods of a line that is stated free: its term in months, by the day."""
    if line.charge is ChargeKind.ONE_TIME:
        return Fraction(1)
    start, end = form.term_of(line)
    return Fraction((end - start).days * 12, 365 * line.per_months)


def _decisions(form: ContractForm) -> tuple[Decision, ...]:
    lines = {line.key: line for line in form.lines}
    changes = []
    for at, change in enumerate(form.changes):
        try:
            changes.append(_change(form, lines[change.line], change))
            decide_all(changes[-1:])
        except ValueError as error:
            raise ValueError(f"changes.{at}: {error}") from None
    return decide_all(changes)


def _change(form: ContractForm, line: LineForm, change: ChangeForm) -> Change:
    selling, price = line.selling_price, change.unit_price
    if price is None:
        price = line.unit_price
    low = high = None
    if selling is not None:
        low, high = selling.low or selling.unit, selling.high or selling.unit
    return Change(
        obligation=line.key,
        kind=change.kind,
        accepted_at=change.accepted_on,
        scope_reason=change.reason,
        is_distinct=change.is_distinct,
        unit_price=None if price is None else UnitPrice.of(price, form.currency),
        ssp_low=None if low is None else UnitPrice.of(low, form.currency),
        ssp_high=None if high is None else UnitPrice.of(high, form.currency),
    )


def _usage(line: LineForm, charged: Sequence[Charge]) -> Iterator[Schedule]:
    if charged:
        yield as_used(line.key, [(one.end - timedelta(days=1), one.net) for one in charged])


def _by_service(
    form: ContractForm, line: LineForm, charged: Sequence[Charge]
) -> Iterator[Schedule]:
    method = line.method(form.rules())
    for one in charged:
        yield schedule(line.key, one.net, one.start, one.end, method, form.rest())


def _as_sold(form: ContractForm, line: LineForm, booked: Money) -> Schedule:
    method = line.method(form.rules())
    if method is Method.MILESTONE:
        reached = sorted((one.reached_on, one.weight) for one in line.milestones)
        return at_milestones(line.key, booked, reached)
    start, end = form.term_of(line)
    return schedule(line.key, booked, start, end, method, form.rest())


def _with_changes(
    form: ContractForm,
    line: LineForm,
    first: Schedule,
    added: Sequence[Money],
    decisions: Sequence[Decision],
) -> tuple[list[Schedule], list[Working]]:
    """The schedules of a line after each change by its treatment. All sum to what is billed."""
    done: list[Schedule] = []
    running: Schedule | None = first
    workings: list[Working] = []
    _, end = form.term_of(line)
    for change, amount in zip(accepted(form, line), added, strict=True):
        at = form.changes.index(change)
        treatment = decisions[at].applied
        if treatment in _UNTOUCHED:
            continue
        if treatment is Treatment.SEPARATE_CONTRACT:
            key = f"{line.key}/{change.key}"
            done.append(_ratable(key, amount, change.effective_on, end, form))
        elif treatment is Treatment.PROSPECTIVE and running is not None:
            above = _above_what_is_left(running, change.effective_on, amount)
            after = replan(running, change.effective_on, amount - above)
            done.extend(one for one in (after.kept,) if one is not None)
            if above:
                done.append(
                    at_milestones(f"{line.key}/{change.key}", above, [(change.effective_on, 1)])
                )
            running = after.ahead
            workings.append(after.working)
        elif treatment is Treatment.DERECOGNISE and running is not None:
            over = terminate(running, change.effective_on)
            done.extend(over.schedules())
            left = running.total - Money.total(
                (one.total for one in over.schedules()), form.currency
            )
            difference = left + amount
            if difference:
                done.append(
                    at_milestones(
                        f"{line.key}/{change.key}", difference, [(change.effective_on, 1)]
                    )
                )
            running = None
            workings.append(over.working)
        else:
            raise ValueError(
                f"changes.{at}: {treatment} (row {decisions[at].row}) is decided with facts "
                "that this form does not hold"
            )
    return [*done, *([running] if running is not None else [])], workings


def _above_what_is_left(running: Schedule, on: date, amount: Money) -> Money:
    """What a credit takes back of revenue that is recognised already: below nought, at once.

    Revenue runs by the day and documents by their convention: the two may differ by a few cents on
    the day of a change that leaves next to nothing.
    """
    kept, zero = running.before(on), Money.zero(running.currency)
    left = running.total - (zero if kept is None else kept.total)
    return zero if running.total < zero else min(left + amount, zero)


def _ratable(key: str, amount: Money, start: date, end: date, form: ContractForm) -> Schedule:
    return schedule(key, amount, start, end, Method.BY_DAY, form.rest())
