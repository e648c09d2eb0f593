"""RS-08: of many who change a circuit one does; an outage is one incident, told and on record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.circuit import Circuit, CircuitState, Pace
from dealthread.domain.event_data.operations import CircuitClosed, CircuitOpened
from dealthread.domain.events import EventType
from dealthread.store.circuits import PostgresCircuits, stream_of
from dealthread.store.schema import audit, outbox

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
PACE = Pace()


async def test_of_ten_who_open_it_at_once_one_does_and_there_is_one_incident(
    store: AsyncEngine,
) -> None:
    circuits = PostgresCircuits(store)
    before = await circuits.read("tryton", "")
    assert before.state is CircuitState.CLOSED
    opened = [before.opened(NOW + timedelta(seconds=n), "away", "breaker", PACE) for n in range(10)]
    won = await asyncio.gather(
        *(circuits.change(before, one, at=NOW, actor="breaker", reason="away") for one in opened)
    )
    assert sorted(won) == [False] * 9 + [True]
    (incident,) = await circuits.incidents(closed=False, limit=10)
    found = await circuits.read("tryton", "")
    assert (found.state, found.incident) == (CircuitState.OPEN, incident.incident)
    assert found == opened[won.index(True)]


@pytest.mark.tells(EventType.CIRCUIT_OPENED, EventType.CIRCUIT_CLOSED)
async def test_an_outage_that_flickers_is_one_incident_with_one_begin_and_one_end(
    store: AsyncEngine,
) -> None:
    circuits = PostgresCircuits(store)
    closed = Circuit(vendor="tryton", account="2")
    opened = closed.opened(NOW, "away", "breaker", PACE)
    claimed = opened.claimed(NOW, PACE, "worker")
    half = claimed.half_opened(NOW, PACE)
    again = half.opened(NOW, "away", "breaker", PACE)
    over = again.closed()
    for before, after in zip(
        (closed, opened, claimed, half, again), (opened, claimed, half, again, over), strict=True
    ):
        assert await circuits.change(before, after, at=NOW, actor="olga", reason="as told")
        assert await circuits.read("tryton", "2") == after
    assert await circuits.incidents(closed=False, limit=10) == []
    (incident,) = await circuits.incidents(closed=True, limit=10)
    assert (incident.closed_by, incident.closing_reason) == ("olga", "as told")
    async with store.connect() as connection:
        told = list(await connection.execute(select(outbox).order_by(outbox.c.type)))
        heard = list(
            await connection.execute(
                select(audit.c.event)
                .where(audit.c.stream == stream_of(closed))
                .order_by(audit.c.seq)
            )
        )
    assert [row.event for row in heard] == ["circuit.opened", "circuit.closed"]
    assert {row.subject for row in told} == {incident.incident}
    end, begin = (row.body["data"] for row in told)
    assert CircuitOpened.model_validate(begin).probed
    assert CircuitClosed.model_validate(end).opened_at == NOW


def test_the_pause_doubles_to_its_limit_and_starts_anew_with_the_next_outage() -> None:
    circuit = Circuit(vendor="tryton").opened(NOW, "away", "breaker", PACE)
    pauses = []
    for _ in range(7):
        pauses.append(circuit.pause.total_seconds())
        circuit = circuit.claimed(NOW, PACE, "worker")
    assert pauses == [15, 30, 60, 120, 240, 300, 300]
    assert circuit.closed().opened(NOW, "away", "breaker", PACE).pause == PACE.first_pause


def test_what_a_person_opens_is_not_probed() -> None:
    circuit = Circuit(vendor="tryton", account="1").opened(NOW, "audit", "olga", None)
    assert not circuit.is_probed
    assert not circuit.is_due(NOW + timedelta(days=30))
