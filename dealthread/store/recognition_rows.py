"""Rows of recognised revenue as tables hold them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.deal import TermKind
from dealthread.domain.money import Money
from dealthread.domain.recognition.rows import (
    PlannedRevenue,
    RecognisedRevenue,
    RecognitionDocument,
    RecognitionState,
    first_of,
)
from dealthread.store.schema import contract_versions, contracts, revenue_schedule
from dealthread.store.schema_recognition import (
    recognition_documents,
    recognition_postings,
    service_acceptances,
)
from dealthread.store.versions import planned_revenue

_Keys = Select[tuple[Any]]
_VERSION = contracts.c.body["version"].astext
_ENDLESS = contracts.c.body["term_kind"].astext == TermKind.EVERGREEN.value


async def scheduled_revenue(connection: AsyncConnection, keys: _Keys) -> tuple[PlannedRevenue, ...]:
    """The schedules of contracts with a term, each as its latest version plans it."""
    latest = (
        select(contract_versions.c.contract_key, func.max(contract_versions.c.number).label("at"))
        .join(contracts, contracts.c.contract_key == contract_versions.c.contract_key)
        .where(contract_versions.c.contract_key.in_(keys), ~_ENDLESS)
        .group_by(contract_versions.c.contract_key)
        .subquery()
    )
    rows = await connection.execute(
        select(revenue_schedule).join(
            latest,
            (revenue_schedule.c.contract_key == latest.c.contract_key)
            & (revenue_schedule.c.version == latest.c.at),
        )
    )
    return tuple(
        PlannedRevenue(
            contract_key=row.contract_key,
            version=row.version,
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=row.month,
            amount=Money.of(row.amount, row.currency),
            treatment=row.treatment,
        )
        for row in rows
    )


async def accepted_revenue(connection: AsyncConnection, keys: _Keys) -> tuple[PlannedRevenue, ...]:
    """Services that customers have accepted, in the month in which they did."""
    rows = await connection.execute(
        select(service_acceptances).where(service_acceptances.c.contract_key.in_(keys))
    )
    return tuple(
        PlannedRevenue(
            contract_key=row.contract_key,
            version=row.version,
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=first_of(row.accepted_on),
            amount=Money.of(row.amount, row.currency),
            treatment="on_acceptance",
            recognised_on=row.accepted_on,
        )
        for row in rows
    )


async def revenue_without_end(
    connection: AsyncConnection, keys: _Keys, through: date
) -> tuple[PlannedRevenue, ...]:
    """The plans of contracts that were sold without end, with the billing periods that begin by a
    day (docs/adr/0014)."""
    endless = select(contracts.c.contract_key, _VERSION).where(
        contracts.c.contract_key.in_(keys), _ENDLESS
    )
    found = []
    for contract_key, version in (await connection.execute(endless)).all():
        found += [
            PlannedRevenue(
                contract_key=contract_key,
                version=int(version),
                obligation=row.obligation,
                line_key=row.line_key,
                account=row.account,
                month=row.month,
                amount=row.amount,
                treatment=row.treatment,
            )
            for row in await planned_revenue(connection, contract_key, through)
        ]
    return tuple(found)


async def documents_of(
    connection: AsyncConnection, *where: ColumnElement[bool], contract_key: str = ""
) -> tuple[RecognitionDocument, ...]:
    """Documents with their rows, by period and number; of a contract those that it has a part in,
    with its rows alone."""
    heads = list(
        await connection.execute(
            select(recognition_documents)
            .where(*where)
            .order_by(
                recognition_documents.c.seller,
                recognition_documents.c.period,
                recognition_documents.c.number,
            )
        )
    )
    query = (
        select(recognition_postings)
        .join(recognition_documents)
        .where(*where)
        .order_by(
            recognition_postings.c.contract_key,
            recognition_postings.c.obligation,
            recognition_postings.c.month,
        )
    )
    if contract_key:
        query = query.where(recognition_postings.c.contract_key == contract_key)
    rows: dict[str, list[RecognisedRevenue]] = {}
    for row in await connection.execute(query):
        rows.setdefault(row.document_key, []).append(
            RecognisedRevenue(
                contract_key=row.contract_key,
                version=row.version,
                obligation=row.obligation,
                line_key=row.line_key,
                account=row.account,
                month=row.month,
                amount=Money.of(row.amount, row.currency),
                ledger_amount=Money.of(row.ledger_amount, row.ledger_currency),
                rate=row.rate,
                treatment=row.treatment,
            )
        )
    return tuple(
        RecognitionDocument(
            document_key=row.document_key,
            seller=row.seller,
            period=row.period,
            number=row.number,
            erp=row.erp,
            company=row.company,
            posting_date=row.posting_date,
            deferred_account=row.deferred_account,
            currency=row.currency,
            ledger_currency=row.ledger_currency,
            state=RecognitionState(row.state),
            entry=row.entry,
            requested_by=row.requested_by,
            rows=tuple(rows.get(row.document_key, ())),
        )
        for row in heads
        if not contract_key or row.document_key in rows
    )


def written(document_key: str, row: RecognisedRevenue) -> dict[str, object]:
    """A row as the table takes it."""
    return {
        "document_key": document_key,
        "contract_key": row.contract_key,
        "obligation": row.obligation,
        "account": row.account,
        "month": row.month,
        "version": row.version,
        "line_key": row.line_key,
        "amount": row.amount.amount,
        "currency": row.amount.currency,
        "ledger_amount": row.ledger_amount.amount,
        "ledger_currency": row.ledger_amount.currency,
        "rate": row.rate,
        "treatment": row.treatment,
    }
