"""What was told of services in PostgreSQL (`hub_service.Services`)."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.events import BusinessEvent
from dealthread.domain.service_status import ToldService
from dealthread.store.outbox import publish
from dealthread.store.schema_services import services


class PostgresServices:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def told(self, contract_key: str) -> ToldService:
        query = select(services).where(services.c.contract_key == contract_key)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return ToldService(contract_key=contract_key)
        return ToldService.model_validate(dict(row))

    async def looked(
        self, before: ToldService, after: ToldService, event: BusinessEvent | None
    ) -> bool:
        async with self._engine.begin() as connection:
            if not await _set(connection, before, after):
                return False
            if event is not None:
                await publish(connection, event)
            return True


async def _set(connection: AsyncConnection, before: ToldService, after: ToldService) -> bool:
    values = after.model_dump()
    if before.looks == 0:
        made = await connection.execute(
            insert(services)
            .values(values)
            .on_conflict_do_nothing(index_elements=["contract_key"])
            .returning(services.c.looks)
        )
        return made.first() is not None
    changed = await connection.execute(
        update(services)
        .where(services.c.contract_key == before.contract_key, services.c.looks == before.looks)
        .values(values)
    )
    return changed.rowcount == 1
