"""The write journal in PostgreSQL (`hub.Journal`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Row, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Ref
from dealthread.domain.contract import ContractState
from dealthread.domain.events import BusinessEvent
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, SagaContext
from dealthread.errors import StepRejected
from dealthread.hub import Effects, WriteRow, WriteSpec, WriteState
from dealthread.store import audit
from dealthread.store.outbox import publish
from dealthread.store.recognition import mark
from dealthread.store.schema import contracts, crosswalk, journal, runs
from dealthread.store.versions import accept_version


def _row(row: Row[tuple[object, ...]], *, first: bool) -> WriteRow:
    return WriteRow(
        key=row.key,
        state=WriteState(row.state),
        first=first,
        request_hash=row.request_hash,
        revision=row.revision,
        attempts=row.attempts,
        unknowns=row.unknowns,
        first_sent_at=row.first_sent_at,
        last_sent_at=row.last_sent_at,
        result=row.result,
        fenced=row.fenced,
    )


def _intent(spec: WriteSpec) -> dict[str, object]:
    return {
        "key": spec.key,
        "business_key": spec.context.business_key,
        "generation": spec.context.generation,
        "contract_key": spec.context.contract_key,
        "step": spec.step,
        "system": spec.system,
        "account": spec.account,
        "state": WriteState.INTENT,
        "request_hash": spec.request_hash,
        "amount": spec.money.amount if spec.money else None,
        "currency": spec.money.currency if spec.money else None,
    }


_NOT_DONE = journal.c.state != WriteState.DONE
"""A result is never taken back by an attempt that outlived its lease."""


class PostgresJournal:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(self, spec: WriteSpec) -> WriteRow:
        async with self._engine.begin() as connection:
            inserted = (
                await connection.execute(
                    insert(journal)
                    .values(**_intent(spec))
                    .on_conflict_do_nothing(index_elements=["key"])
                    .returning(journal)
                )
            ).first()
            if inserted is not None:
                await self._audit(connection, spec, "write.intent", {"step": spec.step})
                return _row(inserted, first=True)
            row = (
                await connection.execute(
                    select(journal).where(journal.c.key == spec.key).with_for_update()
                )
            ).one()
            if row.request_hash != spec.request_hash and row.state == WriteState.REJECTED:
                # A refused request had no effect: a corrected one may take its place.
                await connection.execute(
                    update(journal)
                    .where(journal.c.key == spec.key)
                    .values(
                        request_hash=spec.request_hash,
                        amount=spec.money.amount if spec.money else None,
                        currency=spec.money.currency if spec.money else None,
                    )
                )
                row = (
                    await connection.execute(select(journal).where(journal.c.key == spec.key))
                ).one()
            return _row(row, first=False)

    async def lease(self, spec: WriteSpec, until: datetime) -> bool:
        async with self._engine.begin() as connection:
            result = await connection.execute(
                update(journal)
                .where(
                    journal.c.key == spec.key,
                    or_(journal.c.lease_until.is_(None), journal.c.lease_until < func.now()),
                )
                .values(lease_until=until)
            )
            return result.rowcount == 1

    async def sent(self, spec: WriteSpec, revision: int) -> None:
        now = datetime.now(UTC)
        async with self._engine.begin() as connection:
            # An undo may have fenced the row since this attempt opened it; what the undo saw was
            # a write not sent, so it must not be sent now.
            sent = await connection.execute(
                update(journal)
                .where(journal.c.key == spec.key, journal.c.fenced.is_(False))
                .values(
                    state=WriteState.SENT,
                    revision=revision,
                    attempts=journal.c.attempts + 1,
                    first_sent_at=func.coalesce(journal.c.first_sent_at, now),
                    last_sent_at=now,
                )
            )
            if sent.rowcount == 0:
                raise StepRejected("fenced_by_undo", case_kind="integration.undo_failed")

    async def not_sent(self, spec: WriteSpec) -> None:
        async with self._engine.begin() as connection:
            # An earlier attempt may have had its effect: only a row whose only attempt was
            # refused before sending goes back to "intent".
            row = (
                await connection.execute(
                    select(journal.c.attempts, journal.c.unknowns, journal.c.state)
                    .where(journal.c.key == spec.key)
                    .with_for_update()
                )
            ).one()
            values: dict[str, object] = {"lease_until": None}
            if row.state == WriteState.SENT:
                uncertain = row.unknowns > 0 or row.attempts > 1
                values["state"] = WriteState.UNKNOWN if uncertain else WriteState.INTENT
                if not uncertain:
                    values.update(attempts=0, first_sent_at=None, last_sent_at=None)
            await connection.execute(
                update(journal).where(journal.c.key == spec.key).values(**values)
            )

    async def release(self, spec: WriteSpec) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(journal).where(journal.c.key == spec.key).values(lease_until=None)
            )

    async def unknown(self, spec: WriteSpec, code: str) -> WriteRow:
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    update(journal)
                    .where(journal.c.key == spec.key, _NOT_DONE)
                    .values(
                        state=WriteState.UNKNOWN,
                        unknowns=journal.c.unknowns + 1,
                        lease_until=None,
                        code=code,
                    )
                    .returning(journal)
                )
            ).first()
            if row is None:
                query = select(journal).where(journal.c.key == spec.key)
                return _row((await connection.execute(query)).one(), first=False)
            await self._audit(connection, spec, "write.unknown", {"code": code})
            return _row(row, first=False)

    async def rejected(self, spec: WriteSpec, code: str, evidence: dict[str, str]) -> None:
        async with self._engine.begin() as connection:
            recorded = await connection.execute(
                update(journal)
                .where(journal.c.key == spec.key, _NOT_DONE)
                .values(state=WriteState.REJECTED, lease_until=None, code=code)
            )
            if recorded.rowcount == 0:
                return
            await self._audit(
                connection, spec, "write.rejected", {"code": code, "evidence": sorted(evidence)}
            )

    async def done(self, spec: WriteSpec, result: str, how: str, effects: Effects) -> None:
        async with self._engine.begin() as connection:
            fenced = (
                await connection.execute(
                    update(journal)
                    .where(journal.c.key == spec.key)
                    .values(
                        state=WriteState.DONE,
                        lease_until=None,
                        result=result,
                        how=how,
                        finished_at=func.now(),
                    )
                    .returning(journal.c.fenced)
                )
            ).scalar_one()
            if fenced:
                # An undo was asked while the answer was on its way, and has the last word about
                # the contract, its run and what is told of them.
                effects = Effects(refs=effects.refs)
            await record_effects(connection, spec.context, effects, how)
            await self._audit(
                connection,
                spec,
                "write.done",
                {"how": how, "refs": [str(ref) for ref in effects.refs]},
            )

    async def fence(self, do_key: str, spec: WriteSpec) -> WriteRow | None:
        async with self._engine.begin() as connection:
            # One statement: between an update that finds nothing and an insert, a late attempt
            # could open the row unfenced. `xmax` is 0 in a row that this statement inserted.
            row = (
                await connection.execute(
                    insert(journal)
                    .values(**_intent(spec) | {"key": do_key, "fenced": True})
                    .on_conflict_do_update(index_elements=["key"], set_={"fenced": True})
                    .returning(journal, literal_column("xmax = 0").label("is_new"))
                )
            ).one()
            return None if row.is_new else _row(row, first=False)

    async def note(self, key: str, words: Sequence[str]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(journal).where(journal.c.key == key).values(noted=sorted(words))
            )

    async def noted(self, key: str) -> tuple[str, ...]:
        query = select(journal.c.noted).where(journal.c.key == key)
        async with self._engine.connect() as connection:
            return tuple((await connection.execute(query)).scalar() or ())

    async def _audit(
        self, connection: AsyncConnection, spec: WriteSpec, event: str, detail: dict[str, object]
    ) -> None:
        await audit.append(
            connection,
            spec.context.contract_key,
            event,
            key=spec.key,
            actor=spec.context.actor,
            detail=detail | {"system": spec.system, "account": spec.account},
        )


async def record_effects(
    connection: AsyncConnection, context: SagaContext, effects: Effects, how: str
) -> None:
    """Cross-references, events and stage, in the caller's transaction."""
    await add_refs(connection, context.contract_key, effects.refs, how)
    await publish_all(connection, effects.events)
    if effects.version is not None:
        await accept_version(connection, effects.version)
    if effects.recognition is not None:
        await mark(connection, effects.recognition)
    if effects.contract_state is not None:
        await set_state(connection, context.contract_key, effects.contract_state)
    if effects.stage or effects.outcome is not None:
        await set_stage(connection, context, effects.stage, effects.outcome)


