"""The revenue schedule of a contract: as first planned, and after each change by its treatment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.revenue.modification import Decision, Treatment
from dealthread.domain.versions.lookup import line_keys, spans_of
from dealthread.domain.versions.obligations import Obligation, obligations_of
from dealthread.domain.versions.plan import (
    ObligationPlan,
    RevenuePlanRow,
    plans_of,
    posted_from,
)
from dealthread.domain.versions.replanning import Replanning
from dealthread.domain.versions.without_end import (
    changed_periods,
    continued,
    is_without_end,
    planned_until,
)

__all__ = ["RevenuePlanRow", "Unscheduled", "first_schedule", "replanned", "unscheduled"]


class Unscheduled(Carried):
    """An obligation whose revenue waits for an event, and its price."""

    obligation: str
    line_key: str
    account: str
    amount: Money


def first_schedule(contract: Contract, config: ConfigSet) -> tuple[RevenuePlanRow, ...]:
    """The plan of a first version: each month rounded half up, the remainder in the last.

    What waits for an event is left out (`unscheduled`). Of a contract without end the plan is
    that of its first billing period; the others follow by rule (`without_end`).
    """
    if is_without_end(contract):
        _check_rules(contract, config)
        return continued((), contract, contract.start_date, contract.start_date)
    found = obligations_of(contract.lines, config)
    return _rows(_planned(one, contract, "") for one in found if not one.is_by_event)


def unscheduled(
    contract: Contract, config: ConfigSet, before: Contract | None = None
) -> tuple[Unscheduled, ...]:
    """Obligations without a month yet: of a first version, or those a change has added."""
    known = set(line_keys(before))
    lines = tuple(line for line in contract.lines if line.line_key not in known)
    return tuple(
        Unscheduled(
            obligation=one.key, line_key=one.line_key, account=one.account, amount=one.price
        )
        for one in obligations_of(lines, config)
        if one.is_by_event and one.line_key not in contract.served_lines
    )


def replanned(
    previous: Iterable[RevenuePlanRow],
    before: Contract,
    after: Contract,
    effective_from: date,
    accepted_on: date,
    decisions: Sequence[Decision],
    config: ConfigSet,
    until: date | None = None,
) -> tuple[RevenuePlanRow, ...]:
    """The whole plan after a change; its sum moves by what the committed net does.

    `until` is the first day that `previous` does not plan yet, of a contract without end.

    A separate contract is an obligation of its own, `<line>/A<version>`, and a new term's is
    `<line>/T<term>`; the old ones stay untouched. Prospectively, what is not recognised and the
    change are spread over what remains, from the later of effect and acceptance (ASC
    606-10-25-13 a). Derecognised is what remains; what the customer still pays or gets is revenue
    of that day. Months before the acceptance are never changed.
    """
    if is_without_end(before):
        on = (effective_from, accepted_on)
        return _periods_anew(previous, before, after, on, decisions, config, until)
    had = plans_of(previous, before.currency)
    run = Replanning(before, after, effective_from, accepted_on, config, had)
    renewed_keys: list[str] = []
    known = line_keys(before, after)
    for decision in decisions:
        treatment, key = decision.applied, decision.change.obligation
        if treatment in (Treatment.NO_EFFECT, Treatment.NO_MODIFICATION):
            continue
        if key not in known:
            continue  # the contract itself: only terms changed
        if treatment is Treatment.NEW_CONTRACT:
            renewed_keys.append(key)
        elif treatment is Treatment.SEPARATE_CONTRACT:
            run.separate(key)
        elif treatment is Treatment.DERECOGNISE:
            run.derecognise(key)
        elif treatment in (Treatment.PROSPECTIVE, Treatment.RESTATE):
            run.prospective(key, treatment)
        else:
            raise ValueError(f"treatment: {treatment} (row {decision.row}) needs facts of progress")
    if renewed_keys:
        run.new_term(renewed_keys)
    for key, plan in run.plans.items():
        posted_from(plan, run.untouched.get(key), accepted_on)
    return _rows(run.plans.values())


def _periods_anew(
    previous: Iterable[RevenuePlanRow],
    before: Contract,
    after: Contract,
    on: tuple[date, date],
    decisions: Sequence[Decision],
    config: ConfigSet,
    until: date | None,
) -> tuple[RevenuePlanRow, ...]:
    _check_rules(after, config)
    labels = {one.change.obligation: one.applied.value for one in decisions}
    untouched, plans = changed_periods(
        previous, before, after, on, until or planned_until(before), labels
    )
    for key, plan in plans.items():
        posted_from(plan, untouched.get(key), on[1])
    return _rows(plans.values())


def _check_rules(contract: Contract, config: ConfigSet) -> None:
    """Refuse a line whose rule of revenue is not known, before a period of it is planned."""
    for key in line_keys(contract):
        obligations_of(spans_of(contract, key), config)


def _planned(one: Obligation, contract: Contract, treatment: str) -> ObligationPlan:
    plan = ObligationPlan(one.key, one.line_key, one.account, contract.currency)
    end = one.end or contract.end_date or one.start
    plan.spread(one.price, one.start, end, treatment)
    return plan


def _rows(plans: Iterable[ObligationPlan]) -> tuple[RevenuePlanRow, ...]:
    return tuple(row for plan in plans for row in plan.rows())
