"""A contract as the process API shows it: state, lines over time, versions, what waits, money."""

from __future__ import annotations

import json
from datetime import date, datetime
from itertools import groupby

from pydantic import BaseModel, JsonValue

from dealthread.domain.contract import ContractState, RenewalTerms
from dealthread.domain.dunning import Pursuit
from dealthread.domain.money import Money
from dealthread.domain.versions.timeline import LineSpan, arr_on, lines_over_time
from dealthread.hub import RevenueRow
from dealthread.store.contract_reading import ContractSnapshot, EndedChange


class Term(BaseModel):
    """The present term; its end is the first day not served."""

    number: int
    start_date: date
    end_date: date | None
    months: int | None
    auto_renew: bool
    renewal: RenewalTerms | None


class VersionView(BaseModel):
    """An accepted version and how its amounts came about."""

    number: int
    change_id: str
    kind: str
    effective_from: date
    accepted_on: date
    tcv: Money
    reason: str
    working: JsonValue


class WaitingView(BaseModel):
    """A change that is under way, in line, or held for its day."""

    change_id: str
    generation: int
    kind: str
    stage: str
    held: bool
    requested_by: str
    created_at: datetime


class MonthOfRevenue(BaseModel):
    """What the present version's schedule recognises in a month; of a contract without end, of the
    billing periods that have begun."""

    month: date
    amount: Money


class MoneyView(BaseModel):
    """Net of tax, in the contract's currency. `arr` is of the business day of the question."""

    tcv: Money
    arr: Money
    revenue: list[MonthOfRevenue]


class ContractView(BaseModel):
    """One contract."""

    contract_key: str
    number: str
    state: ContractState
    version: int
    group: str
    customer_key: str
    seller: str
    currency: str
    payment_terms: str
    billing_frequency: str
    billing_timing: str
    term: Term
    lines: list[LineSpan]
    versions: list[VersionView]
    changes: list[WaitingView]
    ended: list[EndedChange]
    """Changes that ended, with their outcome; one that was undone made no version."""
    money: MoneyView
    collections: list[Pursuit]
    """Overdue invoices that are pursued now."""


def view_of(snapshot: ContractSnapshot, today: date, pursuits: list[Pursuit]) -> ContractView:
    """What is shown of a contract."""
    contract, state = snapshot.contract, snapshot.state
    return ContractView(
        contract_key=contract.key,
        number=contract.number,
        state=state,
        version=contract.version,
        group=contract.group,
        customer_key=contract.customer_key,
        seller=contract.seller,
        currency=contract.currency,
        payment_terms=contract.payment_terms,
        billing_frequency=contract.billing_frequency,
        billing_timing=contract.billing_timing,
        term=Term(
            number=contract.term_no,
            start_date=contract.start_date,
            end_date=contract.end_date,
            months=contract.term_months,
            auto_renew=contract.auto_renew,
            renewal=contract.renewal,
        ),
        lines=list(lines_over_time(contract)),
        versions=[
            VersionView(**{**row.__dict__, "working": _working(row.working)})
            for row in snapshot.versions
        ],
        changes=[WaitingView(**row.__dict__) for row in snapshot.waiting],
        ended=snapshot.ended,
        money=MoneyView(
            tcv=contract.tcv(),
            # Nothing recurs of a contract that does not run.
            arr=(
                arr_on(contract, today)
                if state is ContractState.ACTIVE
                else Money.zero(contract.currency)
            ),
            revenue=_by_month(snapshot.schedule, contract.currency),
        ),
        collections=pursuits,
    )


def _working(text: str) -> JsonValue:
    try:
        found: JsonValue = json.loads(text) if text else None
    except ValueError:
        return text
    return found


def _by_month(schedule: tuple[RevenueRow, ...], currency: str) -> list[MonthOfRevenue]:
    ordered = sorted(schedule, key=lambda row: row.month)
    return [
        MonthOfRevenue(month=month, amount=Money.total((row.amount for row in rows), currency))
        for month, rows in groupby(ordered, key=lambda row: row.month)
    ]
