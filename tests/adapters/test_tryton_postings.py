"""The ledger's port on the real Tryton 8.2: worked deals and rules (SN-1, DM-10, T4 to T7)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dealthread.domain.ledger import trial_balance_of
from dealthread.domain.ledger_export import to_hledger
from dealthread.ports.erp import ErpPort
from tests.adapters.posting_suite import DE, DEALS, FIRST, LAST, RULES, UK, US, Ledger
from tests.support.hledger import HLEDGER, judge
from tests.support.tryton import set_rates

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from collections.abc import Awaitable, Callable

    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


@pytest.mark.parametrize("story", [*DEALS, *RULES], ids=lambda story: str(story.__name__))
async def test_the_ledger_keeps(
    tryton_erp: ErpPort,
    tryton_server: RunningTryton,
    story: Callable[[Ledger], Awaitable[None]],
) -> None:
    """Each act twice, read back from Tryton; the trial balance balances."""
    await set_rates(
        tryton_server.settings,
        tryton_server.installation.logins()["admin"],
        {"EUR": "1", "GBP": "0.85"},
        "2026-06-01",
    )
    await story(Ledger(tryton_erp))


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


@pytest.mark.skipif(not HLEDGER, reason="hledger is not installed")
async def test_hledger_accepts_the_books(tryton_erp: ErpPort, tmp_path: Path) -> None:
    """SN-1: a second reader of all three companies' books."""
    entries = [one for c in (US, DE, UK) for one in await tryton_erp.journals(c, FIRST, LAST)]
    assert await judge(to_hledger(entries), tmp_path) == ""
