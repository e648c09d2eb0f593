"""Circuits and outages in PostgreSQL (`hub_circuits.Circuits`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.circuit import Circuit, CircuitState, Incident
from dealthread.domain.event_data.operations import CircuitClosed, CircuitOpened
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.naming import event_id
from dealthread.store import audit
from dealthread.store.outbox import publish
from dealthread.store.schema_circuits import circuits, incidents


class PostgresCircuits:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, vendor: str, account: str) -> Circuit:
        query = select(circuits).where(circuits.c.vendor == vendor, circuits.c.account == account)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return Circuit(vendor=vendor, account=account) if row is None else _circuit(row)

    async def all(self) -> list[Circuit]:
        query = select(circuits).order_by(circuits.c.vendor, circuits.c.account)
        async with self._engine.connect() as connection:
            return [_circuit(row) for row in await connection.execute(query)]

    async def change(
        self, before: Circuit, after: Circuit, *, at: datetime, actor: str, reason: str
    ) -> bool:
        async with self._engine.begin() as connection:
            if not await _set(connection, before, after):
                return False
            if before.incident != after.incident:
                if before.incident:
                    await _over(connection, before, at, actor, reason)
                if after.incident:
                    await _began(connection, after, at, actor, reason)
            return True

    async def incidents(self, *, closed: bool, limit: int) -> list[Incident]:
        query = select(incidents).order_by(incidents.c.opened_at.desc()).limit(limit)
        if not closed:
            query = query.where(incidents.c.closed_at.is_(None))
        async with self._engine.connect() as connection:
            return [
                Incident.model_validate(dict(row._mapping))
                for row in await connection.execute(query)
            ]


def stream_of(circuit: Circuit) -> str:
    """The audit stream of a circuit."""
    return f"circuit:{circuit.vendor}/{circuit.account}"


async def _set(connection: AsyncConnection, before: Circuit, after: Circuit) -> bool:
    values: dict[str, Any] = after.model_dump(exclude={"pause"})
    values["pause_seconds"] = after.pause.total_seconds()
    if before.version == 0:
        made = await connection.execute(
            insert(circuits).values(values).on_conflict_do_nothing().returning(circuits.c.version)
        )
        return made.first() is not None
    changed = await connection.execute(
        update(circuits)
        .where(
            circuits.c.vendor == before.vendor,
            circuits.c.account == before.account,
            circuits.c.version == before.version,
        )
        .values(values)
    )
    return changed.rowcount == 1


async def _began(
    connection: AsyncConnection, circuit: Circuit, at: datetime, actor: str, reason: str
) -> None:
    await connection.execute(
        insert(incidents).values(
            incident=circuit.incident,
            vendor=circuit.vendor,
            account=circuit.account,
            reason=reason,
            opened_by=actor,
            opened_at=at,
        )
    )
    data = CircuitOpened(
        incident=circuit.incident,
        vendor=circuit.vendor,
        account=circuit.account,
        reason=circuit.reason,
        opened_at=at,
        probed=circuit.is_probed,
    )
    await _tell(connection, EventType.CIRCUIT_OPENED, circuit, data.told(), at, actor, reason)


async def _over(
    connection: AsyncConnection, circuit: Circuit, at: datetime, actor: str, reason: str
) -> None:
    await connection.execute(
        update(incidents)
        .where(incidents.c.incident == circuit.incident)
        .values(closed_at=at, closed_by=actor, closing_reason=reason)
    )
    data = CircuitClosed(
        incident=circuit.incident,
        vendor=circuit.vendor,
        account=circuit.account,
        opened_at=circuit.opened_at or at,
        closed_at=at,
    )
    await _tell(connection, EventType.CIRCUIT_CLOSED, circuit, data.told(), at, actor, reason)


async def _tell(
    connection: AsyncConnection,
    kind: EventType,
    circuit: Circuit,
    data: dict[str, Any],
    at: datetime,
    actor: str,
    reason: str,
) -> None:
    await publish(
        connection,
        BusinessEvent(
            id=event_id(f"{circuit.incident}/{kind}"),
            type=kind,
            subject=circuit.incident,
            time=at,
            data=data,
        ),
    )
    await audit.append(
        connection,
        stream_of(circuit),
        "circuit.opened" if kind is EventType.CIRCUIT_OPENED else "circuit.closed",
        key=circuit.incident,
        actor=actor,
        detail={"reason": reason},
    )


def _circuit(row: Row[Any]) -> Circuit:
    values = dict(row._mapping)
    pause = timedelta(seconds=values.pop("pause_seconds"))
    return Circuit(**values | {"pause": pause, "state": CircuitState(row.state)})
