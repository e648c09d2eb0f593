"""The ledger's port on the real Tryton 8.2: worked deals and rules (SN-1, DM-10, T4 to T7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dealthread.ports import ErpPort
from tests.adapters.posting_suite import DEALS, RULES, Ledger
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
