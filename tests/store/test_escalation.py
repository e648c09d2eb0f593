"""PF-23: an unanswered case goes to the queue's lead at half its time, then to the executive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.case import CaseOpening, Decision, DecisionKind
from dealthread.domain.events import EventType
from dealthread.store.cases import PostgresCases
from dealthread.store.schema import cases, outbox

pytestmark = pytest.mark.postgres


def _opening() -> CaseOpening:
    return CaseOpening(
        case_id="CASE-E1",
        occurrence=1,
        kind="deal.approval",
        business_key="quote-to-cash:o:d",
        generation=1,
        contract_key="C-E1",
        workflow_id="quote-to-cash:o:d",
        step="assess",
        code="approval",
        summary="approval needed",
        allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
        requested_by="webhook:o",
    )


async def _pass_time(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            update(cases)
            .where(cases.c.escalate_at < datetime(9000, 1, 1, tzinfo=UTC))
            .values(escalate_at=datetime.now(UTC) - timedelta(seconds=1))
        )


@pytest.mark.tells(EventType.CASE_ESCALATED)
async def test_an_open_case_is_passed_on_twice_and_a_decided_one_never(
    engine: AsyncEngine,
) -> None:
    """Each step once, on record, and told to subscribers."""
    store = PostgresCases(engine)
    await store.open(_opening())
    assert await store.escalate(10) == 0, "not due yet"
    for level in (1, 2):
        await _pass_time(engine)
        assert await store.escalate(10) == 1
        assert (await store.show("CASE-E1")).escalation == level
    await _pass_time(engine)
    assert await store.escalate(10) == 0, "there is nobody above the executive"
    async with engine.connect() as connection:
        told = (await connection.execute(select(outbox.c.type))).scalars().all()
    assert told.count("dealthread.case.escalated.v1") == 2

    await store.decide(
        Decision(
            case_id="CASE-E1",
            version=1,
            decision=DecisionKind.APPROVE,
            actor="anna",
            reason="test",
        )
    )
    await store.open(_opening().model_copy(update={"occurrence": 2}))
    assert (await store.show("CASE-E1")).escalation == 0, "a new version starts with its owner"
