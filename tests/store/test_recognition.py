"""PF-17: what a company plans to recognise, what was taken of it, and what stands in the ledger."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.config import load_config
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import Deal
from dealthread.domain.money import Money
from dealthread.domain.recognition.due import owed
from dealthread.domain.recognition.rows import (
    RecognitionDocument,
    RecognitionState,
    month_after,
)
from dealthread.errors import Conflict
from dealthread.hub import RecognitionMark
from dealthread.hub_recognition import ServiceAcceptance
from dealthread.naming import contract_key, erp_document_key
from dealthread.store.recognition import PostgresRecognition, mark
from tests.support import deal_builder as build
from tests.support.running_contract import running_contract

pytestmark = pytest.mark.postgres
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


def _contract(deal: Deal, today: date, seller: str):
    made = build_contract(
        deal, load_config(build.CONFIG_DIR), today, contract_key(deal.org, deal.deal_id)
    )
    return made.model_copy(update={"seller": seller})


async def _document(
    store: PostgresRecognition, seller: str, period: date, number: int
) -> tuple[int, RecognitionDocument]:
    """What is owed of a month and before it, as one document."""
    found = await store.position(seller, period)
    taken = [row for one in found.documents for row in one.rows]
    rows = owed(found.planned, taken, month_after(period), "USD", {})
    return found.sequence, RecognitionDocument(
        document_key=erp_document_key("t", seller, "recognition", f"{period}", number),
        seller=seller,
        period=period,
        number=number,
        erp="tryton",
        company="1",
        posting_date=date(2026, period.month, 28),
        deferred_account="2300",
        currency="USD",
        ledger_currency="USD",
        rows=rows,
    )


async def _marked(engine: AsyncEngine, marked: RecognitionMark) -> None:
    async with engine.begin() as connection:
        await mark(connection, marked)


async def test_what_was_taken_of_a_plan_is_not_taken_again(engine: AsyncEngine) -> None:
    store = PostgresRecognition(engine)
    contract = await running_contract(engine, _contract(build.d1(), build.D1_TODAY, "S1"))
    sequence, first = await _document(store, "S1", JANUARY, 1)
    assert first.amount == Money.of("1061.64", "USD")
    await store.plan("S1", sequence, [first])
    with pytest.raises(Conflict):
        await store.plan("S1", sequence, [first.model_copy(update={"number": 2})])
    assert (await _document(store, "S1", JANUARY, 2))[1].rows == ()
    assert await store.posted(seller="S1") == ()
    await _marked(engine, RecognitionMark(first.document_key, RecognitionState.POSTED, "E-1"))
    (stands,) = await store.posted(contract_key=contract.key)
    assert (stands.entry, stands.rows) == ("E-1", first.rows)
    assert await store.posted(seller="S1", until=date(2026, 1, 28)) == ()
    gone = RecognitionMark(first.document_key, RecognitionState.REVERSED, reversal_key="DT" * 8)
    await _marked(engine, gone)
    assert await store.posted(seller="S1") == ()
    assert (await _document(store, "S1", JANUARY, 2))[1].rows == first.rows


async def test_a_service_has_a_month_once_it_is_accepted(engine: AsyncEngine) -> None:
    store = PostgresRecognition(engine)
    contract = await running_contract(engine, _contract(build.d1(), build.D1_TODAY, "S2"))
    service = contract.lines[1]
    acceptance = ServiceAcceptance(
        contract_key=contract.key,
        version=1,
        obligation=service.line_key,
        line_key=service.line_key,
        account=service.revenue_account,
        amount=Money.of("2500.00", "USD"),
        accepted_on=date(2026, 2, 13),
        evidence="signed form 17",
        actor="anna",
    )
    assert await store.accept_service(acceptance)
    assert not await store.accept_service(acceptance)
    with pytest.raises(Conflict):
        await store.accept_service(dataclasses.replace(acceptance, accepted_on=date(2026, 2, 14)))
    _, document = await _document(store, "S2", FEBRUARY, 1)
    assert {(row.account, str(row.amount)) for row in document.rows if row.month == FEBRUARY} == {
        ("4000", "958.90 USD"),
        ("4200", "2,500.00 USD"),
    }


async def test_a_contract_without_end_is_planned_up_to_the_month_asked_for(
    engine: AsyncEngine,
) -> None:
    await running_contract(engine, _contract(build.d3(), build.D3_TODAY, "S3"))
    found = await PostgresRecognition(engine).position("S3", date(2026, 6, 30))
    assert [(row.month.month, str(row.amount)) for row in found.planned] == [
        (4, "400.00 GBP"),
        (5, "400.00 GBP"),
        (6, "400.00 GBP"),
    ]
