"""Exception cases in PostgreSQL (`hub.Cases`), and people's decisions on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.case import Case, CaseOpening, CaseState, Decision, DecisionKind
from dealthread.domain.event_data.service import CaseEscalated
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.errors import BadInput, NotFound
from dealthread.naming import event_id
from dealthread.store import audit
from dealthread.store.case_opening import (
    case_of,
    open_case,
    restate_case,
    settle_case,
    with_decision,
)
from dealthread.store.outbox import publish
from dealthread.store.schema import case_decisions, cases


class PostgresCases:
    """Opening is repeatable by (case id, run, occurrence); deciding moves the version on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(self, opening: CaseOpening) -> Case:
        async with self._engine.begin() as connection:
            return await open_case(connection, opening)

    async def restate(self, opening: CaseOpening) -> bool:
        async with self._engine.begin() as connection:
            return await restate_case(connection, opening)

    async def show(self, case_id: str) -> Case:
        """One case with its last decision. Raises NotFound."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(cases).where(cases.c.case_id == case_id))
            ).first()
            if row is None:
                raise NotFound("case_not_found", case=case_id)
            return await with_decision(connection, row)

    async def listing(self, state: CaseState | None, queue: str, limit: int) -> list[Case]:
        """Cases by age, oldest first."""
        query = select(cases).order_by(cases.c.opened_at).limit(limit)
        if state is not None:
            query = query.where(cases.c.state == state)
        if queue:
            query = query.where(cases.c.queue == queue)
        async with self._engine.connect() as connection:
            return [case_of(row) for row in await connection.execute(query)]

    async def decide(self, decision: Decision) -> Case:
        """Record one decision on one version of a case; exactly one can win.

        Raises NotFound; BadInput when the case is decided already, has another version, does
        not allow the decision, or when the person who asked would approve.
        """
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    select(cases).where(cases.c.case_id == decision.case_id).with_for_update()
                )
            ).first()
            if row is None:
                raise NotFound("case_not_found", case=decision.case_id)
            case = case_of(row)
            refuse_undecidable(case, decision)
            await connection.execute(
                insert(case_decisions).values(
                    case_id=decision.case_id,
                    version=decision.version,
                    decision=decision.decision,
                    actor=decision.actor,
                    role=decision.role,
                    reason=decision.reason,
                    body=decision.model_dump(mode="json"),
                )
            )
            await connection.execute(
                update(cases)
                .where(cases.c.case_id == decision.case_id)
                .values(state=CaseState.DECIDED, decided_at=func.now())
            )
            await audit.append(
                connection,
                case.contract_key,
                "case.decided",
                key=case.case_id,
                actor=decision.actor,
                detail={
                    "decision": decision.decision,
                    "version": decision.version,
                    "role": decision.role,
                    "reason": decision.reason,
                    "correction": sorted(decision.correction),
                },
            )
        return await self.show(decision.case_id)

    async def is_aborted(self, case_ids: tuple[str, ...]) -> bool:
        query = select(func.count()).where(
            case_decisions.c.case_id.in_(case_ids),
            case_decisions.c.decision == DecisionKind.ABORT,
        )
        async with self._engine.connect() as connection:
            return bool(await connection.scalar(query))

    async def settle(self, case_id: str, version: int, note: str) -> None:
        """What it asked has answered itself: closed, unless somebody decided meanwhile."""
        async with self._engine.begin() as connection:
            await settle_case(connection, case_id, note, version)

    async def record_denied(self, case_id: str, actor: str, decision: str) -> None:
        """A decision that a role does not allow: refused, and on record. Raises NotFound."""
        case = await self.show(case_id)
        async with self._engine.begin() as connection:
            await audit.append(
                connection,
                case.contract_key,
                "case.decision_denied",
                key=case_id,
                actor=actor,
                detail={"decision": decision, "version": case.version},
            )

    async def escalate(self, limit: int) -> int:
        """Pass overdue cases on: to the queue's lead at half the time, then to the executive.

        Swept by the relay: a column and an index instead of a timer for each case.
        """
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    select(cases)
                    .where(cases.c.state == CaseState.OPEN, cases.c.escalate_at <= func.now())
                    .order_by(cases.c.escalate_at)
                    .limit(limit)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            for row in rows:
                level = row.escalation + 1
                next_at = row.decide_by if level == 1 else datetime.max.replace(tzinfo=UTC)
                await connection.execute(
                    update(cases)
                    .where(cases.c.case_id == row.case_id)
                    .values(escalation=level, escalate_at=next_at)
                )
                await audit.append(
                    connection,
                    row.contract_key,
                    "case.escalated",
                    key=row.case_id,
                    actor="relay",
                    detail={"level": level, "version": row.version, "queue": row.queue},
                )
                await publish(
                    connection,
                    BusinessEvent(
                        id=event_id(f"{row.case_id}:{row.version}:escalated:{level}"),
                        type=EventType.CASE_ESCALATED,
                        subject=row.contract_key,
                        time=datetime.now(UTC),
                        data=CaseEscalated(
                            case_id=row.case_id, queue=row.queue, level=level
                        ).told(),
                    ),
                )
            return len(rows)

    async def undelivered(self, limit: int) -> list[tuple[Decision, str]]:
        """Decisions that the workflow has not been told yet, with its workflow id."""
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    select(case_decisions, cases.c.workflow_id)
                    .join(cases, cases.c.case_id == case_decisions.c.case_id)
                    .where(
                        case_decisions.c.delivered_at.is_(None),
                        case_decisions.c.next_attempt_at <= func.now(),
                    )
                    .order_by(case_decisions.c.decided_at)
                    .limit(limit)
                    .with_for_update(skip_locked=True, of=case_decisions)
                )
            ).all()
            for row in rows:
                backoff = timedelta(seconds=min(60, 2 ** min(row.attempts, 6)))
                await connection.execute(
                    update(case_decisions)
                    .where(
                        case_decisions.c.case_id == row.case_id,
                        case_decisions.c.version == row.version,
                    )
                    .values(
                        attempts=case_decisions.c.attempts + 1,
                        next_attempt_at=datetime.now(UTC) + backoff,
                    )
                )
            return [(Decision.model_validate(row.body), row.workflow_id) for row in rows]

    async def mark_delivered(self, decision: Decision, note: str) -> None:
        """The workflow has the decision, or has ended without it (`note`)."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(case_decisions)
                .where(
                    case_decisions.c.case_id == decision.case_id,
                    case_decisions.c.version == decision.version,
                )
                .values(delivered_at=func.now(), delivery_note=note[:200])
            )


def refuse_undecidable(case: Case, decision: Decision) -> None:
    """Raise BadInput when this decision cannot be taken on this case now."""
    if case.state is not CaseState.OPEN:
        raise BadInput(
            "case_already_decided",
            field="case",
            action=f"nothing to do: version {case.version} has its decision",
        )
    if case.version != decision.version:
        raise BadInput(
            "stale_version",
            field="version",
            action=f"read the case again: it is at version {case.version}",
        )
    if decision.decision not in case.allowed:
        raise BadInput(
            "decision_not_allowed",
            field="decision",
            action="choose one of: " + ", ".join(case.allowed)
            if case.allowed
            else "put the fact right: the case closes by itself then",
        )
    if decision.decision in ("approve", "reject") and decision.actor == case.requested_by:
        raise BadInput(
            "same_person",
            field="actor",
            action="another person than the one who asked must approve",
        )
