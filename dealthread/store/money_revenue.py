"""Revenue of contracts for the money view: planned, accepted, posted to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.base import Ref, System
from dealthread.domain.money import Money
from dealthread.domain.position.facts import AcceptedService, OpeningFigures, RecognisedPart
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.recognition.rows import RecognitionState
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.without_end import continued, is_without_end, planned_until
from dealthread.store.schema import contract_versions, revenue_schedule
from dealthread.store.schema_adoption import adopted_openings
from dealthread.store.schema_recognition import (
    recognition_documents,
    recognition_postings,
    service_acceptances,
)

T = TypeVar("T")
Keys = Sequence[str]
"""Which contracts."""


async def schedules(
    connection: AsyncConnection, keys: Keys
) -> dict[str, tuple[RevenuePlanRow, ...]]:
    """As the latest version of each contract plans it."""
    latest = (
        select(
            contract_versions.c.contract_key, func.max(contract_versions.c.number).label("number")
        )
        .where(contract_versions.c.contract_key.in_(keys))
        .group_by(contract_versions.c.contract_key)
        .subquery()
    )
    rows = await connection.execute(
        select(revenue_schedule)
        .join(
            latest,
            and_(
                latest.c.contract_key == revenue_schedule.c.contract_key,
                latest.c.number == revenue_schedule.c.version,
            ),
        )
        .order_by(
            revenue_schedule.c.contract_key,
            revenue_schedule.c.obligation,
            revenue_schedule.c.month,
        )
    )
    return by_contract(
        rows.all(),
        lambda row: RevenuePlanRow(
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=row.month,
            amount=Money.of(row.amount, row.currency),
            treatment=row.treatment,
        ),
    )


async def recognised(
    connection: AsyncConnection, keys: Keys
) -> dict[str, tuple[RecognisedPart, ...]]:
    """What stands in the ledger or is on its way there: a reversed entry and its reversal come to
    nothing."""
    rows = await connection.execute(
        select(
            recognition_postings,
            recognition_documents.c.posting_date,
            recognition_documents.c.erp,
            recognition_documents.c.company,
            recognition_documents.c.entry,
            recognition_documents.c.state,
        )
        .join(recognition_documents)
        .where(
            recognition_postings.c.contract_key.in_(keys),
            recognition_documents.c.state != RecognitionState.REVERSED,
        )
        .order_by(recognition_documents.c.posting_date, recognition_postings.c.obligation)
    )
    return by_contract(
        rows.all(),
        lambda row: RecognisedPart(
            obligation=row.obligation,
            line_key=row.line_key,
            posting_date=row.posting_date,
            amount=Money.of(row.amount, row.currency),
            ledger_amount=Money.of(row.ledger_amount, row.ledger_currency),
            number=row.entry,
            is_posted=row.state == RecognitionState.POSTED,
            entry=Ref(
                system=System.ERP,
                account=f"{row.erp}.{row.company}",
                kind="journal_key",
                native_id=row.document_key,
            ),
        ),
    )


async def accepted(
    connection: AsyncConnection, keys: Keys
) -> dict[str, tuple[AcceptedService, ...]]:
    """Services that customers have accepted."""
    rows = await connection.execute(
        select(service_acceptances)
        .where(service_acceptances.c.contract_key.in_(keys))
        .order_by(service_acceptances.c.accepted_on, service_acceptances.c.obligation)
    )
    return by_contract(
        rows.all(),
        lambda row: AcceptedService(
            obligation=row.obligation,
            accepted_on=row.accepted_on,
            amount=Money.of(row.amount, row.currency),
        ),
    )


async def openings_of(connection: AsyncConnection, keys: Keys) -> dict[str, OpeningFigures]:
    """Figures that adopted contracts brought along."""
    rows = await connection.execute(
        select(adopted_openings).where(adopted_openings.c.contract_key.in_(keys))
    )
    return {
        row.contract_key: OpeningFigures(
            as_of=row.as_of,
            billed=Money.of(row.billed, row.currency),
            recognised=Money.of(row.recognised, row.currency),
            owed={bill: Money.of(amount, row.currency) for bill, amount in row.owed.items()},
        )
        for row in rows
    }


def planned(
    rows: tuple[RevenuePlanRow, ...], versions: tuple[AcceptedVersion, ...], as_of: date
) -> tuple[RevenuePlanRow, ...]:
    """The schedule; of a contract without end, with the periods that begin by a day."""
    present = versions[-1].contract
    if not is_without_end(present):
        return rows
    days = [day for one in versions[1:] for day in (one.effective_from, one.accepted_on) if day]
    return continued(rows, present, planned_until(present, max(days, default=None)), as_of)


def by_contract(rows: Iterable[Any], make: Callable[[Any], T]) -> dict[str, tuple[T, ...]]:
    """Rows made into values, by the contract that they are of."""
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(row.contract_key, []).append(make(row))
    return {key: tuple(values) for key, values in found.items()}