async def publish_all(connection: AsyncConnection, events: tuple[BusinessEvent, ...]) -> None:
    """Write events to the outbox, in the caller's transaction."""
    for event in events:
        await publish(connection, event)


async def add_refs(
    connection: AsyncConnection, contract_key: str, refs: tuple[Ref, ...], how: str
) -> None:
    """Cross-references of a contract; one that is known already stays as it is."""
    for ref in refs:
        await connection.execute(
            insert(crosswalk)
            .values(
                contract_key=contract_key,
                system=ref.system,
                account=ref.account,
                kind=ref.kind,
                native_id=ref.native_id,
                how=how,
            )
            .on_conflict_do_nothing()
        )


async def set_state(connection: AsyncConnection, contract_key: str, state: ContractState) -> None:
    """The contract's lifecycle state."""
    await connection.execute(
        update(contracts)
        .where(contracts.c.contract_key == contract_key)
        .values(state=state, changed_at=func.now())
    )


async def set_stage(
    connection: AsyncConnection, context: SagaContext, stage: str, outcome: ChangeOutcome | None
) -> None:
    """Where a run stands. With an outcome it has ended, and no mere stage comes after that; one
    that was held for a later day ends once more on it. What is completed stays so."""
    await _by_calendar(connection, context)
    values: dict[str, object] = {}
    if stage:
        values |= {"stage": stage, "stage_at": func.now()}
    if outcome is not None:
        values |= {"outcome": outcome, "ended_at": func.now()}
    query = update(runs).where(
        runs.c.business_key == context.business_key, runs.c.generation == context.generation
    )
    if outcome is None:
        query = query.where(runs.c.outcome.is_(None))
    else:
        query = query.where(func.coalesce(runs.c.outcome, "") != ChangeOutcome.COMPLETED)
    await connection.execute(query.values(**values))


_CALENDAR = (
    ChangeKind.ACTIVATION,
    ChangeKind.RENEWAL_NOTICE,
    ChangeKind.RENEWAL,
    ChangeKind.TERM_END,
)
"""What a contract's calendar begins, without anybody's order."""


async def _by_calendar(connection: AsyncConnection, context: SagaContext) -> None:
    """What the contract's calendar began has its run from its first step on: who asks for the
    same afterwards is told that it is known, and a contract's workflow that was reset finds how
    it ended."""
    kind = context.business_key.partition(":")[0].replace("-", "_")
    if kind not in _CALENDAR:
        return
    await connection.execute(
        insert(runs)
        .values(
            business_key=context.business_key,
            generation=context.generation,
            kind=kind,
            contract_key=context.contract_key,
            org=context.org,
            deal_id=context.deal_id,
            requested_by=context.actor,
            delivered=True,
        )
        .on_conflict_do_nothing()
    )
