"""Recognised revenue in PostgreSQL (`hub.Recognition`): what is planned, taken and posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.contract import ContractState
from dealthread.domain.events import BusinessEvent
from dealthread.domain.position.facts import OUT_OF_SUMMARY, SINGLE_INVOICE
from dealthread.domain.posted import PostedDocument
from dealthread.domain.recognition.rows import (
    RecognitionDocument,
    RecognitionState,
)
from dealthread.errors import Conflict, NotFound
from dealthread.hub import RecognitionMark, WriteState
from dealthread.hub_recognition import RecognitionPosition, ServiceAcceptance
from dealthread.store.credited_revenue import credited_revenue
from dealthread.store.outbox import publish
from dealthread.store.recognition_rows import (
    accepted_revenue,
    documents_of,
    revenue_without_end,
    scheduled_revenue,
    written,
)
from dealthread.store.schema import contracts, journal
from dealthread.store.schema_recognition import (
    recognition_documents,
    recognition_postings,
    service_acceptances,
)
from dealthread.store.usage_reading import used_revenue

_LIVE = (ContractState.ACTIVE.value, ContractState.ENDED.value)


class PostgresRecognition:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def position(self, seller: str, through: date) -> RecognitionPosition:
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            known = select(contracts.c.contract_key).where(
                contracts.c.seller == seller, contracts.c.state.in_(_LIVE)
            )
            planned = (
                *await scheduled_revenue(connection, known),
                *await revenue_without_end(connection, known, through),
                *await accepted_revenue(connection, known),
                *await used_revenue(connection, known, through),
            )
            return RecognitionPosition(
                sequence=await _sequence(connection, seller),
                planned=(*planned, *await credited_revenue(connection, known, planned)),
                documents=await documents_of(
                    connection,
                    recognition_documents.c.seller == seller,
                    recognition_documents.c.state != RecognitionState.REVERSED,
                ),
            )

    async def plan(
        self, seller: str, sequence: int, documents: Sequence[RecognitionDocument]
    ) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:what))"),
                {"what": f"recognition:{seller}"},
            )
            if await _sequence(connection, seller) != sequence:
                raise Conflict("recognised_meanwhile")
            for document in documents:
                await connection.execute(insert(recognition_documents).values(**_head(document)))
                await connection.execute(
                    insert(recognition_postings),
                    [written(document.document_key, row) for row in document.rows],
                )

    async def document(self, document_key: str) -> RecognitionDocument:
        async with self._engine.connect() as connection:
            found = await documents_of(
                connection, recognition_documents.c.document_key == document_key
            )
        if not found:
            raise NotFound("recognition_document_not_found", id=document_key)
        return found[0]

    async def of_period(self, seller: str, period: date) -> tuple[RecognitionDocument, ...]:
        async with self._engine.connect() as connection:
            return await documents_of(
                connection,
                recognition_documents.c.seller == seller,
                recognition_documents.c.period == period,
            )

    async def posted(
        self, *, seller: str = "", contract_key: str = "", until: date | None = None
    ) -> tuple[RecognitionDocument, ...]:
        """What stands in the ledger: reversed documents and their reversals come to nothing and
        are left out. `until`: posted before that day; of a contract, its rows alone."""
        where = [recognition_documents.c.state == RecognitionState.POSTED]
        if seller:
            where.append(recognition_documents.c.seller == seller)
        if until is not None:
            where.append(recognition_documents.c.posting_date < until)
        async with self._engine.connect() as connection:
            return await documents_of(connection, *where, contract_key=contract_key)

    async def withdraw(self, seller: str, period: date, document_key: str = "") -> None:
        where = [
            recognition_documents.c.seller == seller,
            recognition_documents.c.period == period,
            recognition_documents.c.state == RecognitionState.PLANNED,
        ]
        if document_key:
            where.append(recognition_documents.c.document_key == document_key)
        async with self._engine.begin() as connection:
            await connection.execute(
                update(recognition_documents)
                .where(*where)
                .values(state=RecognitionState.REVERSED, reversed_at=func.now())
            )

    async def reversals(self, seller: str) -> frozenset[str]:
        columns = recognition_documents.c
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(columns.document_key, columns.reversal_key).where(
                    columns.seller == seller, columns.reversal_key != ""
                )
            )
            return frozenset(key for row in rows for key in row)

    async def accept_service(
        self, acceptance: ServiceAcceptance, events: tuple[BusinessEvent, ...] = ()
    ) -> bool:
        async with self._engine.begin() as connection:
            values = {
                "contract_key": acceptance.contract_key,
                "obligation": acceptance.obligation,
                "version": acceptance.version,
                "line_key": acceptance.line_key,
                "account": acceptance.account,
                "amount": acceptance.amount.amount,
                "currency": acceptance.amount.currency,
                "accepted_on": acceptance.accepted_on,
                "evidence": acceptance.evidence,
                "actor": acceptance.actor,
            }
            made = await connection.execute(
                insert(service_acceptances)
                .values(**values)
                .on_conflict_do_nothing()
                .returning(service_acceptances.c.accepted_on)
            )
            if made.first() is not None:
                for event in events:
                    await publish(connection, event)
                return True
            known = await connection.execute(
                select(service_acceptances.c.accepted_on).where(
                    service_acceptances.c.contract_key == acceptance.contract_key,
                    service_acceptances.c.obligation == acceptance.obligation,
                )
            )
            if known.scalar_one() != acceptance.accepted_on:
                raise Conflict("accepted_on_another_day")
            return False

    async def posted_bills(
        self, erp: str, company: str, contract_key: str = ""
    ) -> tuple[PostedDocument, ...]:
        query = select(journal.c.result).where(
            journal.c.step.in_(_BILLED),
            journal.c.account == f"{erp}.{company}",
            journal.c.state == WriteState.DONE,
            journal.c.result != "",
        )
        if contract_key:
            query = query.where(journal.c.contract_key == contract_key)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(journal.c.finished_at))).scalars()
            return tuple(PostedDocument.model_validate_json(row) for row in rows)


_BILLED = (
    "erp.invoice",
    "erp.credit",
    "erp.takeback",
    "erp.void",
    OUT_OF_SUMMARY,
    SINGLE_INVOICE,
)


async def mark(connection: AsyncConnection, marked: RecognitionMark) -> None:
    """A document is posted, or reversed, in the caller's transaction."""
    values: dict[str, Any] = {"state": marked.state}
    if marked.state is RecognitionState.POSTED:
        values |= {"entry": marked.entry, "posted_at": func.now()}
    else:
        values |= {"reversal_key": marked.reversal_key, "reversed_at": func.now()}
    await connection.execute(
        update(recognition_documents)
        .where(recognition_documents.c.document_key == marked.document_key)
        .values(**values)
    )


async def _sequence(connection: AsyncConnection, seller: str) -> int:
    """Rises with every document that is planned and every one that is reversed."""
    reversed_ = recognition_documents.c.state == RecognitionState.REVERSED
    made, undone = (
        await connection.execute(
            select(
                func.count().label("made"), func.count().filter(reversed_).label("undone")
            ).where(recognition_documents.c.seller == seller)
        )
    ).one()
    return int(made) + int(undone)


def _head(document: RecognitionDocument) -> dict[str, object]:
    return {
        "document_key": document.document_key,
        "seller": document.seller,
        "period": document.period,
        "number": document.number,
        "erp": document.erp,
        "company": document.company,
        "posting_date": document.posting_date,
        "deferred_account": document.deferred_account,
        "amount": document.amount.amount,
        "currency": document.currency,
        "ledger_amount": document.ledger_amount.amount,
        "ledger_currency": document.ledger_currency,
        "state": document.state,
        "requested_by": document.requested_by,
    }
