"""What bills have of the use of a billing period, beside what was counted, in PostgreSQL.

Each reading of a bill writes to the periods of its contract what all bills have of them; what is
looked at afterwards is only where that is another quantity (a partial index).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from dealthread.domain.service_level import Late, Level, ServiceLevels
from dealthread.domain.usage.period import usage_lines
from dealthread.domain.usage.terms import UsageTerms
from dealthread.naming import usage_id
from dealthread.store.schema import contracts
from dealthread.store.schema_usage import usage_periods
from dealthread.store.service_levels import OF_CONTRACT, late_of, paged
from dealthread.store.usage_reading import ISSUED, issued_bills

_PERIODS = usage_periods.c
PAGED_BY = (_PERIODS.contract_key, _PERIODS.line_key, _PERIODS.period_start)

_MINE = text(
    """
    SELECT pg_advisory_xact_lock(hashtextextended(contract_key, 3)) FROM contracts
    WHERE contract_key = :contract AND body -> 'lines' @> '[{"kind": "usage"}]'
    """
)
"""Of two readings of a contract's bills at once, the second one sees the bill of the first."""
_NOTE = text(
    """
    WITH charged AS (
        SELECT line ->> 'line_key' AS line_key, (line ->> 'period_start')::date AS period_start,
               max((line ->> 'period_end')::date) AS period_end,
               sum((line ->> 'quantity')::numeric) AS quantity
        FROM bills, jsonb_array_elements(bills.body -> 'lines') AS line
        WHERE bills.contract_key = :contract AND bills.body ->> 'status' = ANY(:issued)
          AND line ->> 'period_start' IS NOT NULL
        GROUP BY 1, 2),
    known AS (
        SELECT line_key, period_start, period_end, meter, billed
        FROM usage_periods WHERE contract_key = :contract)
    INSERT INTO usage_periods (contract_key, line_key, period_start, period_end, seller,
        billing_account, customer_key, meter, quantity, events, last_used_at, billed)
    SELECT contracts.contract_key, line_key, period_start,
           coalesce(known.period_end, charged.period_end), contracts.seller,
           contracts.body ->> 'billing_account', contracts.customer_key,
           coalesce(known.meter, sold.meter), 0, 0, period_start, charged.quantity
    FROM charged FULL JOIN known USING (line_key, period_start)
    JOIN contracts ON contracts.contract_key = :contract
    LEFT JOIN LATERAL (
        SELECT one -> 'usage' ->> 'meter' AS meter
        FROM jsonb_array_elements(contracts.body -> 'lines') AS one
        WHERE one ->> 'line_key' = line_key AND one -> 'usage' ->> 'meter' IS NOT NULL
        LIMIT 1) AS sold ON true
    WHERE known.billed IS DISTINCT FROM charged.quantity
      AND (known.meter IS NOT NULL OR (sold.meter IS NOT NULL AND charged.quantity > 0))
    ORDER BY line_key, period_start
    ON CONFLICT (contract_key, line_key, period_start) DO UPDATE SET billed = excluded.billed
    """
)
"""A bill of use that nobody told us of makes its period: somebody else counts on the meter. In the
order in which use is added up (`usage.py`), so that the two cannot lock each other out."""


async def note_billed(connection: AsyncConnection, contract_key: str) -> None:
    """Tell the periods of a contract what its bills, as they stand in the store, have of them. In
    the transaction that wrote one of them."""
    if (await connection.execute(_MINE, {"contract": contract_key})).first() is not None:
        issued = [one.value for one in ISSUED]
        await connection.execute(_NOTE, {"contract": contract_key, "issued": issued})


class BilledUsage:
    """Billing periods whose bills have another quantity than was counted."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, levels: ServiceLevels, now: datetime) -> list[Late]:
        """A difference that is worth nothing is none, as is one that was put right since: charged
        on the line for the period, or credited."""
        found = []
        async with self._engine.connect() as connection:
            until = (now - levels.least(Level.USAGE_BILLED)).date()
            async for row in paged(connection, billed_otherwise(until), PAGED_BY):
                late = await self._late(connection, row)
                if late is not None and late.is_late(levels, now):
                    found.append(late)
        return found

    async def _late(self, connection: AsyncConnection, row: Row[Any]) -> Late | None:
        """None where nothing is missing and nothing too much, in money."""
        contract = Contract.model_validate(row.body)
        terms = _terms(contract, row.line_key, row.period_start)
        if terms is None:
            return None
        told = await issued_bills(connection, (contract.key,), date.max)
        mine = [
            one
            for one in told.get(contract.key, ())
            if any(_is_of(line, row.line_key, row.period_start) for line in one.lines)
        ]
        net, credited = _worth(mine, row.line_key, row.period_start, row.currency)
        counted, billed = Decimal(row.quantity), Decimal(row.billed or 0)
        missing = terms.rated(counted) - net
        if missing.amount < 0:
            # A credit takes back what was too much. What it gives beyond that, of goodwill, is no
            # use that nobody billed: to charge it once more would take it back.
            missing = min(missing + credited, Money.zero(row.currency))
        if not missing:
            return None
        evidence = {
            "billing_account": row.billing_account,
            "meter": row.meter,
            "line": row.line_key,
            "period": row.period_start.isoformat(),
            "counted": f"{counted.normalize():f}",
            "billed": f"{billed.normalize():f}",
            "credited": str(credited),
            "not_billed": str(missing),
            "invoices": ",".join(one.number for one in mine),
        }
        return late_of(
            row,
            Level.USAGE_BILLED,
            datetime.combine(row.period_end, time(0), UTC),
            usage_id(row.billing_account),
            part=f"{row.contract_key}/{row.line_key}/{row.period_start.isoformat()}",
            money=abs(missing),
            evidence=evidence,
        )


def _terms(contract: Contract, line_key: str, day: date) -> UsageTerms | None:
    """None of a line that the contract does not count any more: its bill was never ours."""
    return next(
        (line.usage for line in usage_lines(contract, day) if line.line_key == line_key), None
    )


def _is_of(line: InvoiceLine, line_key: str, period_start: date) -> bool:
    return line.line_key == line_key and line.period_start == period_start


def _worth(
    issued: Sequence[Bill], line_key: str, period_start: date, currency: str
) -> tuple[Money, Money]:
    """Net of a period's lines, and what was credited of the line: a credit names no period."""
    lines = (
        line.net for bill in issued for line in bill.lines if _is_of(line, line_key, period_start)
    )
    credited = (
        line.net
        for bill in issued
        for memo in bill.credit_memos
        for line in memo.lines
        if line.line_key == line_key
    )
    return Money.total(lines, currency), Money.total(credited, currency)


def billed_otherwise(until: date) -> Any:
    """Periods that ended by a day and are not billed as they were counted."""
    return (
        select(
            _PERIODS.line_key,
            _PERIODS.period_start,
            _PERIODS.period_end,
            _PERIODS.billing_account,
            _PERIODS.meter,
            _PERIODS.quantity,
            _PERIODS.billed,
            contracts.c.body,
            *OF_CONTRACT,
        )
        .join(contracts, contracts.c.contract_key == _PERIODS.contract_key)
        .where(_PERIODS.quantity.is_distinct_from(_PERIODS.billed), _PERIODS.period_end <= until)
    )
