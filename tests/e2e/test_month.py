"""`make month` for thirty contracts: it closes to the cent, in whatever order the news comes."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.stack.postgres import Postgres
from dealthread.store.engine import create_engine
from tests.month.__main__ import live, report, temporal
from tests.month.books import Books
from tests.month.month import Month
from tests.month.plan import Fate

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.temporal,
    pytest.mark.postgres,
    pytest.mark.slow,
    # An asynchronous test is given up at half of this.
    pytest.mark.timeout(1800),
]
CONTRACTS, IN_ANOTHER_ORDER = 30, 5
"""What happens to the first ones is the same whatever the number."""


async def _lived(
    postgres: Postgres, migrated: str, contracts: int, shuffle: str
) -> tuple[Month, Books]:
    name = f"month{shuffle}"
    with postgres.connect() as session:
        session.execute(f"CREATE DATABASE {name} TEMPLATE {migrated} OWNER dealthread")
    url = postgres.url(name, "dealthread")
    engine: AsyncEngine = create_engine(url)
    try:
        async with temporal() as server:
            month, books = await live(server, engine, url, contracts, shuffle=shuffle)
    finally:
        await engine.dispose()
        postgres.drop_database(name)
    report(month, books)
    return month, books


async def test_thirty_contracts_close_to_the_cent_in_whatever_order_the_news_comes(
    postgres: Postgres, migrated: str
) -> None:
    """Invoices, payments, failed charges, credits, usage, changes, a pursuit by due date, a claim
    given up, disputes, payouts, a deal that nobody told of, faults at every system: the biller, the
    ledger, the store and the CRM agree, each company's month is closed by its identities; another
    order of events, the same end."""
    month, books = await _lived(postgres, migrated, CONTRACTS, "1")
    assert books.differences == []
    for what in ("deals won", "paid by transfer", "contracts amended", "credits by a person"):
        assert month.counts[what], what
    assert month.counts["charges that failed"]
    assert month.counts["… of them known already"]
    assert month.at_biller
    assert {one.fault for one in month.struck if one.met}
    assert {Fate(fate) for _, fate, _ in books.told} == set(Fate)
    assert set(month.closed.values()) == {"closed"}
    _, others = await _lived(postgres, migrated, IN_ANOTHER_ORDER, "2")
    assert others.differences == []
    assert others.state == books.state[:IN_ANOTHER_ORDER]
