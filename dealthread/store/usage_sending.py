"""Sums of usage on their way to the biller, in PostgreSQL (docs/adr/0018).

A sum is what was taken in of a contract line and billing period and is in no sum yet: what was
planned always equals what was accepted, and no event has to be written to for it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.hub_usage import UsageBatch
from dealthread.ports.usage import UsageReport
from dealthread.store.schema_usage import usage_batches, usage_periods

PLANNED, SENT = "planned", "sent"
_CLAIM = timedelta(minutes=2)
"""An attempt keeps others away for so long; longer than it may take."""

_DUE_PERIODS = """
    FROM usage_periods
    WHERE quantity > planned
      AND (planned_at IS NULL OR planned_at <= now() - make_interval(secs => :seconds))
      AND NOT EXISTS (
        SELECT FROM usage_batches AS waiting
        WHERE waiting.contract_key = usage_periods.contract_key
          AND waiting.line_key = usage_periods.line_key
          AND waiting.period_start = usage_periods.period_start
          AND waiting.state = 'planned')
"""
# One sum of a period is under way at a time: of two whose answers were lost, the biller's total
# could not tell which it holds.


def batch_key(contract_key: str, line_key: str, period_start: str, number: int) -> str:
    """The biller's guard against counting twice: of the contract's line and period, the n-th."""
    told = "\x1f".join((contract_key, line_key, period_start, str(number)))
    return "dtu_" + hashlib.sha256(told.encode()).hexdigest()[:28]


def _last_instant(period_end: date) -> datetime:
    return datetime.combine(period_end, time(0), UTC) - timedelta(seconds=1)


class PostgresUsageSending:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def accounts_due(self, interval_seconds: int) -> tuple[str, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                text(
                    f"SELECT billing_account {_DUE_PERIODS} UNION "  # noqa: S608 our own text
                    "SELECT billing_account FROM usage_batches "
                    "WHERE state = 'planned' AND next_attempt_at <= now() ORDER BY 1"
                ),
                {"seconds": interval_seconds},
            )
            return tuple(rows.scalars())

    async def plan(
        self, billing_account: str, interval_seconds: int, most: int, oldest: datetime
    ) -> int:
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    text(
                        "SELECT contract_key, line_key, period_start, period_end, "
                        f"quantity - planned AS due, batches, last_used_at {_DUE_PERIODS} "
                        "AND billing_account = :account "
                        "ORDER BY period_end, contract_key, line_key LIMIT :most "
                        "FOR UPDATE SKIP LOCKED"
                    ),
                    {"seconds": interval_seconds, "account": billing_account, "most": most},
                )
            ).all()
            for row in rows:
                number = row.batches + 1
                await connection.execute(
                    usage_batches.insert().values(
                        batch_key=batch_key(
                            row.contract_key, row.line_key, row.period_start.isoformat(), number
                        ),
                        billing_account=billing_account,
                        contract_key=row.contract_key,
                        line_key=row.line_key,
                        period_start=row.period_start,
                        number=number,
                        quantity=row.due,
                        used_at=max(row.last_used_at, min(oldest, _last_instant(row.period_end))),
                        state=PLANNED,
                    )
                )
                await connection.execute(
                    update(usage_periods)
                    .where(
                        usage_periods.c.contract_key == row.contract_key,
                        usage_periods.c.line_key == row.line_key,
                        usage_periods.c.period_start == row.period_start,
                    )
                    .values(
                        planned=usage_periods.c.planned + row.due,
                        batches=number,
                        planned_at=func.now(),
                    )
                )
            return len(rows)

    async def due(self, billing_account: str, most: int) -> tuple[UsageBatch, ...]:
        columns, periods = usage_batches.c, usage_periods.c
        now = datetime.now(UTC)
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    select(
                        usage_batches,
                        periods.customer_key,
                        periods.meter,
                        periods.period_end,
                    )
                    .join(
                        usage_periods,
                        (periods.contract_key == columns.contract_key)
                        & (periods.line_key == columns.line_key)
                        & (periods.period_start == columns.period_start),
                    )
                    .where(
                        columns.billing_account == billing_account,
                        columns.state == PLANNED,
                        columns.next_attempt_at <= func.now(),
                    )
                    .order_by(columns.created_at, columns.batch_key)
                    .limit(most)
                    .with_for_update(skip_locked=True, of=usage_batches)
                )
            ).all()
            for row in rows:
                await connection.execute(
                    update(usage_batches)
                    .where(columns.batch_key == row.batch_key)
                    .values(
                        attempts=row.attempts + 1,
                        first_attempt_at=row.first_attempt_at or now,
                        next_attempt_at=now + _CLAIM,
                    )
                )
            return tuple(
                UsageBatch(
                    report=UsageReport(
                        batch_key=row.batch_key,
                        billing_account=billing_account,
                        customer_key=row.customer_key,
                        meter=row.meter,
                        quantity=row.quantity,
                        used_at=row.used_at,
                    ),
                    contract_key=row.contract_key,
                    line_key=row.line_key,
                    period_start=row.period_start,
                    period_end=row.period_end,
                    attempts=row.attempts,
                    first_attempt_at=row.first_attempt_at,
                )
                for row in rows
            )

    async def known_sent(self, batch: UsageBatch) -> Decimal:
        """What the biller has of the customer's meter in the batch's period, by our own book."""
        columns, periods = usage_batches.c, usage_periods.c
        start = datetime.combine(batch.period_start, time(0), UTC)
        end = datetime.combine(batch.period_end, time(0), UTC)
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                select(func.coalesce(func.sum(columns.quantity), 0))
                .join(
                    usage_periods,
                    (periods.contract_key == columns.contract_key)
                    & (periods.line_key == columns.line_key)
                    & (periods.period_start == columns.period_start),
                )
                .where(
                    columns.billing_account == batch.report.billing_account,
                    periods.customer_key == batch.report.customer_key,
                    periods.meter == batch.report.meter,
                    columns.state == SENT,
                    columns.used_at >= start,
                    columns.used_at < end,
                )
            )
        return Decimal(found or 0)

    async def sent(self, batch_key: str) -> None:
        await self._set(batch_key, state=SENT, sent_at=func.now(), refusal="")

    async def not_sent(self, batch_key: str, why: str, wait_seconds: float) -> None:
        later = datetime.now(UTC) + timedelta(seconds=wait_seconds)
        await self._set(batch_key, refusal=why[:120], next_attempt_at=later)

    async def _set(self, key: str, **values: object) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(usage_batches)
                .where(usage_batches.c.batch_key == key, usage_batches.c.state != SENT)
                .values(**values)
            )

    async def waiting(self, billing_account: str) -> int:
        async with self._engine.connect() as connection:
            return int(
                await connection.scalar(
                    select(func.count()).where(
                        usage_batches.c.billing_account == billing_account,
                        usage_batches.c.state == PLANNED,
                    )
                )
                or 0
            )
