"""`dealthread usage`: use by period, a bill's line down to its events, refusals in a line."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.usage_taking import take_in
from dealthread.config import load_config
from dealthread.domain.contracting import build_contract
from dealthread.naming import contract_key
from dealthread.stack.info import StackInfo
from dealthread.store.bills import PostgresBills
from dealthread.store.usage import PostgresUsage
from tests.cli.conftest import Run
from tests.support.deal_builder import CONFIG_DIR, D3_TODAY, d3
from tests.support.running_contract import running_contract
from tests.support.worked_year import usage_event
from tests.unit.position.worked import bill

pytestmark = pytest.mark.postgres
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def business_date() -> date:
    """Within the contract's term, whatever this machine's date is."""
    return MAY


async def test_use_is_shown_and_a_bill_is_traced_to_its_events(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    """D3's April: 612,345 calls in two events, 1,937.04; a bill of another sum is code 1."""
    config, deal = load_config(CONFIG_DIR), d3()
    key = contract_key(deal.org, deal.deal_id)
    contract = await running_contract(engine, build_contract(deal, config, D3_TODAY, key))
    noon = datetime(2026, 4, 15, 12, tzinfo=UTC)
    events = [usage_event(contract, f"e{n}", noon, n) for n in (500_000, 112_345)]
    answers = await take_in(PostgresUsage(engine), events, noon, config.policy)
    assert [one.refusal for one in answers] == [None, None]
    for number, amount in (("UK-1", "1,937.04"), ("UK-2", "1,937.05")):
        made = bill(contract, number, MAY, [("L1", "400.00", "80.00"), ("L2", amount, "387.41")])
        lines = tuple(
            one.model_copy(update={"period_start": APRIL, "period_end": MAY}) for one in made.lines
        )
        await PostgresBills(engine).seen(made.model_copy(update={"lines": lines}), noon)

    shown = run("usage", "show", contract.key)
    assert shown.code == 0, shown.err
    for words in ("L2", "api_calls", "612345 call", "100000", "1,937.04 GBP", "2026-05-01"):
        assert words in shown.out
    traced = run("usage", "trace", "UK-1", "--limit", "1")
    assert traced.code == 0, traced.err
    assert "1,937.04 GBP in 1 lines of the bill, 612345 in 2 events" in traced.out
    assert "112345" in traced.out
    assert '--after "urn:gateway e112345"' in traced.out
    more = run("usage", "trace", "UK-1", "L2", "--after", "urn:gateway e112345")
    assert "500000" in more.out
    assert "urn:gateway e112345" not in more.out
    other = run("usage", "trace", "UK-2")
    assert (other.code, "worth another sum" in other.out) == (1, True)
    for words, named in (
        (("show", "C-NONE"), "contract not found"),
        (("trace", "XX-1"), "invoice not found"),
        (("trace", "UK-1", "L1"), "lines of usage: L2"),
        (("send", "acct_nowhere"), "acct_alder_uk"),
    ):
        assert named in run("usage", *words).error
