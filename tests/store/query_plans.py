"""How PostgreSQL would run a query over tables that have grown for years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.store.service_levels import PAGE

_GROWN = (
    """INSERT INTO contracts (contract_key, number, org, deal_id, seller, region, customer_key,
        customer_name, currency, tcv, state, start_date, content_hash, config_version, body)
    SELECT 'C-' || n, n, 'o', 'd', 'US01', 'r', 'A-' || n, 'x', 'USD', 1, 'active',
        date '2020-01-01', 'h', 'v', '{}' FROM generate_series(1, 400) AS n""",
    """INSERT INTO usage_periods (contract_key, line_key, period_start, period_end, seller,
        billing_account, customer_key, meter, quantity, events, planned, last_used_at, planned_at,
        billed)
    SELECT 'C-' || n, 'L1', date '2020-01-01' + 30 * m, date '2020-01-31' + 30 * m, 'US01', 'acct',
        'A-' || n, 'calls', 10, 1, 10, timestamptz '2020-01-01',
        timestamptz '2020-01-01', 10
    FROM generate_series(1, 400) AS n, generate_series(1, 50) AS m""",
    """INSERT INTO usage_batches (batch_key, billing_account, contract_key, line_key,
        period_start, number, quantity, used_at, state, created_at)
    SELECT 'B-' || contract_key || '-' || period_start, 'acct', contract_key, line_key,
        period_start, 1, 10, timestamptz '2020-01-01', 'sent', timestamptz '2020-01-01'
    FROM usage_periods""",
    # What is on its way, or differs, is little.
    """UPDATE usage_batches SET state = 'planned' WHERE contract_key = 'C-1'
        AND period_start < '2020-04-01'""",
    """UPDATE usage_periods SET planned = 9, billed = 9 WHERE contract_key = 'C-2'
        AND period_start < '2020-04-01'""",
    "ANALYZE contracts, usage_periods, usage_batches",
)


async def plan_when_grown(engine: AsyncEngine, query: Select[Any], keys: Sequence[Any]) -> str:
    """The plan of the first page by `keys`; nothing of it stays, the statistics neither."""
    page = query.order_by(*keys).limit(PAGE)
    async with engine.connect() as connection:
        for statement in _GROWN:
            await connection.exec_driver_sql(statement)
        said = page.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        plan = (await connection.exec_driver_sql(f"EXPLAIN {said}")).scalars().all()
        await connection.rollback()
    return "\n".join(plan)
