"""What usage is worth, read from PostgreSQL: by month for revenue, and what no bill has yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.recognition.rows import AS_USED, PlannedRevenue, first_of
from dealthread.domain.usage.credited import CreditOfUse, credits_of_use
from dealthread.domain.usage.period import usage_lines
from dealthread.domain.usage.revenue import by_month
from dealthread.store.schema import bills, contracts
from dealthread.store.schema_usage import usage_months, usage_periods

_Keys = Select[tuple[Any]]
ISSUED = (InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE)
"""Bills that count."""


@dataclass(frozen=True)
class RatedPeriod:
    """A contract line's use in one billing period, as its contract prices it."""

    contract: Contract
    line: ContractLine
    period_start: date
    period_end: date
    quantity: Decimal
    months: dict[date, Money]
    """Net by month of use."""

    @property
    def rated(self) -> Money:
        """Net of all of it."""
        return Money.total(self.months.values(), self.contract.currency)


@dataclass(frozen=True)
class UnbilledUsage:
    """Use of a billing period, and what bills have of it."""

    contract_key: str
    customer_key: str
    line_key: str
    period_start: date
    period_end: date
    quantity: Decimal
    rated: Money
    """Less what credits gave of it."""
    billed: Money
    """Less what was credited."""

    @property
    def unbilled(self) -> Money:
        """Below nought where more was billed than our tiers make of it: look at the bill."""
        return self.rated - self.billed


class UsageReading:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def unbilled(self, seller: str, through: date) -> tuple[UnbilledUsage, ...]:
        """Use of a company's contracts up to a month's last day that no bill issued by that day
        has, by contract, line and billing period. Bills are as they were last read."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            found = await used_by(connection, seller, through)
        return tuple(one for one in found if one.unbilled)


async def used_by(
    connection: AsyncConnection, seller: str, through: date
) -> tuple[UnbilledUsage, ...]:
    """All use of a company's contracts up to a day that is worth something, and what bills issued
    by then have of it."""
    known = select(contracts.c.contract_key).where(contracts.c.seller == seller)
    periods = await rated_periods(connection, known, through)
    issued = await issued_bills(connection, sorted({one.contract.key for one in periods}), through)
    credited = _credits(periods, issued, through)
    return tuple(
        UnbilledUsage(
            contract_key=one.contract.key,
            customer_key=one.contract.customer_key,
            line_key=one.line.line_key,
            period_start=one.period_start,
            period_end=one.period_end,
            quantity=one.quantity,
            rated=one.rated - _sum(one, (part.given for part in credited.get(_key(one), ()))),
            billed=_billed(one, issued.get(one.contract.key, ()))
            - _sum(one, (part.net for part in credited.get(_key(one), ()))),
        )
        for one in periods
    )


async def used_revenue(
    connection: AsyncConnection, keys: _Keys, through: date
) -> tuple[PlannedRevenue, ...]:
    """Revenue of what was used, in the months of use up to a day's, and what credits take of it."""
    periods = await rated_periods(connection, keys, through)
    used = [
        PlannedRevenue(
            contract_key=one.contract.key,
            version=one.contract.version,
            obligation=f"{one.line.line_key}/{one.period_start.isoformat()}",
            line_key=one.line.line_key,
            account=one.line.revenue_account,
            month=month,
            amount=amount,
            treatment=AS_USED,
        )
        for one in periods
        for month, amount in one.months.items()
    ]
    issued = await issued_bills(connection, sorted({one.contract.key for one in periods}), through)
    credited = _credits(periods, issued, through)
    given = [
        PlannedRevenue(
            contract_key=one.contract.key,
            version=one.contract.version,
            obligation=part.obligation,
            line_key=one.line.line_key,
            account=one.line.revenue_account,
            month=first_of(part.issue_date),
            amount=-part.given,
            treatment=AS_USED,
        )
        for one in periods
        for part in credited.get(_key(one), ())
        if part.given
    ]
    return (*used, *given)


