"""Revenue of a contract without end: every billing period by what its spans are billed.

A version plans the periods up to `planned_until`; the later ones follow from it by rule, and are
planned when they are asked for (docs/adr/0014). Where a change takes effect, the periods from
there on are planned anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.deal import TermKind
from dealthread.domain.money import Money
from dealthread.domain.versions.lookup import first_difference, line_keys, spans_of
from dealthread.domain.versions.plan import (
    ObligationPlan,
    RevenuePlanRow,
    first_of,
    plans_of,
)
from dealthread.domain.versions.proration import line_parts
from dealthread.domain.versions.spans import end_as_of
from dealthread.domain.versions.terms import ONE_DAY, BillingTerms, billing_terms


def is_without_end(contract: Contract) -> bool:
    """Whether it was sold without end; one that was cancelled since has one."""
    return contract.term_kind is TermKind.EVERGREEN


def planned_until(contract: Contract, latest: date | None = None) -> date:
    """First day that is not planned yet. `latest`: the latest day on which a change of the
    contract took effect or was agreed; None of a first version. An adopted contract plans the
    rest of the period in which it was."""
    start = contract.start_date
    if contract.adopted_on is not None:
        start = max(start, contract.adopted_on - ONE_DAY)
    return _open_terms(contract).period_at(max(start, latest or start)).end


def period_plan(contract: Contract, key: str, start: date, end: date) -> ObligationPlan:
    """One line in the billing periods from `start` on that begin before `end`."""
    spans, terms = spans_of(contract, key), _open_terms(contract)
    account = spans[-1].revenue_account if spans else ""
    plan = ObligationPlan(key, key, account, contract.currency)
    for period in terms.periods(start, None, end - ONE_DAY):
        for span in spans:
            _plan_span(plan, span, period.start, period.end, terms)
    return plan


def begun_by(contract: Contract, day: date) -> tuple[tuple[date, Money], ...]:
    """What each billing period that has begun by a day comes to, by its first day: as much as is
    committed of a contract without end."""
    found: dict[date, Money] = {}
    for period in _open_terms(contract).periods(contract.start_date, None, day):
        plans = (
            period_plan(contract, key, period.start, period.end) for key in _recurring(contract)
        )
        found[period.start] = Money.total((plan.total for plan in plans), contract.currency)
    end = contract.end_date
    if end is not None and end <= day:
        beyond = (_beyond_end(contract, key, end) for key in _recurring(contract))
        start = max((one for one in found if one < end), default=contract.start_date)
        found[start] = found.get(start, Money.zero(contract.currency)) + Money.total(
            beyond, contract.currency
        )
    return tuple((start, amount) for start, amount in sorted(found.items()) if amount)


def continued(
    rows: Iterable[RevenuePlanRow], contract: Contract, until: date, through: date
) -> tuple[RevenuePlanRow, ...]:
    """A plan that reaches to `until`, with the periods after it that begin by `through`."""
    plans = plans_of(rows, contract.currency)
    _continue(plans, contract, until, through)
    return tuple(row for plan in plans.values() for row in plan.rows())


def changed_periods(
    previous: Iterable[RevenuePlanRow],
    before: Contract,
    after: Contract,
    on: tuple[date, date],
    until: date,
    labels: Mapping[str, str],
) -> tuple[dict[str, ObligationPlan], dict[str, ObligationPlan]]:
    """The plans before and after a change, both up to the later of `until` and of the period
    that holds the later of the days `on` which it takes effect and was agreed.

    `previous` reaches to `until`; `labels` names the treatment of each line that changes.
    """
    untouched = plans_of(previous, before.currency)
    _continue(untouched, before, until, max(on))
    terms = _open_terms(before)
    reached = max(until, planned_until(before, max(on)))
    differs = first_difference(before, after) or on[0]
    start = terms.period_at(max(min(on[0], differs), before.start_date)).start
    plans = plans_of((row for plan in untouched.values() for row in plan.rows()), before.currency)
    for key in _recurring(before, after):
        now = period_plan(after, key, start, reached)
        plan = plans.setdefault(key, ObligationPlan(key, key, now.account, before.currency))
        plan.account = now.account or plan.account
        for month, amount in period_plan(before, key, start, reached).months.items():
            now.add(month, -amount, "")
        for sign, one in ((1, after), (-1, before)):
            if one.end_date is not None:
                beyond = _beyond_end(one, key, one.end_date)
                now.add(first_of(one.end_date), beyond if sign > 0 else -beyond, "")
        for month in sorted(now.months):
            if now.months[month]:
                plan.add(month, now.months[month], labels.get(key, ""))
    return untouched, plans


def _continue(
    plans: dict[str, ObligationPlan], contract: Contract, until: date, through: date
) -> None:
    for key in _recurring(contract):
        further = period_plan(contract, key, until, through + ONE_DAY)
        plan = plans.setdefault(key, ObligationPlan(key, key, further.account, contract.currency))
        plan.account = further.account
        for month in sorted(further.months):
            plan.add(month, further.months[month], plan.labels.get(month, ""))


def _recurring(*contracts: Contract) -> list[str]:
    return [
        key
        for key in line_keys(*contracts)
        if any(
            span.kind == ChargeKind.RECURRING
            for one in contracts
            for span in spans_of(one, key)[:1]
        )
    ]


def _open_terms(contract: Contract) -> BillingTerms:
    """Its billing periods, whether or not it was ended since: an end cuts none of them, so that a
    part of one is what was billed for it less what was credited."""
    return replace(billing_terms(contract), end=None)


def _plan_span(
    plan: ObligationPlan, span: ContractLine, start: date, end: date, terms: BillingTerms
) -> None:
    first = max(span.start_date, start)
    last = end if span.end_date is None else min(span.end_date, end)
    if first < last:
        for part in line_parts(span, first, last, terms, first):
            plan.spread(part.net, part.start, part.end, "")


def _beyond_end(contract: Contract, key: str, end: date) -> Money:
    """What the customer pays beyond the end, where the rest of a period is not credited."""
    terms, found = _open_terms(contract), Money.zero(contract.currency)
    for span in spans_of(contract, key):
        if span.end_date == end:
            cut = end_as_of(span.model_copy(update={"end_date": None}), end, terms)
            served = Money.zero(contract.currency) if cut is None else cut.committed_net
            found = found + span.committed_net - served
    return found
