"""Pursuits of overdue invoices in PostgreSQL (`hub.Pursuits`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.dunning import Pursuit, PursuitOutcome, PursuitState
from dealthread.domain.events import BusinessEvent
from dealthread.domain.money import Money
from dealthread.errors import BadInput
from dealthread.store import audit
from dealthread.store.outbox import publish
from dealthread.store.schema import pursuits


def _pursuit(row: Row[Any]) -> Pursuit:
    return Pursuit(
        business_key=row.business_key,
        generation=row.generation,
        contract_key=row.contract_key,
        customer_key=row.customer_key,
        seller=row.seller,
        invoice=Ref(
            system=System.BILLING,
            account=row.billing_account,
            kind="invoice",
            native_id=row.invoice_id,
        ),
        invoice_number=row.invoice_number,
        amount_due=Money.of(row.amount, row.currency),
        due_date=row.due_date,
        state=PursuitState(row.state),
        stage=row.stage,
        suspended=row.suspended,
        promised_until=row.promised_until,
        reason=row.reason,
        outcome=PursuitOutcome(row.outcome) if row.outcome else None,
        sequence=row.sequence,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
    )


def _values(pursuit: Pursuit) -> dict[str, object]:
    return {
        "business_key": pursuit.business_key,
        "generation": pursuit.generation,
        "contract_key": pursuit.contract_key,
        "customer_key": pursuit.customer_key,
        "seller": pursuit.seller,
        "billing_account": pursuit.invoice.account,
        "invoice_id": pursuit.invoice.native_id,
        "invoice_number": pursuit.invoice_number,
        "amount": pursuit.amount_due.amount,
        "currency": pursuit.amount_due.currency,
        "due_date": pursuit.due_date,
        "state": pursuit.state,
        "stage": pursuit.stage,
        "suspended": pursuit.suspended,
        "promised_until": pursuit.promised_until,
        "reason": pursuit.reason,
        "outcome": pursuit.outcome,
        "sequence": pursuit.sequence,
        "opened_at": pursuit.opened_at,
        "changed_at": pursuit.changed_at,
    }


class PostgresPursuits:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(self, wanted: Pursuit) -> Pursuit:
        async with self._engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 2))"),
                {"key": wanted.business_key},
            )
            last = await _newest(connection, pursuits.c.business_key == wanted.business_key)
            if last is not None and last.state is not PursuitState.CLOSED:
                return last
            generation = 1 if last is None else last.generation + 1
            opened = wanted.model_copy(update={"generation": generation})
            await connection.execute(insert(pursuits).values(**_values(opened)))
            return opened

    async def record(self, pursuit: Pursuit, events: tuple[BusinessEvent, ...], actor: str) -> None:
        async with self._engine.begin() as connection:
            values = _values(pursuit)
            del values["opened_at"]
            changed = await connection.execute(
                update(pursuits)
                .where(
                    pursuits.c.business_key == pursuit.business_key,
                    pursuits.c.generation == pursuit.generation,
                    pursuits.c.sequence < pursuit.sequence,
                )
                .values(**values)
            )
            if changed.rowcount == 0:
                return
            for event in events:
                await publish(connection, event)
            await audit.append(
                connection,
                pursuit.contract_key,
                f"collections.{pursuit.state}",
                key=pursuit.business_key,
                actor=actor,
                detail={
                    "stage": pursuit.stage,
                    "suspended": pursuit.suspended,
                    "outcome": pursuit.outcome or "",
                    "reason": pursuit.reason,
                },
            )

    async def of_invoice(self, any_id: str) -> Pursuit | None:
        which = or_(
            pursuits.c.invoice_number == any_id,
            pursuits.c.invoice_id == any_id,
            pursuits.c.business_key == any_id,
        )
        async with self._engine.connect() as connection:
            keys = select(pursuits.c.business_key).where(which).distinct().limit(5)
            found = sorted((await connection.execute(keys)).scalars())
            if len(found) > 1:
                # Numbers and ids are unique inside one billing account only.
                raise BadInput(
                    "several_invoices",
                    field="invoice",
                    action="name one by its business key: " + ", ".join(found),
                )
            return await _newest(connection, which)

    async def listing(
        self, *, contract_key: str = "", customer_key: str = "", closed: bool, limit: int
    ) -> list[Pursuit]:
        wanted = []
        if contract_key:
            wanted.append(pursuits.c.contract_key == contract_key)
        if customer_key:
            wanted.append(pursuits.c.customer_key == customer_key)
        if not closed:
            wanted.append(pursuits.c.state != PursuitState.CLOSED)
        query = (
            select(pursuits)
            .where(and_(True, *wanted))
            .order_by(pursuits.c.due_date, pursuits.c.business_key, pursuits.c.generation)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [_pursuit(row) for row in await connection.execute(query)]


async def _newest(connection: AsyncConnection, which: Any) -> Pursuit | None:
    row = (
        await connection.execute(
            select(pursuits).where(which).order_by(pursuits.c.generation.desc()).limit(1)
        )
    ).first()
    return None if row is None else _pursuit(row)
