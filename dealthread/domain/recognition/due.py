"""What is still to be recognised: the present plan less what was posted, and when it is posted.

A month's run takes its own month, and what earlier months owe since they were closed: that is
posted on the first open day where it is below the threshold and of the same year, else the
controller decides (facts/domain.md §5, "five dates"). What an open month owes is its own run's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dealthread.domain.base import Carried
from dealthread.domain.money import Money
from dealthread.domain.recognition.rows import (
    PlannedRevenue,
    RecognisedRevenue,
    first_of,
    month_after,
)
from dealthread.domain.revenue.posting import AccountingPeriod, PeriodState, posting_for

Rates = Mapping[tuple[str, str], Decimal]
"""(contract, obligation) → ledger units for one of the contract's currency."""
_Key = tuple[str, str, str, date]


class LeftOut(Carried):
    """Revenue that a run did not post, and why."""

    contract_key: str
    month: date
    amount: Money
    reason: str
    needs_controller: bool = False


@dataclass(frozen=True)
class Due:
    """Rows by the day on which they are posted, and what is left out."""

    rows: tuple[tuple[date, RecognisedRevenue], ...]
    left_out: tuple[LeftOut, ...]


def owed(
    planned: Sequence[PlannedRevenue],
    taken: Iterable[RecognisedRevenue],
    until: date,
    ledger_currency: str,
    rates: Rates,
) -> tuple[RecognisedRevenue, ...]:
    """Plan less taken, by contract, obligation, account and month, of the months before `until`.

    Of another currency only what has a rate; the last month of an obligation takes what rounding
    left over of the whole.
    """
    plans: dict[_Key, PlannedRevenue] = {_key(row): row for row in planned}
    own = _in_ledger(plans.values(), ledger_currency, rates)
    had: dict[_Key, list[RecognisedRevenue]] = {}
    for row in taken:
        had.setdefault(_key(row), []).append(row)
    found = []
    for key in sorted({*plans, *had}):
        if key[3] >= until:
            continue
        plan, rows = plans.get(key), had.get(key, [])
        currency = plan.amount.currency if plan else rows[0].amount.currency
        if plan is not None and key not in own:
            continue
        zero, none = Money.zero(currency), Money.zero(ledger_currency)
        amount = (plan.amount if plan else zero) - Money.total((r.amount for r in rows), currency)
        ledger = own.get(key, none) - Money.total((r.ledger_amount for r in rows), ledger_currency)
        if amount or ledger:
            last = plan or rows[-1]
            found.append(
                RecognisedRevenue(
                    contract_key=last.contract_key,
                    version=last.version,
                    obligation=last.obligation,
                    line_key=last.line_key,
                    account=last.account,
                    month=last.month,
                    amount=amount,
                    ledger_amount=ledger,
                    rate=rates.get(key[:2]) if currency != ledger_currency else None,
                    treatment=last.treatment,
                )
            )
    return tuple(found)


def _key(row: PlannedRevenue | RecognisedRevenue) -> _Key:
    return row.contract_key, row.obligation, row.account, row.month


def _in_ledger(planned: Iterable[PlannedRevenue], currency: str, rates: Rates) -> dict[_Key, Money]:
    found: dict[_Key, Money] = {}
    foreign: dict[tuple[str, str], list[PlannedRevenue]] = {}
    for row in planned:
        if row.amount.currency == currency:
            found[_key(row)] = row.amount
        else:
            foreign.setdefault((row.contract_key, row.obligation), []).append(row)
    for whose, rows in foreign.items():
        rate = rates.get(whose)
        if rate is None:
            continue
        ordered = sorted(rows, key=lambda row: row.month)
        whole = sum((row.amount.amount for row in ordered), Decimal(0))
        left = Money.rounded(whole * rate, currency)
        for row in ordered[:-1]:
            found[_key(row)] = part = Money.rounded(row.amount.amount * rate, currency)
            left = left - part
        found[_key(ordered[-1])] = left
    return found


def placed(
    rows: Iterable[RecognisedRevenue],
    period: date,
    open_from: Mapping[date, date | None],
    threshold: Money,
    days: Mapping[_Key, date],
    *,
    is_approved: bool = False,
) -> Due:
    """When each row is posted in a period's run. `open_from` gives for each month the first open
    day on or after its last one; `days` the day of an event; approved is what the controller has
    let into the period although the rule leaves it to a person."""
    now: list[tuple[date, RecognisedRevenue]] = []
    late: dict[tuple[str, date], list[RecognisedRevenue]] = {}
    for row in rows:
        if row.month == period:
            now.append((days.get(_key(row), last_day(period)), row))
        elif row.month < period:
            late.setdefault((row.contract_key, row.month), []).append(row)
    left = []
    for (contract_key, month), mine in sorted(late.items()):
        amount = Money.total((row.ledger_amount for row in mine), threshold.currency)
        opens = open_from.get(month)
        reason, needs_controller = "", False
        if opens == last_day(month):
            reason = f"{month:%Y-%m} is open: its own run posts it"
        elif opens is None or first_of(opens) != period:
            reason = f"{month:%Y-%m} is closed and another period is the next open one"
        else:
            posting = posting_for(last_day(month), amount, _periods(month, period), threshold)
            reason, needs_controller = posting.reason, posting.needs_controller
            if not needs_controller or is_approved:
                now.extend((opens, row) for row in mine)
                continue
        left.append(
            LeftOut(
                contract_key=contract_key,
                month=month,
                amount=amount,
                reason=reason,
                needs_controller=needs_controller,
            )
        )
    return Due(tuple(now), tuple(left))


def _periods(month: date, period: date) -> tuple[AccountingPeriod, AccountingPeriod]:
    closed = PeriodState.CLOSED if month.year == period.year else PeriodState.YEAR_CLOSED
    return (
        AccountingPeriod(start=month, end=month_after(month), state=closed),
        AccountingPeriod(start=period, end=month_after(period), state=PeriodState.OPEN),
    )


def last_day(month: date) -> date:
    """Last day of a month."""
    return month_after(month) - timedelta(days=1)
