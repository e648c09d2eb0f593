"""What is recorded of a company's month before it is closed, read from PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.case import CaseState
from dealthread.domain.closing.books import UsedPeriod, cut_off
from dealthread.domain.money import Money
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.posted import PostedDocument
from dealthread.domain.recognition.due import last_day
from dealthread.domain.recognition.rows import month_after
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.hub import WriteState
from dealthread.hub_closing import ClosingPosition
from dealthread.naming import recognition_key
from dealthread.store.money_reading import MoneyReading
from dealthread.store.money_revenue import planned
from dealthread.store.recognition import PostgresRecognition
from dealthread.store.schema import cases, contracts, journal, revenue_schedule, runs
from dealthread.store.schema_usage import usage_batches, usage_periods
from dealthread.store.usage_reading import used_by

_UNFINISHED = (WriteState.INTENT, WriteState.SENT, WriteState.UNKNOWN)
_PAYOUTS = ("erp.post_payout", "erp.post_payout_return")
CLOSE_STEP = "erp.close_period"
_OF_BOOKS = ("invoice:", "recognition:", "credit:", "summary:")
"""Business keys of work that posts."""


async def closing_position(
    engine: AsyncEngine, tenant: str, seller: str, period: date, erp: str, company: str
) -> ClosingPosition:
    """As of the month's last day."""
    day, account = last_day(period), f"{erp}.{company}"
    facts = [
        one
        async for batch in MoneyReading(engine, tenant).facts(day, seller=seller)
        for one in batch
    ]
    store = PostgresRecognition(engine)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        stuck, others = await _cases(connection, seller, period)
        return ClosingPosition(
            contracts=await _as_of(connection, facts, day),
            used=tuple(
                UsedPeriod(
                    contract_key=one.contract_key,
                    line_key=one.line_key,
                    period_start=one.period_start,
                    rated=one.rated,
                    billed=one.billed,
                )
                for one in await used_by(connection, seller, day)
            ),
            recognised=await store.posted(seller=seller, until=month_after(period)),
            undone=await store.reversals(seller),
            unsent_writes=await _unsent_writes(connection, account),
            under_way=await _under_way(connection, seller),
            unsent_usage=await _unsent_usage(connection, seller, month_after(period)),
            stuck=stuck,
            other_cases=others,
            banked=await _posted(connection, account, day, "erp.bank_receipt"),
            payouts=_keys_of(await _posted(connection, account, day, *_PAYOUTS)),
            disputes=_keys_of(await _posted(connection, account, day, "erp.post_dispute")),
        )


async def _as_of(
    connection: AsyncConnection, facts: Iterable[ContractFacts], day: date
) -> tuple[ContractFacts, ...]:
    """Each contract with the plan of the version that was in force."""
    known = [found for one in facts if (found := cut_off(one, day)) is not None]
    plans = await _plans(connection, [one.contract_key for one in known])
    result = []
    for one in known:
        number = max(version.contract.version for version in one.versions)
        rows = plans.get((one.contract_key, number), ())
        result.append(one.model_copy(update={"planned": planned(rows, one.versions, day)}))
    return tuple(result)


async def _plans(
    connection: AsyncConnection, keys: Sequence[str]
) -> dict[tuple[str, int], tuple[RevenuePlanRow, ...]]:
    found: dict[tuple[str, int], list[RevenuePlanRow]] = {}
    rows = await connection.execute(
        select(revenue_schedule)
        .where(revenue_schedule.c.contract_key.in_(keys))
        .order_by(revenue_schedule.c.obligation, revenue_schedule.c.month)
    )
    for row in rows:
        found.setdefault((row.contract_key, row.version), []).append(
            RevenuePlanRow(
                obligation=row.obligation,
                line_key=row.line_key,
                account=row.account,
                month=row.month,
                amount=Money.of(row.amount, row.currency),
                treatment=row.treatment,
            )
        )
    return {key: tuple(values) for key, values in found.items()}


