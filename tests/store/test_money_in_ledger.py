"""OB-09: what the money view says in the ledger's currency is what the ledger's accounts have."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.recognition import RecognitionActivities
from activities.recognition_inputs import PlanRecognition, PostRecognition
from activities.recognition_posting import RecognitionPostingActivities
from dealthread.domain.money import Money
from dealthread.domain.position.in_ledger import by_entity, in_ledger
from dealthread.domain.position.owners import SeenLedger, against_balances
from dealthread.domain.position.standing import standing_of
from dealthread.domain.recognition.due import last_day
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.naming import recognition_id, recognition_key
from dealthread.store.journal import PostgresJournal
from dealthread.store.money_reading import MoneyReading
from dealthread.store.recognition import PostgresRecognition
from tests.fakes.erp import FakeErp
from tests.fakes.world import World
from tests.support import postings as p
from tests.support.saga_lab import QUICK
from tests.support.worked_year import UK, WorkedYear
from tests.unit.versions.worked import config

pytestmark = pytest.mark.postgres


class _YearEnd:
    def now(self) -> datetime:
        return datetime(2026, 12, 31, 12, tzinfo=UTC)


async def test_the_accounts_of_a_company_that_sells_in_two_currencies_tie(
    engine: AsyncEngine,
) -> None:
    """D3 in pounds and D5 in euros, both of UK01, to the end of July: of D5 10,200.00 are billed,
    334.88, 346.04 and 2,040.00 recognised (facts/domain.md §9.7), and nothing is paid."""
    erp = FakeErp(World())
    for party in (p.PENNINE, p.LIFFEY):
        await p.onboard(erp, "3", party)
    year = WorkedYear(engine, erp, with_bills=True).tell("d3", "d5")
    store = PostgresRecognition(engine)
    erps = {"tryton": erp}
    plans = RecognitionActivities(erps, store, config, _YearEnd())
    posts = RecognitionPostingActivities(
        erps, Ensure(PostgresJournal(engine), QUICK), store, _YearEnd()
    )
    for month in (4, 5, 6, 7):
        period = date(2026, month, 1)
        await year.until(last_day(period))
        context = SagaContext(
            business_key=recognition_id(UK, period),
            generation=1,
            contract_key=recognition_key(UK, period),
            org="",
            deal_id="",
        )
        order = PlanRecognition(context=context, seller=UK, period=period)
        for entry in (await plans.plan(order)).entries:
            await posts.post(PostRecognition(context=context, document_key=entry.document_key))

    day = date(2026, 7, 31)
    facts = [one async for batch in MoneyReading(engine).facts(day, seller=UK) for one in batch]
    by_contract = {
        one.contract_key: in_ledger(one, standing_of(one, day, config()), "GBP")[0] for one in facts
    }
    d5 = by_contract[year.contracts["d5"].key]
    found = (d5.billed, d5.recognised, d5.deferred, d5.receivable)
    assert [str(one) for one in found] == [
        "10,200.00 GBP",
        "2,720.92 GBP",
        "7,479.08 GBP",
        "10,200.00 GBP",
    ]
    (entity,) = by_entity(by_contract.values())
    balances = await erp.trial_balance("3", date(2026, 8, 1))
    seen = SeenLedger(company="3", balances=balances)
    assert [one.cause for one in against_balances(entity, seen, 0)] == []
    cent = Money.of("0.01", "GBP")
    off = entity.model_copy(update={"deferred": entity.deferred + cent})
    (wrong,) = against_balances(off, seen, 0)
    assert (wrong.amount, wrong.document) == (-cent, "account 2300 of company 3")
