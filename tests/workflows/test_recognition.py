"""PF-17: what contracts owe of a month is posted once, whatever fails on the way (facts/domain.md
§9.7 to §9.9)."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.recognition_inputs import (
    RecognitionResult,
    RollForwardAnswer,
    RollForwardInput,
)
from dealthread.domain.case import DecisionKind
from dealthread.domain.events import EventType
from dealthread.domain.recognition.due import last_day
from dealthread.naming import WORKFLOW_QUEUE, recognition_key
from dealthread.store.recognition import PostgresRecognition
from dealthread.store.schema import outbox
from tests.fakes.world import Fault, settled
from tests.support.change_lab import on
from tests.support.recognition_lab import COMPANIES, begun
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, lab
from tests.support.worked_year import DE, UK, US, WorkedYear
from workflows.recognition_questions import DeferredRollForwardWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START = date(2026, 1, 31)
MONTHS = [date(2026, month, 1) for month in range(1, 13)]
# facts/domain.md §9.7: D1 seats, its onboarding, its amendment, D2, D3 platform, D4, D5 in GBP.
REVENUE = """
01 1061.64 0       0      0       0      0       0
02  958.90 2500.00 0      0       0      3313.97 0
03 1061.64 0       0      827.18  0      3669.04 0
04 1027.40 0       0      1459.73 400.00 3550.68 0
05 1061.64 0       0      1508.38 400.00 3669.04 0
06 1027.40 0       0      1459.73 0      3550.68 334.88
07 1061.64 0       458.63 1508.38 0      3669.04 346.04
08 1061.64 0       458.63 1508.38 0      3669.04 346.04
09 1027.40 0       443.84 1265.10 0      3550.68 334.88
10 1061.64 0       458.63 1131.29 0      3669.04 346.04
11 1027.40 0       443.84 1094.79 0      3550.68 334.88
12 1061.66 0       458.62 1131.29 0      3669.04 346.04
"""
SERVICE_UK = {date(2026, 7, 1): Decimal("2040.00")}
USAGE_UK = {date(2026, 4, 1): Decimal("1937.04")}


async def _run(it: Lab, seller: str, period: date, **more: object) -> RecognitionResult:
    return await (await begun(it, seller, period, **more)).result()


async def _roll_forward(it: Lab, seller: str, period: date):
    answer: RollForwardAnswer = await it.client.execute_workflow(
        DeferredRollForwardWorkflow.run,
        RollForwardInput(seller=seller, period=period, erp="tryton", company=COMPANIES[seller]),
        id=f"roll-forward:{seller}:{period}",
        task_queue=WORKFLOW_QUEUE,
    )
    assert answer.found is not None
    return answer.found


def _month(it: Lab, seller: str, period: date) -> dict[str, Decimal]:
    """Revenue accounts of a month as the ledger has them."""
    end = date(period.year + period.month // 12, period.month % 12 + 1, 1)
    found: dict[str, Decimal] = {}
    for entry in it.erp.ledger.journals(COMPANIES[seller], period, end):
        for line in entry.lines:
            if line.account.startswith("4"):
                found[line.account] = found.get(line.account, Decimal(0)) - line.signed.amount
    return {account: amount for account, amount in found.items() if amount}


def _deferred(it: Lab, seller: str) -> Decimal:
    return -_balance(it, seller, "2300")


def _balance(it: Lab, seller: str, account: str) -> Decimal:
    rows = it.erp.ledger.trial_balance(COMPANIES[seller], date(2100, 1, 1))
    return sum((row.balance.amount for row in rows if row.account == account), Decimal(0))


async def test_the_worked_deals_are_recognised_month_by_month_to_the_cent(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Each run twice; every month's deferred revenue ties to the trial balance."""
    table = [line.split() for line in REVENUE.split("\n") if line]
    async with lab(dev_server, engine, START) as it:
        year = WorkedYear(engine, it.erp).tell("d1", "d2", "d3", "d4", "d5")
        for period, row in zip(MONTHS, table, strict=True):
            on(it, last_day(period))
            await year.until(last_day(period))
            seats, onboarding, more, d2, d3, d4, d5 = map(Decimal, row[1:])
            expected = {
                US: {"4000": seats + more + d4, "4200": onboarding},
                DE: {"4000": d2},
                UK: {
                    "4000": d3 + d5,
                    "4100": USAGE_UK.get(period, Decimal(0)),
                    "4200": SERVICE_UK.get(period, Decimal(0)),
                },
            }
            for seller, accounts in expected.items():
                assert (await _run(it, seller, period)).outcome == "completed"
                entries = len(it.erp.ledger.entries)
                assert (await _run(it, seller, period)).entries == ()
                assert len(it.erp.ledger.entries) == entries
                wanted = {account: amount for account, amount in accounts.items() if amount}
                assert _month(it, seller, period) == wanted, (seller, period)
                told = await _roll_forward(it, seller, period)
                assert told.is_tied, (seller, period, told)
                assert told.recognised.amount == sum(wanted.values())
            # Use of a month stands as a receivable until the bill of the next one takes it.
            assert _balance(it, UK, "1150") == USAGE_UK.get(period, Decimal(0))
        # Position on 2026-12-31 (§9.9).
        assert {one: str(_deferred(it, one)) for one in COMPANIES} == {
            US: "3669.07",
            DE: "2664.00",
            UK: "5771.20",
        }
        (first, *_) = await PostgresRecognition(engine).posted(
            contract_key=year.contracts["d5"].key
        )
        (line,) = first.rows
        assert (str(line.amount), str(line.ledger_amount)) == ("393.98 EUR", "334.88 GBP")


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.tells(EventType.REVENUE_RECOGNISED, EventType.REVENUE_REVERSED)
async def test_a_transient_fault_posts_and_reverses_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: one entry and one opposite of it, however often the answer was lost."""
    async with lab(client, engine, START) as it:
        await WorkedYear(engine, it.erp).tell("d1").until(START)
        it.world.retry_after = it.world.retry_after / 100
        it.world.calls.clear()
        it.world.plan("erp.post_journal", fault)
        result = await _run(it, US, MONTHS[0])
        await settled(it.world)
        assert _month(it, US, MONTHS[0]) == {"4000": Decimal("1061.64")}
        it.world.heal()
        it.world.plan("erp.reverse_journal", fault)
        (entry,) = result.entries
        undone = await _run(it, US, MONTHS[0], reverses=(entry.document_key,), reason="wrong")
        await settled(it.world)
        assert undone.outcome == "reversed"
        assert _month(it, US, MONTHS[0]) == {}
        assert (await _roll_forward(it, US, MONTHS[0])).is_tied
        assert await _told(engine) == {"recognised": 1, "reversed": 1}
        (again,) = (await _run(it, US, MONTHS[0])).entries
        assert again.number == 2
        assert _month(it, US, MONTHS[0]) == {"4000": Decimal("1061.64")}


async def test_a_run_that_was_killed_is_finished_by_the_next_one(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """What it had planned and sent is found, not planned anew."""
    async with lab(dev_server, engine, START) as it:
        await WorkedYear(engine, it.erp).tell("d1").until(START)
        it.world.calls.clear()
        it.world.plan("erp.post_journal", Fault.LOST)
        it.world.plan("erp.find_document", Fault.REFUSED, times=0)
        handle = await begun(it, US, MONTHS[0])
        while not it.world.calls["erp.find_document"]:
            await _moment()
        await handle.terminate()
        it.world.heal()
        (entry,) = (await _run(it, US, MONTHS[0])).entries
        assert entry.number == 1
        assert it.world.calls["erp.post_journal"] == 0
        assert _month(it, US, MONTHS[0]) == {"4000": Decimal("1061.64")}


async def test_a_refused_entry_is_a_case_and_a_stopped_run_leaves_nothing(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, date(2026, 2, 28)) as it:
        await WorkedYear(engine, it.erp).tell("d1").until(date(2026, 2, 28))
        it.world.calls.clear()
        # Of February's two entries the first is posted, the second refused.
        it.erp.ledger.closed.add(MONTHS[0])
        it.world.plan("erp.post_journal", Fault.REJECTED, occurrence=2)
        handle = await begun(it, US, MONTHS[1])
        case = await it.case_of(recognition_key(US, MONTHS[1]))
        assert case.kind == "erp.rejected"
        await it.decide(case, DecisionKind.ABORT)
        assert (await handle.result()).outcome == "stopped"
        assert _month(it, US, MONTHS[1]) == {}
        assert await PostgresRecognition(engine).posted(seller=US) == ()


async def test_an_entry_of_a_closed_month_stands_and_its_reversal_is_given_up(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """What is closed is not changed; the entry counts as posted as before."""
    async with lab(dev_server, engine, START) as it:
        await WorkedYear(engine, it.erp).tell("d1").until(START)
        (entry,) = (await _run(it, US, MONTHS[0])).entries
        it.erp.ledger.closed.add(MONTHS[0])
        handle = await begun(it, US, MONTHS[0], reverses=(entry.document_key,), reason="wrong")
        case = await it.case_of(recognition_key(US, MONTHS[0]))
        assert case.kind == "erp.period_closed"
        await it.decide(case, DecisionKind.ABORT)
        assert (await handle.result()).outcome == "stopped"
        assert _month(it, US, MONTHS[0]) == {"4000": Decimal("1061.64")}
        assert len(await PostgresRecognition(engine).posted(seller=US)) == 1
        it.erp.ledger.closed.clear()
        undone = await _run(it, US, MONTHS[0], reverses=(entry.document_key,), reason="wrong")
        assert undone.outcome == "reversed"
        assert _month(it, US, MONTHS[0]) == {}


@pytest.mark.parametrize("lets_in", [True, False])
async def test_the_controller_decides_about_revenue_of_a_closed_month(
    dev_server: Client, engine: AsyncEngine, lets_in: bool
) -> None:
    """1,061.64 of January is not below 1,000.00; D4's part of nothing is."""
    async with lab(dev_server, engine, date(2026, 2, 28)) as it:
        await WorkedYear(engine, it.erp).tell("d1").until(date(2026, 2, 28))
        it.erp.ledger.closed.add(MONTHS[0])
        handle = await begun(it, US, MONTHS[1])
        case = await it.case_of(recognition_key(US, MONTHS[1]))
        assert (case.kind, str(case.money_at_risk)) == ("revenue.late", "1,061.64 USD")
        await it.decide(case, DecisionKind.APPROVE if lets_in else DecisionKind.REJECT)
        result = await handle.result()
        assert result.left_out_count == (0 if lets_in else 1)
        seats = Decimal("958.90") + (Decimal("1061.64") if lets_in else 0)
        assert _month(it, US, MONTHS[1]) == {"4000": seats, "4200": Decimal("2500.00")}


async def test_what_cannot_be_run_is_refused_by_name(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, START) as it:
        it.erp.ledger.closed.add(MONTHS[0])
        refused = [
            (await _run(it, seller, period)).refused
            for seller, period in ((US, MONTHS[1]), (US, MONTHS[0]), ("XX01", MONTHS[0]))
        ]
        assert refused == ["period_not_over", "period_closed", "legal_entity_unknown"]


async def _moment() -> None:
    await asyncio.sleep(0.02)


async def _told(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        kinds = (await connection.execute(select(outbox.c.type))).scalars().all()
    return {
        what: sum(kind == f"dealthread.revenue.{what}.v1" for kind in kinds)
        for what in ("recognised", "reversed")
    }
