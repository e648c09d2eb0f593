"""What people's credits take from revenue, from the bills as they were last read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.position.difference import usage_keys
from dealthread.domain.recognition.credited import credited_rows, shares_of
from dealthread.domain.recognition.rows import AS_USED, PlannedRevenue
from dealthread.store.schema import bills, contracts

_NONE: dict[str, str] = {}


async def credited_revenue(
    connection: AsyncConnection, keys: Select[tuple[Any]], planned: Iterable[PlannedRevenue]
) -> tuple[PlannedRevenue, ...]:
    """Of the contracts; `planned` says how the revenue of a bundle's line is divided."""
    reasons = bills.c.body["credit_reasons"].cast(JSONB)
    rows = await connection.execute(
        select(bills.c.body, contracts.c.body.label("contract"))
        .join(contracts, contracts.c.contract_key == bills.c.contract_key)
        .where(bills.c.contract_key.in_(keys), reasons.is_not(None), reasons != _NONE)
        .order_by(bills.c.contract_key, bills.c.number)
    )
    divided: dict[str, list[PlannedRevenue]] = {}
    for one in planned:
        if one.treatment != AS_USED:
            divided.setdefault(one.contract_key, []).append(one)
    found = []
    for row in rows:
        bill, contract = Bill.model_validate(row.body), Contract.model_validate(row.contract)
        mine = divided.get(contract.key, [])
        shares = shares_of((one.line_key, one.account, one.amount) for one in mine)
        found += [
            PlannedRevenue(
                contract_key=contract.key,
                version=contract.version,
                obligation=part.obligation,
                line_key=part.line_key,
                account=part.account,
                month=part.month,
                amount=part.amount,
                treatment=part.treatment,
            )
            for part in credited_rows(bill, contract, shares)
            # Of use: `usage_reading.used_revenue`, which knows what was counted.
            if part.line_key not in usage_keys(contract)
        ]
    return tuple(found)
