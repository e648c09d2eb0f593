"""What people ask of a contract: its versions, what waits to change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, RiskLevel
from dealthread.store import audit
from dealthread.store.schema import contract_versions, runs


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


class ContractReading:
    """Queries for the process API; and who said what of a contract."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def versions(self, contract_key: str) -> list[VersionRow]:
        """Oldest first."""
        async with self._engine.connect() as connection:
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

    async def waiting(self, contract_key: str) -> list[WaitingChange]:
        """In the order asked."""
        held = and_(
            runs.c.outcome == ChangeOutcome.SCHEDULED, runs.c.kind != ChangeKind.QUOTE_TO_CASH
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(runs)
                .where(runs.c.contract_key == contract_key, or_(runs.c.outcome.is_(None), held))
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

    async def record_risk(self, contract_key: str, level: RiskLevel, actor: str) -> None:
        """Who saw which risk, in the contract's audit trail."""
        async with self._engine.begin() as connection:
            await audit.append(
                connection,
                contract_key,
                "risk.signalled",
                key=f"contract:{contract_key}",
                actor=actor,
                detail={"level": level},
            )
