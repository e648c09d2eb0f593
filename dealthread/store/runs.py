"""Runs: the unique row that makes "once" last for ever, whatever Temporal's retention is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.transaction import ChangeOutcome, ChangeRequest
from dealthread.errors import BadInput
from dealthread.store.schema import runs


async def claim(connection: AsyncConnection, request: ChangeRequest, contract_key: str) -> bool:
    """Insert a run if it is new, in the caller's transaction; whether it was."""
    created = await connection.execute(
        insert(runs)
        .values(
            business_key=request.change_id,
            generation=request.generation,
            kind=request.kind,
            contract_key=contract_key,
            org=request.org,
            deal_id=request.deal_id,
            requested_by=request.requested_by,
        )
        .on_conflict_do_nothing()
        .returning(runs.c.business_key)
    )
    return created.first() is not None


class Runs:
    """`run(business_key, generation)`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, request: ChangeRequest, contract_key: str) -> tuple[bool, bool]:
        """Insert the run if it is new. Returns (is new, was delivered to Temporal already)."""
        async with self._engine.begin() as connection:
            created = await claim(connection, request, contract_key)
            row = (
                await connection.execute(
                    select(runs.c.delivered).where(
                        runs.c.business_key == request.change_id,
                        runs.c.generation == request.generation,
                    )
                )
            ).one()
            return created, row.delivered

    async def delivered(self, request: ChangeRequest) -> None:
        """Temporal has the start."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(runs)
                .where(
                    runs.c.business_key == request.change_id,
                    runs.c.generation == request.generation,
                )
                .values(delivered=True)
            )

    async def asked_by_deal(
        self, contract_key: str, kind: str, deal_id: str
    ) -> ChangeRequest | None:
        """The latest change of a kind that a deal asked of a contract."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(runs)
                    .where(
                        runs.c.contract_key == contract_key,
                        runs.c.kind == kind,
                        runs.c.deal_id == deal_id,
                    )
                    .order_by(runs.c.created_at.desc())
                    .limit(1)
                )
            ).first()
            return _request(row) if row is not None else None

    async def is_under_way(self, contract_key: str) -> bool:
        """Whether anything of a contract still runs or waits to be started."""
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(runs.c.business_key)
                .where(runs.c.contract_key == contract_key, runs.c.outcome.is_(None))
                .limit(1)
            )
            return found.first() is not None

    async def latest_generation(self, business_key: str) -> tuple[int, str | None]:
        """Highest generation and its outcome; (0, None) when there is none."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(runs.c.generation, runs.c.outcome)
                    .where(runs.c.business_key == business_key)
                    .order_by(runs.c.generation.desc())
                    .limit(1)
                )
            ).first()
            return (0, None) if row is None else (row.generation, row.outcome)

    async def next_generation(self, business_key: str) -> int:
        """Generation of an operator's re-run. Raises BadInput unless the last one ended undone."""
        generation, outcome = await self.latest_generation(business_key)
        if generation and outcome not in (ChangeOutcome.COMPENSATED, ChangeOutcome.CANCELLED):
            raise BadInput(
                "not_ended_undone",
                field="deal_id",
                action="only a run that ended compensated or cancelled is run again; "
                f"generation {generation} is {outcome or 'still running'}",
            )
        return generation + 1

    async def undelivered(self, limit: int) -> list[tuple[ChangeRequest, str]]:
        """Claimed runs that Temporal does not have yet, oldest first. One that has ended was
        started, whoever died before noting it."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(runs)
                .where(runs.c.delivered.is_(False), runs.c.outcome.is_(None))
                .order_by(runs.c.created_at)
                .limit(limit)
            )
            return [(_request(row), row.contract_key) for row in rows]


def _request(row: Row[Any]) -> ChangeRequest:
    return ChangeRequest(
        change_id=row.business_key,
        kind=row.kind,
        generation=row.generation,
        org=row.org,
        deal_id=row.deal_id,
        requested_by=row.requested_by,
    )
