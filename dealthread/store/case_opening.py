"""A case is opened, in the transaction of what it is about, says what it is about by now, or is
closed since it has answered itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.case import KINDS, Case, CaseOpening, CaseState, DecisionKind
from dealthread.domain.event_data.service import CaseOpened
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.naming import event_id
from dealthread.store import audit
from dealthread.store.outbox import publish
from dealthread.store.schema import case_decisions, cases, contracts, runs


async def with_decision(connection: AsyncConnection, row: Row[Any]) -> Case:
    """The case with the decision on its present version, where there is one."""
    case = case_of(row)
    last = (
        await connection.execute(
            select(case_decisions).where(
                case_decisions.c.case_id == case.case_id, case_decisions.c.version == case.version
            )
        )
    ).first()
    if last is None:
        return case
    return case.model_copy(
        update={"decision": DecisionKind(last.decision), "decided_by": last.actor}
    )


async def open_case(connection: AsyncConnection, opening: CaseOpening) -> Case:
    """In the transaction of what it is about; as `hub.Cases.open`."""
    info = KINDS[opening.kind]
    now = datetime.now(UTC)
    within = info.first_decision_within
    if opening.decide_within_seconds is not None:
        within = timedelta(seconds=opening.decide_within_seconds)
    # A case that is not there yet has no row to lock.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:case, 1))"),
        {"case": opening.case_id},
    )
    row = (
        await connection.execute(
            select(cases).where(cases.c.case_id == opening.case_id).with_for_update()
        )
    ).first()
    if (
        row is not None
        and row.occurrence >= opening.occurrence
        and row.body.get("run", "") == opening.run
    ):
        return case_of(row)
    if row is not None and opening.once and row.state == CaseState.DECIDED:
        before = await with_decision(connection, row)
        if before.decision is not None:
            return before
    opening = await _named(connection, opening)
    values = {
        "version": (row.version if row else 0) + 1,
        "occurrence": opening.occurrence,
        "kind": opening.kind,
        "queue": info.queue,
        "state": CaseState.OPEN,
        "contract_key": opening.contract_key,
        "business_key": opening.business_key,
        "workflow_id": opening.workflow_id,
        "amount": opening.money_at_risk.amount if opening.money_at_risk else None,
        "currency": opening.money_at_risk.currency if opening.money_at_risk else None,
        "opened_at": now,
        "decide_by": now + within,
        "decided_at": None,
        "escalation": 0,
        "escalate_at": now + within / 2,
        "body": opening.model_dump(mode="json"),
    }
    if row is None:
        await connection.execute(insert(cases).values(case_id=opening.case_id, **values))
    else:
        await connection.execute(
            update(cases).where(cases.c.case_id == opening.case_id).values(**values)
        )
    await connection.execute(
        update(runs)
        .where(
            runs.c.business_key == opening.business_key,
            runs.c.generation == opening.generation,
        )
        .values(stage=f"stuck: {opening.step}"[:60], stage_at=func.now())
    )
    await audit.append(
        connection,
        opening.contract_key,
        "case.opened",
        key=opening.case_id,
        actor="saga",
        detail={"kind": opening.kind, "step": opening.step, "version": values["version"]},
    )
    await publish(
        connection,
        BusinessEvent(
            id=event_id(f"{opening.case_id}:{values['version']}"),
            type=EventType.CASE_OPENED,
            subject=opening.contract_key,
            time=now,
            data=CaseOpened(case_id=opening.case_id, kind=opening.kind, queue=info.queue).told(),
        ),
    )
    fresh = await connection.execute(select(cases).where(cases.c.case_id == opening.case_id))
    return case_of(fresh.one())


async def restate_case(connection: AsyncConnection, opening: CaseOpening) -> bool:
    """As `hub.Cases.restate`."""
    row = (
        await connection.execute(
            select(cases)
            .where(cases.c.case_id == opening.case_id, cases.c.state == CaseState.OPEN)
            .with_for_update()
        )
    ).first()
    if row is None:
        return False
    was = CaseOpening.model_validate(row.body)
    if (was.evidence, was.money_at_risk) == (opening.evidence, opening.money_at_risk):
        return False
    now = was.model_copy(
        update={"evidence": opening.evidence, "money_at_risk": opening.money_at_risk}
    )
    await connection.execute(
        update(cases)
        .where(cases.c.case_id == opening.case_id)
        .values(
            version=row.version + 1,
            amount=now.money_at_risk.amount if now.money_at_risk else None,
            currency=now.money_at_risk.currency if now.money_at_risk else None,
            body=now.model_dump(mode="json"),
        )
    )
    await audit.append(
        connection,
        was.contract_key,
        "case.restated",
        key=was.case_id,
        actor="saga",
        detail={"kind": was.kind, "step": was.step, "version": row.version + 1},
    )
    return True


async def settle_case(
    connection: AsyncConnection, case_id: str, note: str, version: int | None = None
) -> None:
    """Close what is open, at this version where one is named. What somebody decided, and a case
    that was never opened, stay as they are."""
    which = [cases.c.case_id == case_id, cases.c.state == CaseState.OPEN]
    if version is not None:
        which.append(cases.c.version == version)
    row = (
        await connection.execute(
            update(cases)
            .where(*which)
            .values(state=CaseState.DECIDED, decided_at=func.now())
            .returning(cases.c.contract_key, cases.c.version)
        )
    ).first()
    if row is not None:
        await audit.append(
            connection,
            row.contract_key,
            "case.settled",
            key=case_id,
            actor="saga",
            detail={"version": row.version, "note": note},
        )


async def _named(connection: AsyncConnection, opening: CaseOpening) -> CaseOpening:
    """With the customer's name: who opens a case of a contract that runs knows its key only."""
    if opening.customer_name:
        return opening
    name = await connection.scalar(
        select(contracts.c.customer_name).where(contracts.c.contract_key == opening.contract_key)
    )
    return opening.model_copy(update={"customer_name": name or ""})


def case_of(row: Row[Any]) -> Case:
    return Case.model_validate(
        row.body
        | {
            "version": row.version,
            "occurrence": row.occurrence,
            "state": row.state,
            "queue": row.queue,
            "opened_at": row.opened_at,
            "decide_by": row.decide_by,
            "decided_at": row.decided_at,
            "escalation": row.escalation,
        }
    )
