"""All that is recorded of one customer, read at one moment. Each part says as of when it is true.

Instants of rows are the database's; what is said is business time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.domain.case import CaseState
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Entitlement
from dealthread.hub import WriteState
from dealthread.store.contract_checks import Checked, checked
from dealthread.store.schema import bills, cases, contracts, journal, runs

MOST_INVOICES = 500
"""Of one customer in one answer: the newest, and every one that is open."""


@dataclass(frozen=True)
class OwnContract:
    """One contract of the customer."""

    contract: Contract
    state: ContractState
    changed_at: datetime
    changes: tuple[str, ...]
    """Business keys of runs that have not ended."""
    checked: Checked | None
    """The last comparison with every system."""


@dataclass(frozen=True)
class OwnBill:
    """One invoice as the biller had it when it was read."""

    bill: Bill
    read_at: datetime


@dataclass(frozen=True)
class OwnCase:
    """What a person has to decide."""

    case_id: str
    kind: str
    queue: str
    contract_key: str
    summary: str
    next_step: str
    opened_at: datetime
    decide_by: datetime


@dataclass(frozen=True)
class OwnEntitlement:
    """What the service answered to our last write."""

    contract_key: str
    entitlement: Entitlement
    answered_at: datetime


@dataclass(frozen=True)
class CustomerSnapshot:
    """One customer."""

    name: str
    contracts: tuple[OwnContract, ...]
    bills: tuple[OwnBill, ...]
    bills_left_off: int
    """Paid or void ones, the oldest, that the answer does not hold."""
    cases: tuple[OwnCase, ...]
    entitlements: tuple[OwnEntitlement, ...]


class CustomerReading:
    """`ahead` is how far business time is ahead of the database's."""

    def __init__(self, engine: AsyncEngine, ahead: timedelta) -> None:
        self._engine = engine
        self._ahead = ahead

    async def snapshot(self, customer_key: str) -> CustomerSnapshot | None:
        """None where neither a contract nor an open case names the customer."""
        async with self._engine.connect() as connection:
            # What ends meanwhile is in all parts of the answer or in none.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            rows = (
                await connection.execute(
                    select(contracts)
                    .where(contracts.c.customer_key == customer_key)
                    .order_by(contracts.c.created_at, contracts.c.contract_key)
                )
            ).all()
            keys = [row.contract_key for row in rows]
            waiting = await self._cases(connection, customer_key, keys)
            if not rows and not waiting:
                return None
            changes = await _changes(connection, keys)
            looked = await checked(connection, keys)
            invoices, left_off = await _bills(connection, keys)
            names = [row.customer_name for row in rows] + [name for name, _ in waiting]
            return CustomerSnapshot(
                name=next((name for name in reversed(names) if name), ""),
                contracts=tuple(
                    OwnContract(
                        contract=Contract.model_validate(row.body),
                        state=ContractState(row.state),
                        changed_at=row.changed_at + self._ahead,
                        changes=tuple(changes.get(row.contract_key, ())),
                        checked=looked.get(row.contract_key),
                    )
                    for row in rows
                ),
                bills=invoices,
                bills_left_off=left_off,
                cases=tuple(case for _, case in waiting),
                entitlements=await self._entitlements(connection, keys),
            )

    async def _cases(
        self, connection: AsyncConnection, customer_key: str, keys: Sequence[str]
    ) -> list[tuple[str, OwnCase]]:
        """With the customer's name; also those of deals that were stopped before a contract."""
        rows = await connection.execute(
            select(cases)
            .where(
                cases.c.state == CaseState.OPEN,
                or_(
                    cases.c.contract_key.in_(keys),
                    cases.c.body["customer_key"].astext == customer_key,
                ),
            )
            .order_by(cases.c.opened_at, cases.c.case_id)
        )
        return [
            (
                row.body.get("customer_name", ""),
                OwnCase(
                    case_id=row.case_id,
                    kind=row.kind,
                    queue=row.queue,
                    contract_key=row.contract_key,
                    summary=row.body["summary"],
                    next_step=row.body["evidence"].get("next_step", ""),
                    opened_at=row.opened_at + self._ahead,
                    decide_by=row.decide_by + self._ahead,
                ),
            )
            for row in rows
        ]

    async def _entitlements(
        self, connection: AsyncConnection, keys: Sequence[str]
    ) -> tuple[OwnEntitlement, ...]:
        """By whichever write was answered last: a grant, a change, a hold, an undo."""
        rows = await connection.execute(
            select(journal.c.contract_key, journal.c.result, journal.c.finished_at)
            .where(
                journal.c.contract_key.in_(keys),
                journal.c.step.like("entitlement.%"),
                journal.c.state == WriteState.DONE,
                func.coalesce(journal.c.result, "") != "",
            )
            .order_by(journal.c.finished_at, journal.c.key)
        )
        found = {
            row.contract_key: OwnEntitlement(
                contract_key=row.contract_key,
                entitlement=Entitlement.model_validate_json(row.result),
                answered_at=row.finished_at + self._ahead,
            )
            for row in rows
        }
        return tuple(found[key] for key in keys if key in found)


async def _changes(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, list[str]]:
    rows = await connection.execute(
        select(runs.c.contract_key, runs.c.business_key)
        .where(runs.c.contract_key.in_(keys), runs.c.outcome.is_(None))
        .order_by(runs.c.created_at, runs.c.business_key)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.contract_key, []).append(row.business_key)
    return found


async def _bills(
    connection: AsyncConnection, keys: Sequence[str]
) -> tuple[tuple[OwnBill, ...], int]:
    """Newest first."""
    rows: Sequence[Any] = (
        await connection.execute(
            select(bills.c.body, bills.c.read_at).where(bills.c.contract_key.in_(keys))
        )
    ).all()
    found = [OwnBill(Bill.model_validate(row.body), row.read_at) for row in rows]
    found.sort(key=lambda one: (str(one.bill.issue_date or ""), one.bill.number), reverse=True)
    kept = [
        one for place, one in enumerate(found) if place < MOST_INVOICES or one.bill.payable.amount
    ]
    return tuple(kept), len(found) - len(kept)
