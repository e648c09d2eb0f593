"""Contracts and runs in PostgreSQL (`hub.Contracts`)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.events import BusinessEvent
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeResult, SagaContext
from dealthread.domain.validation import ActiveContract
from dealthread.hub import RevenueRow, WriteState
from dealthread.store import audit
from dealthread.store.journal import add_refs, publish_all, set_stage, set_state
from dealthread.store.schema import change_orders, contract_versions, contracts, journal, runs
from dealthread.store.versions import columns_of, forget_undone, open_plan, planned_revenue

LIVE = (ContractState.SCHEDULED.value, ContractState.ACTIVE.value)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


class PostgresContracts:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def record_pending(
        self,
        context: SagaContext,
        contract: Contract,
        name: str,
        events: tuple[BusinessEvent, ...] = (),
    ) -> None:
        values = columns_of(contract, name)
        async with self._engine.begin() as connection:
            outcome = await connection.execute(
                select(runs.c.outcome)
                .where(
                    runs.c.business_key == context.business_key,
                    runs.c.generation == context.generation,
                )
                .with_for_update()
            )
            if outcome.scalar() is not None:
                return  # an attempt that outlived its run
            pending = await connection.execute(
                insert(contracts)
                .values(contract_key=contract.key, state=ContractState.PENDING, **values)
                .on_conflict_do_update(
                    index_elements=["contract_key"],
                    set_={**values, "state": ContractState.PENDING, "changed_at": func.now()},
                    where=contracts.c.state.not_in(LIVE),
                )
                .returning(contracts.c.contract_key)
            )
            if pending.first() is not None:
                await forget_undone(connection, contract.key)
            await add_refs(
                connection, contract.key, (contract.customer_ref, *contract.refs), "read"
            )
            await publish_all(connection, events)
            await set_stage(connection, context, "assessed", None)
            await audit.append(
                connection,
                contract.key,
                "contract.pending",
                key=context.business_key,
                actor=context.actor,
                detail={"hash": contract.content_hash, "config": contract.config_version},
            )

    async def state(self, contract_key: str) -> ContractState | None:
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(contracts.c.state).where(contracts.c.contract_key == contract_key)
            )
            state = found.scalar()
        return None if state is None else ContractState(state)

    async def version(self, contract_key: str, number: int) -> Contract | None:
        async with self._engine.connect() as connection:
            body = (
                await connection.execute(
                    select(contract_versions.c.body).where(
                        contract_versions.c.contract_key == contract_key,
                        contract_versions.c.number == number,
                    )
                )
            ).scalar()
        return None if body is None else Contract.model_validate(body)

    async def schedule(
        self, contract_key: str, through: date | None = None
    ) -> tuple[RevenueRow, ...]:
        async with self._engine.connect() as connection:
            return await planned_revenue(connection, contract_key, through)

    async def planned_until(self, contract_key: str) -> date | None:
        async with self._engine.connect() as connection:
            found = await open_plan(connection, contract_key)
        return None if found is None else found[1]

    async def accepted_hashes(self, contract_key: str, business_key: str) -> tuple[str, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(contracts.c.content_hash)
                .join(runs, runs.c.contract_key == contracts.c.contract_key)
                .where(
                    contracts.c.contract_key == contract_key,
                    runs.c.business_key == business_key,
                    runs.c.outcome.in_((ChangeOutcome.COMPLETED, ChangeOutcome.SCHEDULED)),
                )
            )
            return tuple(rows.scalars())

    async def active_contracts(
        self, customer_key: str, seller: str, other_than: str
    ) -> tuple[ActiveContract, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(contracts.c.body).where(
                    contracts.c.customer_key == customer_key,
                    contracts.c.seller == seller,
                    contracts.c.contract_key != other_than,
                    contracts.c.state.in_(LIVE),
                )
            )
            live = [Contract.model_validate(body) for body in rows.scalars()]
        return tuple(
            ActiveContract(
                contract_key=contract.key,
                product_code=line.product_code,
                start_date=line.start_date,
                end_date=line.end_date,
            )
            for contract in live
            for line in contract.lines
            if line.kind != "one_time"
        )

    async def is_served_through(self, customer_key: str, erp: str, other_than: str) -> bool:
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(contracts.c.contract_key)
                .where(
                    contracts.c.customer_key == customer_key,
                    contracts.c.body["erp"].astext == erp,
                    contracts.c.contract_key != other_than,
                    contracts.c.state.in_(LIVE),
                )
                .limit(1)
            )
            return found.first() is not None

    async def record_stage(self, context: SagaContext, stage: str) -> None:
        async with self._engine.begin() as connection:
            await set_stage(connection, context, stage, None)

    async def record_outcome(
        self,
        context: SagaContext,
        outcome: ChangeOutcome,
        state: ContractState | None,
        events: tuple[BusinessEvent, ...],
        residue: tuple[str, ...] = (),
    ) -> None:
        async with self._engine.begin() as connection:
            await set_stage(connection, context, outcome.value, outcome)
            if state is not None:
                await set_state(connection, context.contract_key, state)
            await publish_all(connection, events)
            await audit.append(
                connection,
                context.contract_key,
                "change.ended",
                key=context.business_key,
                actor=context.actor,
                detail={
                    "outcome": outcome,
                    "state": state,
                    "generation": context.generation,
                    "residue": list(residue),
                },
            )

    async def read(self, contract_key: str) -> Contract | None:
        async with self._engine.connect() as connection:
            body = (
                await connection.execute(
                    select(contracts.c.body).where(contracts.c.contract_key == contract_key)
                )
            ).scalar()
            return Contract.model_validate(body) if body is not None else None

    async def results(self, business_key: str, generation: int | None = None) -> dict[str, str]:
        latest = (
            select(func.max(journal.c.generation))
            .where(journal.c.business_key == business_key)
            .scalar_subquery()
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(journal.c.step, journal.c.result)
                .where(
                    journal.c.business_key == business_key,
                    journal.c.generation == (latest if generation is None else generation),
                    journal.c.state == WriteState.DONE,
                    journal.c.result.is_not(None),
                )
                .order_by(journal.c.finished_at)
            )
            return {row.step: row.result for row in rows if row.result}

    async def change_result(self, change_id: str, generation: int) -> ChangeResult | None:
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(
                        runs.c.kind,
                        runs.c.outcome,
                        contracts.c.state,
                        contracts.c.body,
                        change_orders.c.preview["hold_until"].astext.label("hold_until"),
                    )
                    .outerjoin(contracts, contracts.c.contract_key == runs.c.contract_key)
                    .outerjoin(change_orders, change_orders.c.change_id == runs.c.business_key)
                    .where(runs.c.business_key == change_id, runs.c.generation == generation)
                )
            ).first()
        if row is None or row.outcome is None:
            return None
        contract = Contract.model_validate(row.body) if row.body is not None else None
        outcome = ChangeOutcome(row.outcome)
        held = outcome is ChangeOutcome.SCHEDULED and row.kind != ChangeKind.QUOTE_TO_CASH
        return ChangeResult(
            change_id=change_id,
            outcome=outcome,
            contract_state=ContractState(row.state or ContractState.NEVER_ACTIVATED),
            start_at=_midnight(contract.start_date) if contract else None,
            end_at=_midnight(contract.end_date) if contract and contract.end_date else None,
            auto_renew=contract.auto_renew if contract else False,
            renewal=contract.renewal if contract else None,
            term_no=contract.term_no if contract else 1,
            due_at=(
                _midnight(date.fromisoformat(row.hold_until)) if held and row.hold_until else None
            ),
        )

    async def next_sequence(self, contract_key: str) -> int:
        async with self._engine.begin() as connection:
            value = await connection.execute(
                update(contracts)
                .where(contracts.c.contract_key == contract_key)
                .values(sync_sequence=contracts.c.sync_sequence + 1)
                .returning(contracts.c.sync_sequence)
            )
            # A deal that stopped before it was a contract has no row: any number will do.
            return int(value.scalar() or 0)
