"""PF-09, PF-13, PF-17: a person's credit on a line of use. What was billed beyond what was counted
was never revenue: to credit it takes none. What is given beyond that is (D3: 612,345 calls are
worth 1,937.04)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.money import Money
from dealthread.domain.recognition.due import last_day
from dealthread.store.closing import PostgresClosing
from dealthread.store.recognition import PostgresRecognition
from tests.support.change_lab import on
from tests.support.closing_lab import closed
from tests.support.invoice_lab import balances, standing
from tests.support.saga_lab import lab
from tests.support.worked_year import UK, WorkedYear

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


@pytest.mark.parametrize(
    ("billed", "tax", "credited", "credited_tax", "revenue"),
    [
        ("1940.04", "388.01", "3.00", "0.60", "1937.04"),
        ("1937.04", "387.41", "50.00", "10.00", "1887.04"),
        ("1940.04", "388.01", "53.00", "10.60", "1887.04"),
    ],
    ids=["too_much", "goodwill", "both"],
)
async def test_a_credit_of_use_takes_what_was_recognised_and_no_more(
    dev_server: Client,
    engine: AsyncEngine,
    billed: str,
    tax: str,
    credited: str,
    credited_tax: str,
    revenue: str,
) -> None:
    """Both months close, nothing is left unbilled, and nothing is deferred."""
    async with lab(dev_server, engine, last_day(APRIL)) as it:
        year = WorkedYear(engine, it.erp, with_bills=True)
        year.credit_of_use(billed, tax, credited, credited_tax)
        for month in (APRIL, MAY):
            on(it, last_day(month))
            await year.until(last_day(month))
            assert (await closed(it, UK, month)).outcome == "closed"
        found = await PostgresClosing(engine).evidence(UK, MAY)
        assert found is not None
        assert [one for one in found[1].answers if not one.is_tied] == []
        assert found[1].unbilled == ()
        contract = year.contracts["d3"]
        documents = await PostgresRecognition(engine).posted(contract_key=contract.key)
        calls = [
            row.amount for document in documents for row in document.rows if row.line_key == "L2"
        ]
        assert Money.total(calls, "GBP").amount == Decimal(revenue)
        position = (await standing(it, contract, last_day(MAY))).position
        assert (position.unbilled_usage.amount, position.deferred.amount) == (0, 0)
        kept = balances(it, contract.erp_company)
        assert (kept.get("1150"), kept.get("2300")) == (None, None)
