"""Rows of a revenue plan: one amount for each obligation and calendar month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.money import Money
from dealthread.domain.revenue.schedule import schedule

ADOPTED = "adopted"
"""Treatment of what an adopted contract still has before it: a part of its term, not the whole."""


class RevenuePlanRow(Carried):
    """Revenue of one obligation in one month, net, in the contract's currency."""

    obligation: str
    line_key: str
    account: str
    month: date
    """First day of the month."""
    amount: Money
    treatment: str = ""
    """Of the change that planned it; "" as first planned."""


@dataclass(slots=True)
class ObligationPlan:
    """One obligation while a plan is made: its rows by month."""

    obligation: str
    line_key: str
    account: str
    currency: str
    months: dict[date, Money] = field(default_factory=dict)
    labels: dict[date, str] = field(default_factory=dict)
    accounts: dict[date, str] = field(default_factory=dict)

    def add(self, month: date, amount: Money, treatment: str) -> None:
        """More of a month, by a treatment."""
        self.months[month] = self.months.get(month, Money.zero(self.currency)) + amount
        self.labels[month] = treatment
        self.accounts[month] = self.account

    def spread(self, amount: Money, start: date, end: date, treatment: str) -> None:
        """An amount by day over a span; where there is none, in the month of its start."""
        if end <= start:
            self.add(first_of(start), amount, treatment)
            return
        for month, part in schedule(self.obligation, amount, start, end).by_month().items():
            self.add(month, part, treatment)

    @property
    def total(self) -> Money:
        """Everything planned."""
        return Money.total(self.months.values(), self.currency)

    def rows(self) -> Iterable[RevenuePlanRow]:
        """Month by month; months of nothing are left out."""
        for month in sorted(self.months):
            if self.months[month]:
                yield RevenuePlanRow(
                    obligation=self.obligation,
                    line_key=self.line_key,
                    account=self.accounts[month],
                    month=month,
                    amount=self.months[month],
                    treatment=self.labels[month],
                )


def plans_of(rows: Iterable[RevenuePlanRow], currency: str) -> dict[str, ObligationPlan]:
    """Rows by obligation, in the order of their first mention."""
    found: dict[str, ObligationPlan] = {}
    for row in rows:
        plan = found.setdefault(
            row.obligation, ObligationPlan(row.obligation, row.line_key, row.account, currency)
        )
        plan.account = row.account
        plan.add(row.month, row.amount, row.treatment)
    return found


def first_of(day: date) -> date:
    """First day of the month."""
    return day.replace(day=1)


def posted_from(plan: ObligationPlan, before: ObligationPlan | None, accepted_on: date) -> None:
    """Keep what months before the acceptance took, and put the difference into its month: a
    change is accounted for when both sides have agreed, never in a month gone by."""
    zero, now = Money.zero(plan.currency), first_of(accepted_on)
    kept = {} if before is None else before.months
    for month in sorted({*plan.months, *kept}):
        had, has = kept.get(month, zero), plan.months.get(month, zero)
        if month < now and had != has:
            label = plan.labels.get(month, "")
            plan.months[month] = had
            plan.labels[month] = "" if before is None else before.labels.get(month, "")
            plan.accounts.setdefault(month, plan.account)
            plan.add(now, has - had, label or plan.labels.get(now, ""))
