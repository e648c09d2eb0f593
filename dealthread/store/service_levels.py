"""What is late, as the store knows it: a page at a time, by keys, each by an index.

Instants of rows are the database's, those of bills are business time; what is said is business
time. Late bills: `late_bills.py`, late usage: `late_usage.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.case import CaseState
from dealthread.domain.contract import ContractState
from dealthread.domain.money import Money
from dealthread.domain.service_level import Late, Level, ServiceLevels, watch_of
from dealthread.domain.transaction import ChangeKind
from dealthread.hub import WriteState
from dealthread.naming import quote_to_cash_id
from dealthread.store.schema import bills, cases, contracts, journal, runs
from dealthread.store.schema_adoption import adopted_openings

PAGE = 500
OF_CONTRACT = (
    contracts.c.contract_key,
    contracts.c.customer_key,
    contracts.c.customer_name,
    contracts.c.seller,
    contracts.c.region,
    contracts.c.currency,
    contracts.c.tcv,
    contracts.c.start_date,
    contracts.c.org,
    contracts.c.deal_id,
    contracts.c.created_at.label("recorded_at"),
    contracts.c.body["erp"].astext.label("erp"),
)
_CHANGES = (ChangeKind.AMENDMENT, ChangeKind.RENEWAL, ChangeKind.CANCELLATION)


class ServiceLevelReading:
    """Facts that are late now. `ahead` is how far business time is ahead of the database's."""

    def __init__(self, engine: AsyncEngine, ahead: timedelta) -> None:
        self._engine = engine
        self._ahead = ahead

    async def without_invoice(self, levels: ServiceLevels, now: datetime) -> list[Late]:
        """Deals under way, and contracts in force, without a bill of the biller."""
        found: dict[str, Late] = {}
        least = levels.least(Level.INVOICED)
        # A draft has no number, and is no invoice yet.
        is_billed = exists().where(
            bills.c.contract_key == runs.c.contract_key, bills.c.number != ""
        )
        under_way = (
            select(
                runs.c.business_key,
                runs.c.contract_key.label("key"),
                runs.c.created_at,
                runs.c.deal_id.label("deal"),
                *OF_CONTRACT,
            )
            .outerjoin(contracts, contracts.c.contract_key == runs.c.contract_key)
            .where(
                runs.c.kind == ChangeKind.QUOTE_TO_CASH,
                runs.c.outcome.is_(None),
                runs.c.created_at <= now - self._ahead - least,
                ~is_billed,
            )
        )
        async with self._engine.connect() as connection:
            async for row in paged(connection, under_way, (runs.c.contract_key,)):
                since = row.created_at + self._ahead
                self._keep(found, row, row.key, row.business_key, since, row.deal)
            in_force = select(contracts.c.contract_key.label("key"), *OF_CONTRACT).where(
                contracts.c.state.in_((ContractState.ACTIVE, ContractState.SCHEDULED)),
                contracts.c.start_date <= (now - least).date(),
                ~exists().where(
                    bills.c.contract_key == contracts.c.contract_key, bills.c.number != ""
                ),
                # What was billed before it was ours is no news that could be late.
                ~exists().where(adopted_openings.c.contract_key == contracts.c.contract_key),
            )
            async for row in paged(connection, in_force, (contracts.c.contract_key,)):
                name = quote_to_cash_id(row.org, row.deal_id)
                since = row.recorded_at + self._ahead
                self._keep(found, row, row.key, name, since, row.deal_id)
            late = [one for one in found.values() if one.is_late(levels, now)]
            return await _with_cases(connection, late)

    def _keep(
        self,
        found: dict[str, Late],
        row: Row[Any],
        key: str,
        business_key: str,
        since: datetime,
        deal: str,
    ) -> None:
        if row.start_date is not None:
            since = max(since, datetime.combine(row.start_date, time(0), UTC))
        found.setdefault(
            business_key,
            late_of(
                row,
                Level.INVOICED,
                since,
                business_key,
                contract_key=key,
                evidence={"deal": deal},
            ),
        )

    async def unconfirmed_changes(self, levels: ServiceLevels, now: datetime) -> list[Late]:
        """Changes that the biller has and the ERP has not."""
        least = levels.least(Level.ERP_CONFIRMED)
        billed = journal.alias("billed")
        later = journal.alias("later")
        query = (
            select(
                runs.c.business_key,
                billed.c.finished_at,
                billed.c.amount.label("changed_by"),
                billed.c.currency.label("changed_in"),
                *OF_CONTRACT,
            )
            .join(contracts, contracts.c.contract_key == runs.c.contract_key)
            .join(
                billed,
                and_(
                    billed.c.business_key == runs.c.business_key,
                    billed.c.generation == runs.c.generation,
                    billed.c.step == "billing.change",
                    billed.c.state == WriteState.DONE,
                ),
            )
            .where(
                runs.c.kind.in_(_CHANGES),
                runs.c.outcome.is_(None),
                contracts.c.body["booking_policy"].astext != "none",
                billed.c.finished_at <= now - self._ahead - least,
                # The CRM is told after the ERP, where the ERP has anything to confirm at all.
                ~exists().where(
                    later.c.business_key == runs.c.business_key,
                    later.c.generation == runs.c.generation,
                    or_(
                        and_(later.c.step == "erp.confirm", later.c.state == WriteState.DONE),
                        later.c.system == "crm",
                    ),
                ),
            )
        )
        async with self._engine.connect() as connection:
            keys = (runs.c.contract_key, runs.c.business_key)
            late = [
                late_of(
                    row,
                    Level.ERP_CONFIRMED,
                    row.finished_at + self._ahead,
                    row.business_key,
                    money=Money.of(abs(row.changed_by), row.changed_in)
                    if row.changed_by is not None
                    else None,
                )
                async for row in paged(connection, query, keys)
            ]
            return await _with_cases(connection, [one for one in late if one.is_late(levels, now)])

    async def known_deals(self, deal_ids: Sequence[str]) -> set[str]:
        """Those of the deals that have a run."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(runs.c.deal_id).where(runs.c.deal_id.in_(deal_ids)).distinct()
            )
            return set(rows.scalars())

    async def open_cases(self, level: Level) -> dict[str, tuple[int, str]]:
        """Open cases of a level: version and business key by id."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(cases.c.case_id, cases.c.version, cases.c.business_key).where(
                    cases.c.state == CaseState.OPEN, cases.c.workflow_id == watch_of(level)
                )
            )
            return {row.case_id: (row.version, row.business_key) for row in rows}

    async def next_occurrence(self, case_id: str) -> int:
        """Of a case that is not open."""
        async with self._engine.connect() as connection:
            last = await connection.scalar(
                select(func.max(cases.c.occurrence)).where(cases.c.case_id == case_id)
            )
            return (last or 0) + 1


