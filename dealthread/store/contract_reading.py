"""What people ask of a contract: its versions, what waits to change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.events import BusinessEvent
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, RiskLevel
from dealthread.hub import RevenueRow
from dealthread.store import audit
from dealthread.store.journal import publish_all
from dealthread.store.schema import contract_versions, contracts, runs
from dealthread.store.versions import planned_revenue


@dataclass(frozen=True)
class VersionRow:
    """One accepted version. `working` is JSON: charges, credits, treatments, with their inputs."""

    number: int
    change_id: str
    kind: str
    effective_from: date
    accepted_on: date
    tcv: Money
    reason: str
    working: str


@dataclass(frozen=True)
class WaitingChange:
    """A change that runs, waits in line, or is held for its day."""

    change_id: str
    generation: int
    kind: str
    stage: str
    held: bool
    requested_by: str
    created_at: datetime


@dataclass(frozen=True)
class EndedChange:
    """A change that ended, whatever became of it."""

    change_id: str
    generation: int
    kind: str
    outcome: str
    requested_by: str
    ended_at: datetime | None


@dataclass(frozen=True)
class ContractSnapshot:
    """A contract with everything that is told of it, as of one moment."""

    contract: Contract
    state: ContractState
    versions: list[VersionRow]
    """Oldest first."""
    waiting: list[WaitingChange]
    """In the order asked."""
    ended: list[EndedChange]
    """In the order ended."""
    schedule: tuple[RevenueRow, ...]


HELD = and_(runs.c.outcome == ChangeOutcome.SCHEDULED, runs.c.kind != ChangeKind.QUOTE_TO_CASH)
"""Runs of changes that were accepted and wait for their day, or are carried out on it."""


class ContractReading:
    """Queries for the process API; and who said what of a contract."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def snapshot(
        self, contract_key: str, through: date | None = None
    ) -> ContractSnapshot | None:
        """The contract, its versions, what waits to change it, its revenue; without an end, that
        of the billing periods that begin by `through`."""
        async with self._engine.connect() as connection:
            # A change that ends meanwhile is in all parts of the answer or in none.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            row = (
                await connection.execute(
                    select(contracts.c.body, contracts.c.state).where(
                        contracts.c.contract_key == contract_key
                    )
                )
            ).first()
            if row is None:
                return None
            return ContractSnapshot(
                contract=Contract.model_validate(row.body),
                state=ContractState(row.state),
                versions=await _versions(connection, contract_key),
                waiting=await _waiting(connection, contract_key),
                ended=await _ended(connection, contract_key),
                schedule=await planned_revenue(connection, contract_key, through),
            )

    async def record_risk(
        self,
        contract_key: str,
        level: RiskLevel,
        actor: str,
        events: tuple[BusinessEvent, ...] = (),
    ) -> None:
        """Who saw which risk, in the contract's audit trail; and what is told of it."""
        async with self._engine.begin() as connection:
            await publish_all(connection, events)
            await audit.append(
                connection,
                contract_key,
                "risk.signalled",
                key=f"contract:{contract_key}",
                actor=actor,
                detail={"level": level},
            )


async def _versions(connection: AsyncConnection, contract_key: str) -> list[VersionRow]:
    rows = await connection.execute(
        select(contract_versions)
        .where(contract_versions.c.contract_key == contract_key)
        .order_by(contract_versions.c.number)
    )
    return [
        VersionRow(
            number=row.number,
            change_id=row.change_id,
            kind=row.kind,
            effective_from=row.effective_from,
            accepted_on=row.accepted_on,
            tcv=Money.of(row.tcv, row.currency),
            reason=row.reason,
            working=row.working,
        )
        for row in rows
    ]


async def _waiting(connection: AsyncConnection, contract_key: str) -> list[WaitingChange]:
    rows = await connection.execute(
        select(runs)
        .where(runs.c.contract_key == contract_key, or_(runs.c.outcome.is_(None), HELD))
        .order_by(runs.c.created_at, runs.c.business_key)
    )
    return [
        WaitingChange(
            change_id=row.business_key,
            generation=row.generation,
            kind=row.kind,
            stage=row.stage,
            held=row.outcome is not None,
            requested_by=row.requested_by,
            created_at=row.created_at,
        )
        for row in rows
    ]


async def _ended(connection: AsyncConnection, contract_key: str) -> list[EndedChange]:
    rows = await connection.execute(
        select(runs)
        .where(runs.c.contract_key == contract_key, runs.c.outcome.is_not(None), not_(HELD))
        .order_by(runs.c.ended_at, runs.c.business_key, runs.c.generation)
    )
    return [
        EndedChange(
            change_id=row.business_key,
            generation=row.generation,
            kind=row.kind,
            outcome=row.outcome,
            requested_by=row.requested_by,
            ended_at=row.ended_at,
        )
        for row in rows
    ]
