"""Usage that is taken in, in PostgreSQL: events once, their sums, and what is told of them.

A batch of events is one transaction of a few statements, whatever its size. The sums are added up
from the events that were new, so that a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.usage.event import UsageEvent
from dealthread.hub_usage import PeriodTotal, Taken, UsageTold
from dealthread.store.case_opening import open_case
from dealthread.store.outbox import publish
from dealthread.store.schema import contracts

_MOST_HELD = 10_000

_KNOWN = text(
    """
    SELECT e.source, e.event_id, e.content_hash
    FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS asked(source, event_id)
    JOIN usage_events e ON e.source = asked.source AND e.event_id = asked.event_id
    """
)
_ADD = text(
    """
    INSERT INTO usage_events (source, event_id, contract_key, line_key, period_start, quantity,
                              occurred_at, content_hash)
    SELECT * FROM unnest(
        CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:contracts AS text[]),
        CAST(:lines AS text[]), CAST(:periods AS date[]), CAST(:quantities AS numeric[]),
        CAST(:times AS timestamptz[]), CAST(:hashes AS text[]))
    ON CONFLICT DO NOTHING
    RETURNING source, event_id
    """
)
_ADD_TO_PERIODS = text(
    """
    INSERT INTO usage_periods (contract_key, line_key, period_start, period_end, seller,
        billing_account, customer_key, meter, quantity, events, last_used_at)
    SELECT * FROM unnest(
        CAST(:contracts AS text[]), CAST(:lines AS text[]), CAST(:starts AS date[]),
        CAST(:ends AS date[]), CAST(:sellers AS text[]), CAST(:accounts AS text[]),
        CAST(:customers AS text[]), CAST(:meters AS text[]), CAST(:quantities AS numeric[]),
        CAST(:events AS bigint[]), CAST(:last AS timestamptz[]))
    ON CONFLICT (contract_key, line_key, period_start) DO UPDATE SET
        quantity = usage_periods.quantity + excluded.quantity,
        events = usage_periods.events + excluded.events,
        period_end = excluded.period_end,
        last_used_at = greatest(usage_periods.last_used_at, excluded.last_used_at)
    RETURNING contract_key, line_key, period_start, quantity
    """
)
_ADD_TO_MONTHS = text(
    """
    INSERT INTO usage_months (contract_key, line_key, period_start, month, quantity)
    SELECT * FROM unnest(
        CAST(:contracts AS text[]), CAST(:lines AS text[]), CAST(:starts AS date[]),
        CAST(:months AS date[]), CAST(:quantities AS numeric[]))
    ON CONFLICT (contract_key, line_key, period_start, month) DO UPDATE SET
        quantity = usage_months.quantity + excluded.quantity
    """
)
_Key = tuple[str, str]
_Period = tuple[str, str, date]


class PostgresUsage:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: dict[str, tuple[object, Contract]] = {}

    async def contracts(self, keys: Sequence[str]) -> dict[str, tuple[Contract, ContractState]]:
        """A contract is read again when its row has changed."""
        columns = contracts.c
        async with self._engine.connect() as connection:
            rows = (
                await connection.execute(
                    select(columns.contract_key, columns.state, columns.changed_at).where(
                        columns.contract_key.in_(keys)
                    )
                )
            ).all()
            stale = [
                row.contract_key
                for row in rows
                if self._held.get(row.contract_key, (None,))[0] != row.changed_at
            ]
            if stale:
                await self._hold(connection, stale)
        return {
            row.contract_key: (self._held[row.contract_key][1], ContractState(row.state))
            for row in rows
        }

    async def _hold(self, connection: AsyncConnection, keys: Sequence[str]) -> None:
        if len(self._held) + len(keys) > _MOST_HELD:
            self._held.clear()
        columns = contracts.c
        for row in await connection.execute(
            select(columns.contract_key, columns.changed_at, columns.body).where(
                columns.contract_key.in_(keys)
            )
        ):
            held = (row.changed_at, Contract.model_validate(row.body))
            self._held[row.contract_key] = held

    async def known(self, keys: Sequence[_Key]) -> dict[_Key, str]:
        async with self._engine.connect() as connection:
            return await _known(connection, keys)

    async def take(self, events: Sequence[UsageEvent], told: UsageTold) -> dict[_Key, Taken]:
        # In the order of the key: two batches that share events wait for each other, never both.
        ordered = sorted(events, key=lambda one: (one.source, one.event_id))
        async with self._engine.begin() as connection:
            added = await connection.execute(
                _ADD,
                {
                    "sources": [one.source for one in ordered],
                    "ids": [one.event_id for one in ordered],
                    "contracts": [one.contract_key for one in ordered],
                    "lines": [one.line_key for one in ordered],
                    "periods": [one.period_start for one in ordered],
                    "quantities": [one.quantity for one in ordered],
                    "times": [one.occurred_at for one in ordered],
                    "hashes": [one.content_hash for one in ordered],
                },
            )
            new = {(row.source, row.event_id) for row in added}
            fresh = [one for one in ordered if (one.source, one.event_id) in new]
            for total in await _sums(connection, fresh):
                found = told(total)
                for event in found.events:
                    await publish(connection, event)
                for opening in found.cases:
                    await open_case(connection, opening)
            others = {
                (one.source, one.event_id): one.content_hash
                for one in ordered
                if (one.source, one.event_id) not in new
            }
            before = await _known(connection, tuple(others)) if others else {}
        return {
            **dict.fromkeys(new, Taken.ACCEPTED),
            **{
                key: Taken.DUPLICATE if before.get(key) == content else Taken.CONFLICT
                for key, content in others.items()
            },
        }


async def _known(connection: AsyncConnection, keys: Sequence[_Key]) -> dict[_Key, str]:
    rows = await connection.execute(
        _KNOWN, {"sources": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    )
    return {(row.source, row.event_id): row.content_hash for row in rows}


async def _sums(
    connection: AsyncConnection, events: Sequence[UsageEvent]
) -> tuple[PeriodTotal, ...]:
    """Add up, period by period in one order for all, so that two batches cannot lock each other
    out. The row of the period is what serialises those who add to it."""
    periods: dict[_Period, list[UsageEvent]] = {}
    months: dict[tuple[str, str, date, date], Decimal] = {}
    for one in events:
        key = (one.contract_key, one.line_key, one.period_start)
        periods.setdefault(key, []).append(one)
        months[*key, one.month] = months.get((*key, one.month), Decimal(0)) + one.quantity
    if not periods:
        return ()
    ordered = sorted(periods.items())
    firsts = [mine[0] for _, mine in ordered]
    added = {key: sum((one.quantity for one in mine), Decimal(0)) for key, mine in ordered}
    rows = await connection.execute(
        _ADD_TO_PERIODS,
        {
            "contracts": [one.contract_key for one in firsts],
            "lines": [one.line_key for one in firsts],
            "starts": [one.period_start for one in firsts],
            "ends": [one.period_end for one in firsts],
            "sellers": [one.seller for one in firsts],
            "accounts": [one.billing_account for one in firsts],
            "customers": [one.customer_key for one in firsts],
            "meters": [one.meter for one in firsts],
            "quantities": list(added.values()),
            "events": [len(mine) for _, mine in ordered],
            "last": [max(one.occurred_at for one in mine) for _, mine in ordered],
        },
    )
    reached = {
        (row.contract_key, row.line_key, row.period_start): Decimal(row.quantity) for row in rows
    }
    by_month = sorted(months.items())
    await connection.execute(
        _ADD_TO_MONTHS,
        {
            "contracts": [key[0] for key, _ in by_month],
            "lines": [key[1] for key, _ in by_month],
            "starts": [key[2] for key, _ in by_month],
            "months": [key[3] for key, _ in by_month],
            "quantities": [quantity for _, quantity in by_month],
        },
    )
    return tuple(PeriodTotal(*key, reached[key] - added[key], reached[key]) for key, _ in ordered)
