"""Orders of changes and what was computed for them, in PostgreSQL (`hub.Changes`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import System
from dealthread.domain.change_order import ChangeOrder, order_from_json
from dealthread.domain.credit_order import CreditOrder
from dealthread.domain.documents import Agreement, ChangedAgreement
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.domain.write_off_order import WriteOffOrder
from dealthread.errors import Conflict
from dealthread.hub import WriteState
from dealthread.store import audit
from dealthread.store.runs import Runs, claim
from dealthread.store.schema import (
    change_orders,
    contract_versions,
    crosswalk,
    deliveries,
    journal,
    runs,
)

Order = ChangeOrder | CreditOrder | WriteOffOrder
_STARTED, _CHANGED = "billing.subscription", "billing.change"


class PostgresChanges:
    """Each method is one transaction."""

    def __init__(
        self, engine: AsyncEngine, subscribers: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._engine = engine
        self._subscribers = dict(subscribers or {})
        self._runs = Runs(engine)

    async def order(self, change_id: str) -> ChangeOrder | None:
        async with self._engine.connect() as connection:
            body = (
                await connection.execute(
                    select(change_orders.c.body).where(change_orders.c.change_id == change_id)
                )
            ).scalar()
        return None if body is None else order_from_json(json.dumps(body))

    async def credit_order(self, change_id: str) -> CreditOrder | None:
        body = await self._body(change_id, ChangeKind.INVOICE_CREDIT)
        return None if body is None else CreditOrder.model_validate(body)

    async def write_off_order(self, change_id: str) -> WriteOffOrder | None:
        body = await self._body(change_id, ChangeKind.INVOICE_WRITE_OFF)
        return None if body is None else WriteOffOrder.model_validate(body)

    async def _body(self, change_id: str, kind: ChangeKind) -> object:
        query = select(change_orders.c.body).where(
            change_orders.c.change_id == change_id, change_orders.c.kind == kind
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).scalar()

    async def record_order(self, order: ChangeOrder, requested_by: str) -> None:
        async with self._engine.begin() as connection:
            inserted = await connection.execute(
                insert(change_orders)
                .values(
                    change_id=order.change_id,
                    contract_key=order.contract_key,
                    kind=order.kind,
                    body=order.model_dump(mode="json"),
                    requested_by=requested_by,
                )
                .on_conflict_do_nothing()
                .returning(change_orders.c.change_id)
            )
            if inserted.first() is None:
                await _check_same(connection, order)
            else:
                await _audit(connection, order, "change.ordered", requested_by)

    async def place(self, order: Order, request: ChangeRequest, contract_key: str) -> bool:
        """Claim the run of an order and store the order, in one transaction: neither is there
        without the other, nor with another's terms. True where the run is new; the order then
        takes the place of one that came to nothing.

        Raises Conflict where the run is another order's.
        """
        values = {
            "body": order.model_dump(mode="json"),
            "requested_by": request.requested_by,
            "preview": null(),
        }
        async with self._engine.begin() as connection:
            if not await claim(connection, request, contract_key):
                await _check_same(connection, order)
                return False
            await connection.execute(
                insert(change_orders)
                .values(
                    change_id=order.change_id,
                    contract_key=order.contract_key,
                    kind=order.kind,
                    **values,
                )
                .on_conflict_do_update(index_elements=["change_id"], set_=values)
            )
            event = "change.ordered" if request.generation == 1 else "change.ordered_anew"
            await _audit(connection, order, event, request.requested_by)
            return True

    async def record_preview(self, change_id: str, preview: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(change_orders)
                .where(change_orders.c.change_id == change_id)
                .values(preview=json.loads(preview))
            )

    async def agreement(self, contract_key: str) -> Agreement | None:
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(journal.c.step, journal.c.result)
                    .where(
                        journal.c.contract_key == contract_key,
                        journal.c.step.in_((_STARTED, _CHANGED)),
                        journal.c.state == WriteState.DONE,
                        journal.c.fenced.is_(False),
                        func.coalesce(journal.c.result, "") != "",
                    )
                    .order_by(journal.c.finished_at.desc())
                    .limit(1)
                )
            ).first()
        if row is None:
            return None
        if row.step == _STARTED:
            return Agreement.model_validate_json(row.result)
        return ChangedAgreement.model_validate_json(row.result).agreement

    async def booking_keys(self, contract_key: str) -> tuple[str, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(crosswalk.c.native_id)
                .where(
                    crosswalk.c.contract_key == contract_key,
                    crosswalk.c.system == System.ERP,
                    crosswalk.c.kind == "booking_key",
                )
                .order_by(crosswalk.c.since, crosswalk.c.native_id)
            )
            return tuple(rows.scalars())

    async def claim(self, request: ChangeRequest, contract_key: str) -> bool:
        created, _ = await self._runs.claim(request, contract_key)
        return created

    async def stage_of(
        self, business_key: str, generation: int | None = None
    ) -> tuple[str, str | None]:
        of_key = (
            select(runs.c.stage, runs.c.outcome)
            .where(runs.c.business_key == business_key)
            .order_by(runs.c.generation.desc())
            .limit(1)
        )
        if generation is not None:
            of_key = of_key.where(runs.c.generation == generation)
        async with self._engine.connect() as connection:
            row = (await connection.execute(of_key)).first()
        return ("", None) if row is None else (row.stage, row.outcome)

    async def newest_generation(self, business_key: str) -> int:
        generation, _ = await self._runs.latest_generation(business_key)
        return generation

    async def version_of(self, change_id: str) -> int | None:
        async with self._engine.connect() as connection:
            return (
                await connection.execute(
                    select(contract_versions.c.number).where(
                        contract_versions.c.change_id == change_id
                    )
                )
            ).scalar()

    async def join_group(self, contract_keys: tuple[str, ...], group: str) -> None:
        async with self._engine.begin() as connection:
            for key in contract_keys:
                await connection.execute(
                    insert(crosswalk)
                    .values(
                        contract_key=key,
                        system=System.HUB,
                        account="default",
                        kind="contract_group",
                        native_id=group,
                        how="joined",
                    )
                    .on_conflict_do_nothing()
                )

    async def was_told(self, event_id: str, subscriber_kind: str) -> bool:
        wanted = set(self._subscribers.get(subscriber_kind, ()))
        if not wanted:
            return False
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(deliveries.c.subscriber).where(
                    deliveries.c.event_id == event_id,
                    # A replay makes what was delivered due again; it stays delivered.
                    deliveries.c.delivered_at.is_not(None),
                )
            )
            return wanted <= set(rows.scalars())


async def _check_same(connection: AsyncConnection, order: Order) -> None:
    known = await connection.execute(
        select(change_orders.c.body).where(change_orders.c.change_id == order.change_id)
    )
    if known.scalar() != order.model_dump(mode="json"):
        raise Conflict("another_order_under_this_id", change_id=order.change_id)


async def _audit(connection: AsyncConnection, order: Order, event: str, requested_by: str) -> None:
    await audit.append(
        connection,
        order.contract_key,
        event,
        key=order.change_id,
        actor=requested_by,
        detail={"kind": order.kind},
    )