def _keys(seller: str) -> Select[tuple[Any]]:
    return select(contracts.c.contract_key).where(contracts.c.seller == seller)


async def _unsent_writes(connection: AsyncConnection, account: str) -> tuple[str, ...]:
    rows = await connection.execute(
        select(journal.c.business_key, journal.c.step, journal.c.state)
        .where(
            journal.c.account == account,
            journal.c.state.in_(_UNFINISHED),
            journal.c.step != CLOSE_STEP,
            journal.c.fenced.is_(False),
        )
        .order_by(journal.c.opened_at, journal.c.key)
    )
    return tuple(f"{row.business_key}: {row.step} is {row.state}" for row in rows)


async def _posted(
    connection: AsyncConnection, account: str, day: date, *steps: str
) -> tuple[PostedDocument, ...]:
    """What steps that belong to no contract have posted to a ledger by a day."""
    rows = await connection.execute(
        select(journal.c.result)
        .where(
            journal.c.account == account,
            journal.c.step.in_(steps),
            journal.c.state == WriteState.DONE,
            journal.c.result != "",
        )
        .order_by(journal.c.finished_at, journal.c.key)
    )
    found = (PostedDocument.model_validate_json(row) for row in rows.scalars())
    return tuple(one for one in found if one.posting_date and one.posting_date <= day)


def _keys_of(documents: Iterable[PostedDocument]) -> frozenset[str]:
    return frozenset(one.document_key for one in documents)


async def _under_way(connection: AsyncConnection, seller: str) -> tuple[str, ...]:
    rows = await connection.execute(
        select(runs.c.business_key, runs.c.stage)
        .where(runs.c.contract_key.in_(_keys(seller)), runs.c.outcome.is_(None))
        .order_by(runs.c.business_key)
    )
    return tuple(f"{row.business_key}: {row.stage}" for row in rows)


async def _unsent_usage(connection: AsyncConnection, seller: str, end: date) -> tuple[str, ...]:
    """Of billing periods that ended by the month's end."""
    unplanned = await connection.execute(
        select(usage_periods.c.contract_key, usage_periods.c.line_key, usage_periods.c.period_start)
        .outerjoin(
            usage_batches,
            (usage_batches.c.contract_key == usage_periods.c.contract_key)
            & (usage_batches.c.line_key == usage_periods.c.line_key)
            & (usage_batches.c.period_start == usage_periods.c.period_start)
            & (usage_batches.c.state == "planned"),
        )
        .where(
            usage_periods.c.seller == seller,
            usage_periods.c.period_end <= end,
            or_(
                usage_periods.c.quantity > usage_periods.c.planned,
                usage_batches.c.batch_key.is_not(None),
            ),
        )
        .distinct()
        .order_by(
            usage_periods.c.contract_key, usage_periods.c.line_key, usage_periods.c.period_start
        )
    )
    return tuple(f"{row.contract_key} {row.line_key} from {row.period_start}" for row in unplanned)


async def _cases(
    connection: AsyncConnection, seller: str, period: date
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = await connection.execute(
        select(
            cases.c.case_id,
            cases.c.kind,
            cases.c.business_key,
            cases.c.contract_key,
            cases.c.amount,
            cases.c.currency,
        )
        .where(
            cases.c.state == CaseState.OPEN,
            or_(
                cases.c.contract_key.in_(_keys(seller)),
                cases.c.contract_key == recognition_key(seller, period),
                cases.c.business_key.startswith(f"summary:{seller}:", autoescape=True),
            ),
        )
        .order_by(cases.c.opened_at)
    )
    stuck: list[str] = []
    others: list[str] = []
    for row in rows:
        risk = "" if row.amount is None else f", {Money.of(row.amount, row.currency)}"
        told = f"{row.case_id} {row.kind}: {row.business_key}{risk}"
        (stuck if row.business_key.startswith(_OF_BOOKS) else others).append(told)
    return tuple(stuck), tuple(others)
