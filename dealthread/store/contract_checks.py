"""What the last comparison of each contract came to, and which are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.case import CaseState
from dealthread.domain.comparison.finding import ContractFinding
from dealthread.domain.contract import ContractState
from dealthread.store.schema import cases, contracts
from dealthread.store.schema_checks import contract_checks

WATCH = "contract-check:all"
"""What stands for the workflow of a case that no workflow waits for."""
_LIVE = (ContractState.SCHEDULED, ContractState.ACTIVE)
_OVER = (ContractState.ENDED, ContractState.NEVER_ACTIVATED)
CLAIMED_FOR = timedelta(minutes=2)
"""Longer than any look takes: what was claimed by a process that was killed comes again."""
FAILED_FOR = timedelta(minutes=30)
"""Until what did not come to an end alone is looked at again."""


@dataclass(frozen=True)
class Checked:
    """One comparison."""

    checked_at: datetime
    finding: ContractFinding


@dataclass(frozen=True)
class CheckCase:
    """The newest case of a contract's comparison."""

    case_id: str
    version: int
    occurrence: int
    is_open: bool
    told: dict[str, str]
    """The differences in its evidence, by name, as they were told."""


class ContractChecks:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def known(self, keys: Sequence[str]) -> dict[str, Checked]:
        """The last look at each contract."""
        async with self._engine.connect() as connection:
            return await checked(connection, keys)

    async def claim(self, every: timedelta, over_for: timedelta, limit: int) -> list[str]:
        """Contracts that are due, the longest due first, for this caller alone. They are due again
        when `keep` says, or after a while if it never does.

        A look that did not come to an end may have failed for one contract of many: the next one
        at each of them is at that contract alone.
        """
        async with self._engine.begin() as connection:
            # One claim at a time, each as short as this.
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended('contract-checks', 1))")
            )
            rows = (await connection.execute(_due(every, over_for, limit))).all()
            alone = bool(rows and rows[0].tries)
            taken = rows[:1] if alone else [one for one in rows if not one.tries]
            keys = [one.contract_key for one in taken]
            if keys:
                again = func.now() + (FAILED_FOR if alone else CLAIMED_FOR)
                claimed = insert(contract_checks).values(
                    [{"contract_key": key, "next_at": again, "tries": 1} for key in keys]
                )
                await connection.execute(
                    claimed.on_conflict_do_update(
                        index_elements=["contract_key"],
                        set_={"next_at": again, "tries": contract_checks.c.tries + 1},
                    )
                )
            return keys

    async def release(self, keys: Sequence[str]) -> None:
        """The look could not begin: it says nothing of any contract."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(contract_checks)
                .where(contract_checks.c.contract_key.in_(keys))
                .values(tries=func.greatest(contract_checks.c.tries - 1, 0))
            )

    async def keep(self, finding: ContractFinding, checked_at: datetime, again: timedelta) -> None:
        """What a look came to, and after how long the next is due."""
        values = {
            "checked_at": checked_at,
            "next_at": func.now() + again,
            "finding": finding.model_dump(mode="json"),
            "tries": 0,
        }
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(contract_checks)
                .values(contract_key=finding.contract_key, **values)
                .on_conflict_do_update(index_elements=["contract_key"], set_=values)
            )

    async def case_of(self, case_id: str) -> CheckCase | None:
        """The case of a contract's comparison, open or not."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(cases).where(cases.c.case_id == case_id))
            ).first()
        if row is None:
            return None
        return CheckCase(
            case_id=case_id,
            version=row.version,
            occurrence=row.occurrence,
            is_open=row.state == CaseState.OPEN,
            told=dict(row.body["evidence"]),
        )


async def checked(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Checked]:
    """The last look at each contract that came to an end."""
    rows = await connection.execute(
        select(contract_checks).where(
            contract_checks.c.contract_key.in_(keys), contract_checks.c.checked_at.is_not(None)
        )
    )
    return {
        row.contract_key: Checked(row.checked_at, ContractFinding.model_validate(row.finding))
        for row in rows
    }


def _due(every: timedelta, over_for: timedelta, limit: int) -> Select[tuple[str, int]]:
    """Contracts in force, and those that ended a while ago at most. The first look at a contract
    comes as long after its last change as one look after another."""
    over = and_(contracts.c.state.in_(_OVER), contracts.c.changed_at > func.now() - over_for)
    return (
        select(contracts.c.contract_key, func.coalesce(contract_checks.c.tries, 0).label("tries"))
        .outerjoin(contract_checks, contract_checks.c.contract_key == contracts.c.contract_key)
        .where(
            or_(contracts.c.state.in_(_LIVE), over, _has_differences()),
            or_(
                contract_checks.c.next_at <= func.now(),
                and_(
                    contract_checks.c.contract_key.is_(None),
                    contracts.c.changed_at <= func.now() - every,
                ),
            ),
        )
        .order_by(contract_checks.c.next_at.asc().nulls_first(), contracts.c.contract_key)
        .limit(limit)
    )


def _has_differences() -> ColumnElement[bool]:
    """A contract that ended long ago and differs is looked at until it does not."""
    return func.jsonb_array_length(contract_checks.c.finding["differences"]) > 0
