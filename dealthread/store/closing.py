"""Closing of months in PostgreSQL (`hub_closing.Closing`)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.closing.checklist import Evidence
from dealthread.domain.events import BusinessEvent
from dealthread.domain.processor import KnownBalance
from dealthread.errors import Conflict
from dealthread.hub_closing import FINAL, Close, CloseState, ClosingPosition
from dealthread.naming import close_key
from dealthread.store import audit
from dealthread.store.closing_reading import closing_position
from dealthread.store.journal import publish_all
from dealthread.store.schema_closing import closes


class PostgresClosing:
    """Each method that writes is one transaction, with its entry in the audit log."""

    def __init__(self, engine: AsyncEngine, tenant: str = "default") -> None:
        self._engine = engine
        self._tenant = tenant

    async def begin(self, seller: str, period: date, number: int, actor: str) -> None:
        async with self._engine.begin() as connection:
            made = await connection.execute(
                insert(closes)
                .values(
                    seller=seller,
                    period=period,
                    number=number,
                    state=CloseState.BEGUN,
                    begun_by=actor,
                )
                .on_conflict_do_nothing()
                .returning(closes.c.number)
            )
            if made.first() is not None:
                await audit.append(
                    connection,
                    close_key(seller, period),
                    "close.begun",
                    key=str(number),
                    actor=actor,
                    detail={},
                )

    async def position(self, seller: str, period: date, erp: str, company: str) -> ClosingPosition:
        return await closing_position(self._engine, self._tenant, seller, period, erp, company)

    async def checked(
        self, seller: str, period: date, number: int, evidence: Evidence, journal: str
    ) -> None:
        values = {
            "state": CloseState.CHECKED,
            "checked_at": func.now(),
            "fingerprint": evidence.fingerprint,
            "evidence": evidence.model_dump(mode="json"),
            "journal": journal,
            # What was signed before is signed no more.
            "signed_by": "",
            "signed_at": None,
        }
        async with self._engine.begin() as connection:
            await connection.execute(
                update(closes)
                .where(*_one(seller, period, number), closes.c.state.not_in(FINAL))
                .values(**values)
            )
            await audit.append(
                connection,
                close_key(seller, period),
                "close.checked",
                key=str(number),
                actor="saga",
                detail={
                    "fingerprint": evidence.fingerprint,
                    "in_the_way": [one.name for one in evidence.checklist.in_the_way],
                },
            )

    async def signed(
        self, seller: str, period: date, number: int, fingerprint: str, actor: str, reason: str
    ) -> None:
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    select(closes).where(*_one(seller, period, number)).with_for_update()
                )
            ).one()
            if row.signed_by == actor and row.fingerprint == fingerprint:
                return
            if row.state != CloseState.CHECKED or row.fingerprint != fingerprint:
                raise Conflict("looked_at_anew", seller=seller, period=f"{period:%Y-%m}")
            await connection.execute(
                update(closes)
                .where(*_one(seller, period, number))
                .values(
                    state=CloseState.SIGNED,
                    signed_by=actor,
                    signed_at=func.now(),
                    reason=reason,
                )
            )
            await audit.append(
                connection,
                close_key(seller, period),
                "close.signed",
                key=str(number),
                actor=actor,
                detail={"fingerprint": fingerprint, "reason": reason},
            )

    async def ended(
        self,
        seller: str,
        period: date,
        number: int,
        state: CloseState,
        *,
        reason: str = "",
        ledger_period: str = "",
        events: tuple[BusinessEvent, ...] = (),
    ) -> None:
        values: dict[str, Any] = {"state": state}
        if state is CloseState.CLOSED:
            values |= {"closed_at": func.now(), "ledger_period": ledger_period}
        elif reason:
            values["reason"] = reason
        async with self._engine.begin() as connection:
            made = await connection.execute(
                update(closes)
                .where(*_one(seller, period, number), closes.c.state != state)
                .values(**values)
                .returning(closes.c.number)
            )
            if made.first() is not None:
                await audit.append(
                    connection,
                    close_key(seller, period),
                    f"close.{state}",
                    key=str(number),
                    actor="saga",
                    detail={"reason": reason, "ledger_period": ledger_period},
                )
                await publish_all(connection, events)

    async def known_balances(self, seller: str, period: date) -> tuple[KnownBalance, ...]:
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                select(closes.c.evidence["processor"])
                .where(
                    closes.c.seller == seller,
                    closes.c.period < period,
                    closes.c.state == CloseState.CLOSED,
                    func.jsonb_array_length(closes.c.evidence["processor"]) > 0,
                )
                .order_by(closes.c.period.desc(), closes.c.number.desc())
                .limit(1)
            )
        return tuple(KnownBalance.model_validate(one) for one in found or ())

    async def latest(self, seller: str, period: date) -> Close | None:
        row = await self._latest(seller, period)
        return None if row is None else _close(row)

    async def evidence(self, seller: str, period: date) -> tuple[Close, Evidence, str] | None:
        row = await self._latest(seller, period)
        if row is None or row.evidence is None:
            return None
        return _close(row), Evidence.model_validate(row.evidence), row.journal

    async def _latest(self, seller: str, period: date) -> Row[Any] | None:
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(closes)
                .where(closes.c.seller == seller, closes.c.period == period)
                .order_by(closes.c.number.desc())
                .limit(1)
            )
            return found.first()


def _one(seller: str, period: date, number: int) -> tuple[Any, ...]:
    return closes.c.seller == seller, closes.c.period == period, closes.c.number == number


def _close(row: Row[Any]) -> Close:
    evidence = None if row.evidence is None else Evidence.model_validate(row.evidence)
    return Close(
        seller=row.seller,
        period=row.period,
        number=row.number,
        state=CloseState(row.state),
        begun_by=row.begun_by,
        begun_at=row.begun_at,
        checklist=None if evidence is None else evidence.checklist,
        fingerprint=row.fingerprint,
        signed_by=row.signed_by,
        signed_at=row.signed_at,
        reason=row.reason,
        closed_at=row.closed_at,
        ledger_period=row.ledger_period,
    )
