"""The ledger in memory keeps the rules of the real one: same worked deals, same refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dealthread.domain.ledger import trial_balance_of
from dealthread.domain.ledger_export import to_hledger
from dealthread.outcome import Unknown
from dealthread.ports.erp import ErpPort
from tests.adapters.credit_rate_suite import CREDIT_RATES
from tests.adapters.posting_beside import BESIDE
from tests.adapters.posting_deals import DEALS, d1, d3, d5
from tests.adapters.posting_ledger import FIRST, LAST, UK, US, Ledger
from tests.adapters.posting_rules import RULES
from tests.adapters.rate_suite import RATES
from tests.adapters.taking_back_suite import TAKING_BACK
from tests.fakes.erp import FakeErp
from tests.fakes.world import Fault, World, settled
from tests.support import postings as p
from tests.support.hledger import HLEDGER, MISSING, judge
from tests.support.tryton import done


@pytest.mark.parametrize(
    "story",
    [*DEALS, *RULES, *BESIDE, *RATES, *CREDIT_RATES, *TAKING_BACK],
    ids=lambda story: str(story.__name__),
)
async def test_the_ledger_keeps(story: Callable[[Ledger], Awaitable[None]]) -> None:
    """Each act twice; the trial balance balances."""
    erp: ErpPort = FakeErp(World())
    await story(Ledger(erp))


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
async def test_a_lost_or_late_answer_leads_to_one_document(fault: Fault) -> None:
    """RS-02: Unknown, found, and the repeat makes no second one."""
    world = World()
    erp = FakeErp(world)
    command = p.journal(US, "2026-01-31", "USD", {"2300": "10.00"}, {"4000": "10.00"})
    world.plan("erp.post_journal", fault)
    assert isinstance(await erp.post_journal(command, idempotency_key="k"), Unknown)
    done(await erp.post_journal(command, idempotency_key="k"))
    await settled(world)
    assert await erp.find_document(US, command.document_key) is not None
    assert len(erp.ledger.entries) == 1


async def test_the_journals_make_the_trial_balance() -> None:
    """T11: what is exported sums to what the ledger says of each account."""
    erp = FakeErp(World())
    await d3(Ledger(erp))
    entries = await erp.journals(UK, FIRST, LAST)
    assert trial_balance_of(entries, "GBP") == await erp.trial_balance(UK, LAST)


@pytest.mark.skipif(not HLEDGER, reason=MISSING)
async def test_hledger_accepts_the_export(tmp_path: Path) -> None:
    """SN-1: a second reader of the books, which knows nothing of us."""
    erp = FakeErp(World())
    for story in (d1, d3, d5):
        await story(Ledger(erp))
    entries = [*await erp.journals(US, FIRST, LAST), *await erp.journals(UK, FIRST, LAST)]
    text = to_hledger(entries)
    assert await judge(text, tmp_path) == ""
    assert await judge(text.replace("15891.00 USD", "15891.01 USD", 1), tmp_path) != ""
