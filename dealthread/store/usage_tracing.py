"""From the line of a bill down to the events behind it, and what a contract used, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.usage.period import usage_lines
from dealthread.store.schema import contracts
from dealthread.store.schema_usage import usage_batches, usage_events, usage_periods
from dealthread.store.usage_reading import RatedPeriod, rated_periods

_PERIODS, _BATCHES, _EVENTS = usage_periods.c, usage_batches.c, usage_events.c


@dataclass(frozen=True)
class PeriodOfUse:
    """What a contract line used in a billing period, and how far it is on its way."""

    line_key: str
    meter: str
    unit: str
    period_start: date
    period_end: date
    quantity: Decimal
    events: int
    included: Decimal
    rated: Money
    batches: int
    sent: Decimal
    """Of the quantity, what the biller is known to have."""
    billed: Decimal | None
    """What bills have of it; None: no bill has the period."""
    refusal: str
    """Why a sum is not there yet, as the biller said."""


@dataclass(frozen=True)
class TracedEvent:
    """One event behind a line."""

    source: str
    id: str
    occurred_at: datetime
    received_at: datetime
    quantity: Decimal


class UsageTracing:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_contract(self, contract_key: str) -> tuple[PeriodOfUse, ...]:
        """Its billing periods, oldest first."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            known = select(contracts.c.contract_key).where(contracts.c.contract_key == contract_key)
            rated = {
                (one.line.line_key, one.period_start): one
                for one in await rated_periods(connection, known)
            }
            sent = {
                (row.line_key, row.period_start): row
                for row in await connection.execute(
                    select(
                        _BATCHES.line_key,
                        _BATCHES.period_start,
                        func.sum(_BATCHES.quantity).filter(_BATCHES.state == "sent").label("sent"),
                        func.max(_BATCHES.refusal).label("refusal"),
                    )
                    .where(_BATCHES.contract_key == contract_key)
                    .group_by(_BATCHES.line_key, _BATCHES.period_start)
                )
            }
            rows = (
                await connection.execute(
                    select(usage_periods)
                    .where(_PERIODS.contract_key == contract_key)
                    .order_by(_PERIODS.period_start, _PERIODS.line_key)
                )
            ).all()
            if any((row.line_key, row.period_start) not in rated for row in rows):
                contract = Contract.model_validate(
                    (await connection.execute(_body(contract_key))).scalar_one()
                )
                rated = _billed_alone(contract, rows) | rated
            return tuple(
                _period(
                    row,
                    rated[row.line_key, row.period_start],
                    sent.get((row.line_key, row.period_start)),
                )
                for row in rows
                if (row.line_key, row.period_start) in rated
            )

    async def events(
        self,
        contract_key: str,
        line_key: str,
        period_start: date,
        after: tuple[str, str] | None,
        most: int,
    ) -> tuple[TracedEvent, ...]:
        """Events of a line's billing period by source and id, from after one of them on."""
        query = select(usage_events).where(
            _EVENTS.contract_key == contract_key,
            _EVENTS.line_key == line_key,
            _EVENTS.period_start == period_start,
        )
        if after is not None:
            query = query.where(tuple_(_EVENTS.source, _EVENTS.event_id) > after)
        query = query.order_by(_EVENTS.source, _EVENTS.event_id).limit(most)
        async with self._engine.connect() as connection:
            return tuple(
                TracedEvent(
                    row.source, row.event_id, row.occurred_at, row.received_at, row.quantity
                )
                for row in await connection.execute(query)
            )

    async def sums(
        self, contract_key: str, line_key: str, period_start: date
    ) -> tuple[int, Decimal]:
        """How many events are behind a line, and what they come to, counted anew."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(
                        func.count().label("events"),
                        func.coalesce(func.sum(_EVENTS.quantity), 0).label("quantity"),
                    ).where(
                        _EVENTS.contract_key == contract_key,
                        _EVENTS.line_key == line_key,
                        _EVENTS.period_start == period_start,
                    )
                )
            ).one()
        return int(row.events), Decimal(row.quantity)


def _body(contract_key: str) -> Select[tuple[Any]]:
    return select(contracts.c.body).where(contracts.c.contract_key == contract_key)


def _billed_alone(contract: Contract, rows: Sequence[Any]) -> dict[tuple[str, date], RatedPeriod]:
    """Periods that a bill has, as if nothing was counted in them."""
    nothing = Decimal(0)
    return {
        (row.line_key, row.period_start): RatedPeriod(
            contract, line, row.period_start, row.period_end, nothing, {}
        )
        for row in rows
        if row.billed is not None
        for line in usage_lines(contract, row.period_start)
        if line.line_key == row.line_key and line.usage is not None
    }


def _period(row: Any, rated: RatedPeriod, sent: Any) -> PeriodOfUse:
    terms = rated.line.usage
    assert terms is not None  # noqa: S101 - it was rated by them
    return PeriodOfUse(
        line_key=rated.line.line_key,
        meter=terms.meter,
        unit=terms.unit,
        period_start=rated.period_start,
        period_end=rated.period_end,
        quantity=rated.quantity,
        events=row.events,
        included=terms.included,
        rated=rated.rated,
        batches=row.batches,
        sent=Decimal((sent.sent if sent else None) or 0),
        billed=None if row.billed is None else Decimal(row.billed),
        refusal=sent.refusal if sent else "",
    )
