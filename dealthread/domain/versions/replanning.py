"""One re-planning of revenue: every treatment on the plan of every obligation of a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import date, timedelta
from fractions import Fraction

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.money import Money
from dealthread.domain.revenue.modification import Treatment
from dealthread.domain.revenue.spread import spread
from dealthread.domain.rounding import money_of
from dealthread.domain.versions.lookup import spans_of
from dealthread.domain.versions.obligations import obligations_of
from dealthread.domain.versions.plan import ADOPTED, ObligationPlan, first_of
from dealthread.domain.versions.terms import billing_terms

_SEPARATE, _TERM = re.compile(r"A\d+"), re.compile(r"T(\d+)")
_FOUR_DAYS = timedelta(days=4)
_REPLANNED = (Treatment.PROSPECTIVE.value, Treatment.RESTATE.value, ADOPTED)
"""Labels of plans that no longer hold an obligation from its first day."""


class Replanning:
    """The plans by obligation while a change is carried through; `untouched` are those before."""

    def __init__(
        self,
        before: Contract,
        after: Contract,
        effective_from: date,
        accepted_on: date,
        config: ConfigSet,
        plans: dict[str, ObligationPlan],
    ) -> None:
        self._before = before
        self._after = after
        self._on = effective_from
        self._accepted_on = accepted_on
        self._config = config
        self._zero = Money.zero(before.currency)
        self.untouched = plans
        self.plans = deepcopy(plans)

    def separate(self, key: str) -> None:
        """What was added is an obligation of its own from the effective date to its end."""
        spans = spans_of(self._after, key)
        line = spans[-1].model_copy(
            update={
                "start_date": max(self._on, spans[0].start_date),
                "committed_net": self._moved(key),
            }
        )
        self._plan_obligations((line,), f"/A{self._after.version}", Treatment.SEPARATE_CONTRACT)

    def new_term(self, keys: Sequence[str]) -> None:
        """The lines of the next term, allocated among themselves."""
        start = self._before.end_date
        lines = tuple(
            line
            for line in self._after.lines
            if line.line_key in keys and start is not None and line.start_date >= start
        )
        self._plan_obligations(lines, f"/T{self._after.term_no}", Treatment.NEW_CONTRACT)

    def derecognise(self, key: str) -> None:
        """What was recognised stays, what remains goes; what is paid or given back beyond it is
        revenue of the effective date."""
        mine = self._of_line(key)
        if not mine:
            return
        target = self._zero
        if spans_of(self._after, key):
            target = Money.total((one.total for one in mine), target.currency) + self._moved(key)
        kept = self._zero
        for plan in mine:
            kept = kept + self._cut(plan, self._on)
        mine[-1].add(first_of(self._on), target - kept, Treatment.DERECOGNISE.value)

    def prospective(self, key: str, treatment: Treatment) -> None:
        """What is not recognised yet and the change, by day over the remaining time."""
        change, label = self._moved(key), treatment.value
        start = self._on
        if treatment is Treatment.PROSPECTIVE:
            start = max(start, self._accepted_on)
        lines = spans_of(self._after, key) or spans_of(self._before, key)
        mine = [one for one in self._of_line(key) if start < self._end_of(one)]
        for plan in mine:
            if plan.total + change == self._zero and min(plan.months) >= first_of(start):
                plan.months.clear()  # exactly what had been added
                return
        if not mine:
            line = lines[-1].model_copy(update={"start_date": self._on, "committed_net": change})
            self._plan_obligations((line,), f"/A{self._after.version}", treatment)
            return
        totals = [plan.total for plan in mine]
        kept = [self._cut(plan, start) for plan in mine]
        left = [one - other for one, other in zip(totals, kept, strict=True)]
        weights = [max(one.to_minor(), 0) for one in left]
        shares = spread(change, weights if any(weights) else [1] * len(mine))
        for plan, rest, share in zip(mine, left, shares, strict=True):
            plan.account = lines[-1].revenue_account if len(mine) == 1 else plan.account
            plan.spread(rest + share, start, self._new_end(plan), label)

    def _plan_obligations(
        self, lines: Sequence[ContractLine], suffix: str, treatment: Treatment
    ) -> None:
        for one in obligations_of(lines, self._config, suffix):
            if not one.is_by_event:
                plan = ObligationPlan(one.key, one.line_key, one.account, one.price.currency)
                end = one.end or self._after.end_date or one.start
                plan.spread(one.price, one.start, end, treatment.value)
                self.plans[one.key] = plan

    def _of_line(self, key: str) -> list[ObligationPlan]:
        return [one for one in self.plans.values() if one.line_key == key and one.months]

    def _moved(self, key: str) -> Money:
        """What the change moves of a line's committed net."""
        now = (line.committed_net for line in spans_of(self._after, key))
        was = (line.committed_net for line in spans_of(self._before, key))
        currency = self._before.currency
        return Money.total(now, currency) - Money.total(was, currency)

    def _cut(self, plan: ObligationPlan, day: date) -> Money:
        """Take away what is planned from a day on; what was recognised before it."""
        month = first_of(day)
        if month in plan.months:
            plan.months[month] = self._recognised_in_month(plan, day)
        for later in [one for one in plan.months if one > month]:
            del plan.months[later]
        return plan.total

    def _recognised_in_month(self, plan: ObligationPlan, day: date) -> Money:
        """The part of a month before a day: by days of the whole amount as first planned, else by
        the month's days, each weighing what the line is worth on it."""
        month, (start, end) = first_of(day), self._span_of(plan)
        first = max(month, start)
        if day <= first:
            return self._zero
        if not any(label in _REPLANNED for label in plan.labels.values()):
            share = Fraction((day - first).days, (end - start).days)
            return money_of(Fraction(plan.total.amount) * share, plan.currency)
        following = min((month.replace(day=28) + _FOUR_DAYS).replace(day=1), end)
        spans = spans_of(self._before, plan.line_key)
        whole = _worth(spans, first, following)
        share = _worth(spans, first, day) / whole if whole else Fraction(0)
        return money_of(Fraction(plan.months[month].amount) * share, plan.currency)

    def _span_of(self, plan: ObligationPlan) -> tuple[date, date]:
        """First day and end of an obligation's service, as the version before has it."""
        spans = spans_of(self._before, plan.line_key)
        start = spans[0].start_date
        token = plan.obligation.removeprefix(plan.line_key).split("/")[1:2]
        terms = billing_terms(self._before)
        number = _TERM.fullmatch(token[0]) if token else None
        if number is not None:
            start = terms.starts[min(int(number[1]), len(terms.starts)) - 1]
        elif token and _SEPARATE.fullmatch(token[0]):
            month = min(plan.months)
            inside = [one.start_date for one in spans if first_of(one.start_date) == month]
            start = inside[0] if inside else month
        return start, _last_end(spans, start, terms.term_at(start)[1])

    def _end_of(self, plan: ObligationPlan) -> date:
        return self._span_of(plan)[1]

    def _new_end(self, plan: ObligationPlan) -> date:
        """The end of the obligation's service after the change."""
        start = self._span_of(plan)[0]
        return _last_end(
            spans_of(self._after, plan.line_key),
            start,
            billing_terms(self._after).term_at(start)[1],
        )


def _last_end(spans: Sequence[ContractLine], start: date, term_end: date | None) -> date:
    """The end of the last span that begins in the term of a day; the day where there is none."""
    ends = [
        one.end_date or term_end or start
        for one in spans
        if term_end is None or one.start_date < term_end
    ]
    return max(ends, default=start)


def _worth(spans: Sequence[ContractLine], start: date, end: date) -> Fraction:
    """What the line is worth in a span of days, in proportion."""
    found = Fraction(0)
    for line in spans:
        last = end if line.end_date is None else min(end, line.end_date)
        days = (last - max(start, line.start_date)).days
        if days > 0 and line.period_months:
            found += Fraction(line.quantity) * Fraction(line.unit_price.amount) * days
    return found
