"""What the last comparison of each contract came to, and which are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.case import CaseState
from dealthread.domain.comparison.finding import ContractFinding
from dealthread.domain.contract import ContractState
from dealthread.store.schema import cases, contracts
from dealthread.store.schema_checks import contract_checks

WATCH = "contract-check:all"
"""What stands for the workflow of a case that no workflow waits for."""
_LIVE = (ContractState.SCHEDULED, ContractState.ACTIVE)
_OVER = (ContractState.ENDED, ContractState.NEVER_ACTIVATED)


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
    told: frozenset[str]
    """Names of the differences in its evidence."""


class ContractChecks:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def known(self, keys: Sequence[str]) -> dict[str, Checked]:
        """The last look at each contract."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(contract_checks).where(contract_checks.c.contract_key.in_(keys))
            )
            return {
                row.contract_key: Checked(
                    row.checked_at, ContractFinding.model_validate(row.finding)
                )
                for row in rows
            }

    async def due(self, every: timedelta, over_for: timedelta, limit: int) -> list[str]:
        """Contracts in force, and those that ended a while ago at most, the longest due first. The
        first look at a contract comes as long after its last change as one look after another."""
        over = and_(contracts.c.state.in_(_OVER), contracts.c.changed_at > func.now() - over_for)
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(contracts.c.contract_key)
                .outerjoin(
                    contract_checks, contract_checks.c.contract_key == contracts.c.contract_key
                )
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
            return list(rows.scalars())

    async def keep(self, finding: ContractFinding, checked_at: datetime, again: timedelta) -> None:
        """What a look came to, and after how long the next is due."""
        values = {
            "checked_at": checked_at,
            "next_at": func.now() + again,
            "finding": finding.model_dump(mode="json"),
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
            told=frozenset(row.body["evidence"]),
        )


def _has_differences() -> ColumnElement[bool]:
    """A contract that ended long ago and differs is looked at until it does not."""
    return func.jsonb_array_length(contract_checks.c.finding["differences"]) > 0
