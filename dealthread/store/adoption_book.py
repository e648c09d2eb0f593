"""What of a company's book is ours already, and how far a plan of adoption is, for
`store.adoption`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.adoption.book import OwnBook
from dealthread.domain.adoption.plan import AdoptionPlan, Proposal
from dealthread.domain.contract import ContractState
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind, PostedDocument
from dealthread.domain.recognition.rows import RecognitionState
from dealthread.domain.transaction import ChangeKind
from dealthread.hub import WriteState
from dealthread.hub_adoption import KeptPlan
from dealthread.store.schema import contracts, journal, runs
from dealthread.store.schema_adoption import adopted_openings, adoption_proposals
from dealthread.store.schema_recognition import recognition_documents, recognition_postings


async def own_book(connection: AsyncConnection, seller: str, currency: str, as_of: date) -> OwnBook:
    """Contracts of a company that are ours, or on their way, and what is deferred of them before a
    day."""
    rows = await connection.execute(
        select(contracts.c.contract_key, adopted_openings.c.as_of)
        .outerjoin(adopted_openings, adopted_openings.c.contract_key == contracts.c.contract_key)
        .where(contracts.c.seller == seller)
    )
    openings: dict[str, date | None] = {row.contract_key: row.as_of for row in rows}
    sold = await connection.execute(
        select(runs.c.contract_key).where(runs.c.kind == ChangeKind.QUOTE_TO_CASH).distinct()
    )
    billed = await _billed(connection, openings, currency, as_of)
    recognised = await _recognised(connection, seller, currency, as_of)
    opened = await _opened(connection, seller, currency, as_of)
    return OwnBook(
        contract_keys=frozenset((*openings, *sold.scalars())), deferred=billed - recognised + opened
    )


async def _billed(
    connection: AsyncConnection, openings: dict[str, date | None], currency: str, as_of: date
) -> Money:
    """Net of what we posted before a day. What an adopted contract was billed before it was ours
    is in its opening, whoever found the document again."""
    rows = await connection.execute(
        select(journal.c.contract_key, journal.c.result).where(
            journal.c.contract_key.in_(list(openings)),
            journal.c.step.in_(("erp.invoice", "erp.credit")),
            journal.c.state == WriteState.DONE,
            journal.c.result.is_not(None),
        )
    )
    found = Money.zero(currency)
    for row in rows:
        document = PostedDocument.model_validate_json(row.result)
        day, opening = document.posting_date, openings[row.contract_key]
        if day is None or day >= as_of or (opening is not None and day < opening):
            continue
        if document.currency == currency:
            sign = -1 if document.kind is DocumentKind.CREDIT_MEMO else 1
            found = found + Money.of(document.net.amount * sign, currency)
    return found


async def _recognised(
    connection: AsyncConnection, seller: str, currency: str, as_of: date
) -> Money:
    row = await connection.execute(
        select(func.coalesce(func.sum(recognition_postings.c.ledger_amount), 0))
        .join(recognition_documents)
        .where(
            recognition_documents.c.seller == seller,
            recognition_documents.c.state == RecognitionState.POSTED,
            recognition_documents.c.posting_date < as_of,
        )
    )
    return Money.of(row.scalar_one(), currency)


async def _opened(connection: AsyncConnection, seller: str, currency: str, as_of: date) -> Money:
    row = await connection.execute(
        select(func.coalesce(func.sum(adopted_openings.c.deferred), 0))
        .join(contracts, contracts.c.contract_key == adopted_openings.c.contract_key)
        .where(
            contracts.c.seller == seller,
            adopted_openings.c.as_of <= as_of,
            adopted_openings.c.currency == currency,
        )
    )
    return Money.of(row.scalar_one(), currency)


def adopted_proposal(contract_key: str) -> Select[tuple[Any]]:
    """The proposal that a contract was adopted by."""
    return (
        select(adoption_proposals.c.body)
        .join(
            adopted_openings,
            (adopted_openings.c.plan_id == adoption_proposals.c.plan_id)
            & (adopted_openings.c.contract_key == adoption_proposals.c.contract_key),
        )
        .where(adoption_proposals.c.contract_key == contract_key)
    )


async def progress_of(connection: AsyncConnection, plan_id: str) -> tuple[int, int]:
    """How many contracts of a plan are written, and how many of those are active since."""
    row = (
        await connection.execute(
            select(
                func.count().filter(adoption_proposals.c.written.is_(True)),
                func.count().filter(
                    adoption_proposals.c.written.is_(True),
                    contracts.c.state != ContractState.PENDING,
                ),
            )
            .select_from(adoption_proposals)
            .outerjoin(contracts, contracts.c.contract_key == adoption_proposals.c.contract_key)
            .where(adoption_proposals.c.plan_id == plan_id)
        )
    ).one()
    return int(row[0]), int(row[1])


async def proposals_of(connection: AsyncConnection, plan_id: str) -> tuple[Proposal, ...]:
    """By contract key."""
    rows = await connection.execute(
        select(adoption_proposals.c.body)
        .where(adoption_proposals.c.plan_id == plan_id)
        .order_by(adoption_proposals.c.contract_key)
    )
    return tuple(Proposal.model_validate(body) for body in rows.scalars())


def kept(row: Any, written: int, settled: int, proposals: Sequence[Proposal]) -> KeptPlan:
    """A row as a plan."""
    plan = AdoptionPlan.model_validate(row.body)
    return KeptPlan(
        plan_id=row.plan_id,
        digest=row.digest,
        state=row.state,
        won_from=row.won_from,
        contracts=row.contracts,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        approved_by=row.approved_by,
        plan=plan.model_copy(update={"proposals": tuple(proposals)}),
        written=written,
        settled=settled,
    )
