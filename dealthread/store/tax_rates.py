"""Running contracts that a tax rate which changes concerns, and that nobody has told of it yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.contract import ContractState
from dealthread.domain.tax.of_day import RateChange
from dealthread.naming import tax_rate_id
from dealthread.store.schema import contracts, runs

_RUNNING = (ContractState.SCHEDULED.value, ContractState.ACTIVE.value)


@dataclass(frozen=True)
class Concerned:
    """A contract by its key, and the deal that it came from."""

    contract_key: str
    org: str
    deal_id: str


class PostgresTaxRates:
    """Reads only."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def concerned(self, change: RateChange, limit: int) -> list[Concerned]:
        """Contracts of the seller that go on after the day, with a line of the code: those that
        ran before it, those of which a line stands at the rate of before, and those that an earlier
        change reached, of which only the biller says at what rate they are billed."""
        day = change.valid_from.isoformat()
        prefix, rest = tax_rate_id("?", change.code, change.valid_from).split("?", 1)
        known = literal(prefix, String) + contracts.c.contract_key + rest
        earlier = literal(prefix, String) + contracts.c.contract_key + rest.removesuffix(day)
        taxed = {"code": change.code}
        at_rate = taxed | {"applied_rate": str(change.before)}
        query = (
            select(contracts.c.contract_key, contracts.c.org, contracts.c.deal_id)
            .where(
                contracts.c.seller == change.seller,
                contracts.c.state.in_(_RUNNING),
                or_(contracts.c.end_date.is_(None), contracts.c.end_date > change.valid_from),
                contracts.c.body.contains({"lines": [{"tax": taxed}]}),
                or_(
                    contracts.c.start_date < change.valid_from,
                    contracts.c.body.contains({"lines": [{"tax": at_rate}]}),
                    select(runs.c.business_key)
                    .where(
                        runs.c.contract_key == contracts.c.contract_key,
                        func.starts_with(runs.c.business_key, earlier),
                    )
                    .exists(),
                ),
                ~select(runs.c.business_key).where(runs.c.business_key == known).exists(),
            )
            .order_by(contracts.c.contract_key)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [Concerned(row.contract_key, row.org, row.deal_id) for row in rows]
