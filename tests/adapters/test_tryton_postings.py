"""The ledger's port on the real Tryton 8.2: worked deals and rules (SN-1, DM-10, T4 to T7)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dealthread.domain.ledger import trial_balance_of
from dealthread.domain.ledger_export import to_hledger
from dealthread.domain.party import BuyerSnapshot
from dealthread.ports.erp import ErpPort
from tests.adapters.posting_beside import BESIDE
from tests.adapters.posting_deals import DEALS
from tests.adapters.posting_ledger import DE, FIRST, LAST, UK, US, Ledger
from tests.adapters.posting_rules import RULES
from tests.adapters.rate_suite import RATES
from tests.adapters.taking_back_suite import TAKING_BACK
from tests.support import deals
from tests.support import postings as p
from tests.support.hledger import HLEDGER, MISSING, judge
from tests.support.tryton import set_rates

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from collections.abc import Awaitable, Callable

    from adapters.erp.tryton.rpc import TrytonRpc
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


@pytest.mark.parametrize(
    "story",
    [*DEALS, *RULES, *BESIDE, *RATES, *TAKING_BACK],
    ids=lambda story: str(story.__name__),
)
async def test_the_ledger_keeps(
    tryton_erp: ErpPort,
    tryton_server: RunningTryton,
    story: Callable[[Ledger], Awaitable[None]],
) -> None:
    """Each act twice, read back from Tryton; the trial balance balances."""
    await _rates(tryton_server)
    await story(Ledger(tryton_erp))


async def test_a_latecomer_says_the_rate_of_the_day_that_it_took(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """Tryton numbers by date: behind one of July an invoice of June is dated, and converted, as
    July's. The document says so."""
    await _rates(tryton_server)
    ledger, part = Ledger(tryton_erp), p.line("2300", "100.00", "DE-19", "19.00", "GBP")
    await p.onboard(tryton_erp, DE, p.PENNINE)
    for day, entered in (("2026-07-01", "2026-06-29"), ("2026-06-02", "2026-06-01")):
        given = await tryton_erp.exchange_rate(DE, "GBP", p.day(day))
        assert given is not None
        assert given.rate_date == p.day(entered)
        posted = await ledger.do(p.invoice(DE, p.PENNINE, day, part, rate=given))
        assert posted.rate is not None
        assert (posted.rate.rate_date, posted.issue_date) == (p.day("2026-06-29"), p.day(day))
        assert posted.rate.rate == Decimal("1.187648456057")
        # Line and tax, each by itself: 118.76 and 22.57.
        assert posted.open_ledger_amount == p.money("141.33", "EUR")


async def test_the_invoice_says_who_bought_whatever_the_customer_is_called_later(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """Read back from Tryton: the buyer of the biller's document, not the party's own name."""
    part = p.line("2300", "100.00", "DE-19", "19.00", "EUR")
    await p.onboard(tryton_erp, DE, deals.NORDWERK)
    bought = BuyerSnapshot(
        name="Nordwerk Maschinenbau vormals Beispiel GmbH",
        address=deals.NORDWERK.billing_address,
        tax_ids=deals.NORDWERK.tax_ids,
    )
    invoice = p.invoice(DE, deals.NORDWERK, "2026-07-02", part)
    posted = await Ledger(tryton_erp).do(invoice.model_copy(update={"buyer": bought}))
    (row,) = await tryton_rpc.search_read(
        "account.invoice",
        [["id", "=", int(posted.ref.native_id)]],
        ["comment"],
        context={"company": int(DE)},
    )
    assert row["comment"].splitlines()[-2:] == [
        "Buyer: Nordwerk Maschinenbau vormals Beispiel GmbH, Am Sandtorkai 2, 20457 Hamburg, DE",
        "Tax id: DE199999907 (eu_vat)",
    ]


async def _rates(server: RunningTryton) -> None:
    """D5's days; the unit of the table is entered once."""
    admin = server.installation.logins()["admin"]
    await set_rates(server.settings, admin, {"EUR": "1", "GBP": "0.85"}, "2026-06-01")
    await set_rates(server.settings, admin, {"GBP": "0.842"}, "2026-06-29")


@pytest.mark.parametrize(("company", "currency"), [(US, "USD"), (DE, "EUR"), (UK, "GBP")])
async def test_the_entries_make_the_trial_balance(
    tryton_erp: ErpPort, company: str, currency: str
) -> None:
    """T11: what is exported, whoever posted it, sums to Tryton's own figures of each account."""
    entries = await tryton_erp.journals(company, FIRST, LAST)
    assert entries
    assert trial_balance_of(entries, currency) == await tryton_erp.trial_balance(company, LAST)
    clearing = [row for row in await tryton_erp.trial_balance(company, LAST) if row.balance]
    assert "4900" not in {row.account for row in clearing}


@pytest.mark.skipif(not HLEDGER, reason=MISSING)
async def test_hledger_accepts_the_books(tryton_erp: ErpPort, tmp_path: Path) -> None:
    """SN-1: a second reader of all three companies' books."""
    entries = [one for c in (US, DE, UK) for one in await tryton_erp.journals(c, FIRST, LAST)]
    assert await judge(to_hledger(entries), tmp_path) == ""