async def rated_periods(
    connection: AsyncConnection, keys: _Keys, through: date | None = None
) -> tuple[RatedPeriod, ...]:
    """Billing periods of contracts with their use in the months up to a day's."""
    query = (
        select(usage_months, usage_periods.c.period_end)
        .join(
            usage_periods,
            (usage_periods.c.contract_key == usage_months.c.contract_key)
            & (usage_periods.c.line_key == usage_months.c.line_key)
            & (usage_periods.c.period_start == usage_months.c.period_start),
        )
        .where(usage_months.c.contract_key.in_(keys))
        .order_by(
            usage_months.c.contract_key,
            usage_months.c.line_key,
            usage_months.c.period_start,
            usage_months.c.month,
        )
    )
    if through is not None:
        query = query.where(usage_months.c.month <= through)
    used: dict[tuple[str, str, date, date], dict[date, Decimal]] = {}
    for row in await connection.execute(query):
        key = (row.contract_key, row.line_key, row.period_start, row.period_end)
        used.setdefault(key, {})[row.month] = row.quantity
    if not used:
        return ()
    wanted = sorted({key[0] for key in used})
    bodies = await connection.execute(
        select(contracts.c.body).where(contracts.c.contract_key.in_(wanted))
    )
    known = {one.key: one for one in map(Contract.model_validate, bodies.scalars())}
    found = []
    for (contract_key, line_key, start, end), months in used.items():
        contract = known[contract_key]
        for line in usage_lines(contract, start):
            if line.line_key == line_key and line.usage is not None:
                worth = by_month(line.usage, months)
                quantity = sum(months.values(), Decimal(0))
                found.append(RatedPeriod(contract, line, start, end, quantity, worth))
    return tuple(found)


async def issued_bills(
    connection: AsyncConnection, keys: Sequence[str], through: date
) -> dict[str, tuple[Bill, ...]]:
    """By contract, those that were issued by a day and not taken back."""
    found: dict[str, list[Bill]] = {}
    rows = await connection.execute(select(bills.c.body).where(bills.c.contract_key.in_(keys)))
    for bill in map(Bill.model_validate, rows.scalars()):
        if bill.status in ISSUED and bill.issue_date is not None and bill.issue_date <= through:
            found.setdefault(bill.contract_key, []).append(bill)
    return {key: tuple(mine) for key, mine in found.items()}


_OfPeriod = tuple[str, str, date]


def _key(period: RatedPeriod) -> _OfPeriod:
    return period.contract.key, period.line.line_key, period.period_start


def _sum(period: RatedPeriod, parts: Iterable[Money]) -> Money:
    return Money.total(parts, period.contract.currency)


def _credits(
    periods: Sequence[RatedPeriod], issued: Mapping[str, Sequence[Bill]], through: date
) -> dict[_OfPeriod, list[CreditOfUse]]:
    """By period. A period that was billed and never counted has none: its credit is of the bill
    alone."""
    rated: dict[str, dict[tuple[str, date], Money]] = {}
    lines: dict[str, set[str]] = {}
    for one in periods:
        rated.setdefault(one.contract.key, {})[one.line.line_key, one.period_start] = one.rated
        lines.setdefault(one.contract.key, set()).add(one.line.line_key)
    found: dict[_OfPeriod, list[CreditOfUse]] = {}
    for key, worth in rated.items():
        parts = credits_of_use(issued.get(key, ()), worth, frozenset(lines[key]), through)
        for part in parts:
            found.setdefault((key, part.line_key, part.period_start), []).append(part)
    return found


def _billed(period: RatedPeriod, issued: Sequence[Bill]) -> Money:
    """Net of the lines that bill a period of a line."""
    return Money.total(
        (
            line.net
            for bill in issued
            for line in bill.lines
            if line.line_key == period.line.line_key and line.period_start == period.period_start
        ),
        period.contract.currency,
    )
