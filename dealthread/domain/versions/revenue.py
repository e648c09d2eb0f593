"""The revenue schedule of a contract: as first planned, and after each change by its treatment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.contract import Contract, ContractLine
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
from dealthread.domain.versions.proration import line_parts
from dealthread.domain.versions.replanning import Replanning
from dealthread.domain.versions.terms import billing_terms

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
    that of its first billing period (`period_schedule` for the others).
    """
    if contract.end_date is None:
        return period_schedule(contract, config, contract.start_date)
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
        if one.is_by_event
    )


def period_schedule(contract: Contract, config: ConfigSet, day: date) -> tuple[RevenuePlanRow, ...]:
    """Revenue of the billing period that holds a day, by what each span of it is billed."""
    return _rows(
        _period_plan(contract, key, config, day, "")
        for key in line_keys(contract)
        if spans_of(contract, key)[0].kind == ChargeKind.RECURRING
    )


def replanned(
    previous: Iterable[RevenuePlanRow],
    before: Contract,
    after: Contract,
    effective_from: date,
    accepted_on: date,
    decisions: Sequence[Decision],
    config: ConfigSet,
) -> tuple[RevenuePlanRow, ...]:
    """The whole plan after a change; its sum moves by what the committed net does.

    A separate contract is an obligation of its own, `<line>/A<version>`, and a new term's is
    `<line>/T<term>`; the old ones stay untouched. Prospectively, what is not recognised and the
    change are spread over what remains, from the later of effect and acceptance (ASC
    606-10-25-13 a). Derecognised is what remains; what the customer still pays or gets is revenue
    of that day. Months before the acceptance are never changed.
    """
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
        elif not before.end_date:
            run.replace(key, _period_plan(after, key, config, effective_from, treatment))
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


def _planned(one: Obligation, contract: Contract, treatment: str) -> ObligationPlan:
    plan = ObligationPlan(one.key, one.line_key, one.account, contract.currency)
    end = one.end or contract.end_date or one.start
    plan.spread(one.price, one.start, end, treatment)
    return plan


def _period_plan(
    contract: Contract, key: str, config: ConfigSet, day: date, treatment: str
) -> ObligationPlan:
    """One line in one billing period; config names the rules that are known."""
    spans = spans_of(contract, key)
    obligations_of(spans, config)
    terms = billing_terms(contract)
    period = terms.period_at(day)
    account = spans[-1].revenue_account if spans else ""
    plan = ObligationPlan(key, key, account, contract.currency)
    for span in spans:
        for part in _in_period(span, period.start, period.end, contract):
            plan.spread(part[2], part[0], part[1], treatment)
    return plan


def _in_period(
    span: ContractLine, start: date, end: date, contract: Contract
) -> list[tuple[date, date, Money]]:
    first = max(span.start_date, start)
    last = end if span.end_date is None else min(span.end_date, end)
    if last <= first:
        return []
    found = line_parts(span, first, last, billing_terms(contract), first)
    return [(part.start, part.end, part.net) for part in found]


def _rows(plans: Iterable[ObligationPlan]) -> tuple[RevenuePlanRow, ...]:
    return tuple(row for plan in plans for row in plan.rows())