def late_of(
    row: Row[Any],
    level: Level,
    since: datetime,
    business_key: str,
    *,
    contract_key: str = "",
    part: str = "",
    money: Money | None = None,
    evidence: dict[str, str] | None = None,
) -> Late:
    """A late fact of a row's contract; its value is the contract's unless another is given."""
    if money is None and row.tcv is not None:
        money = Money.of(row.tcv, row.currency)
    return Late(
        level=level,
        since=since,
        business_key=business_key,
        contract_key=contract_key or row.contract_key,
        part=part,
        customer_key=row.customer_key or "",
        customer_name=row.customer_name or "",
        seller=row.seller or "",
        region=row.region or "",
        erp=row.erp or "",
        money=money,
        evidence=evidence or {},
    )


async def paged(connection: AsyncConnection, query: Select[Any], keys: tuple[Any, ...]) -> Any:
    """All rows of a query, a page at a time, by what is unique of them."""
    after: tuple[Any, ...] | None = None
    named = query.add_columns(*(key.label(f"_page{n}") for n, key in enumerate(keys)))
    while True:
        page = named if after is None else named.where(tuple_(*keys) > tuple_(*after))
        rows = (await connection.execute(page.order_by(*keys).limit(PAGE))).all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = tuple(getattr(rows[-1], f"_page{n}") for n in range(len(keys)))


async def _with_cases(connection: AsyncConnection, late: list[Late]) -> list[Late]:
    """With the open case that a run already waits for: one cause, said once."""
    if not late:
        return []
    rows = await connection.execute(
        select(cases.c.business_key, cases.c.case_id).where(
            cases.c.state == CaseState.OPEN,
            cases.c.contract_key.in_([one.contract_key for one in late]),
            cases.c.workflow_id.not_like("service-level:%"),
        )
    )
    waits = {row.business_key: row.case_id for row in rows}
    return [
        one.model_copy(update={"waits_for": waits[one.business_key]})
        if one.business_key in waits
        else one
        for one in late
    ]
