"""PF-13, SN-10: use that the biller is not known to have has one case while it lasts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.usage_taking import take_in
from dealthread.config import load_config
from dealthread.domain.case import CaseState
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.service_level import Level
from dealthread.naming import contract_key
from dealthread.store.late_usage import PAGED_BY, sums_that_wait, use_without_sum
from dealthread.store.usage import PostgresUsage
from dealthread.store.usage_sending import PostgresUsageSending
from tests.fakes.world import World
from tests.store.query_plans import plan_when_grown
from tests.store.test_service_levels import Hands
from tests.support import deal_builder as build
from tests.support.running_contract import running_contract
from tests.support.worked_year import usage_event

pytestmark = pytest.mark.postgres


@pytest.fixture
def hands(store: AsyncEngine) -> Hands:
    return Hands(store, World(), datetime.now(UTC))


async def _contract(hands: Hands) -> Contract:
    """D3, signed as of today."""
    deal, config = build.d3(), load_config(build.CONFIG_DIR)
    made = build_contract(deal, config, build.D3_TODAY, contract_key(deal.org, deal.deal_id))
    return await running_contract(hands.engine, made)


async def _use(hands: Hands, contract: Contract, event_id: str, calls: int) -> None:
    noon = datetime(2026, 4, 15, 12, tzinfo=UTC)
    event = usage_event(contract, event_id, noon, calls)
    policy = load_config(build.CONFIG_DIR).policy
    (answer,) = await take_in(PostgresUsage(hands.engine), [event], noon, policy)
    assert answer.taken is not None


async def _usage_cases(hands: Hands) -> list[dict[str, str]]:
    """Evidence of the open cases of usage; others are of the deal's own invoice."""
    found = await hands.cases.listing(CaseState.OPEN, "billing", 10)
    return [one.evidence for one in found if one.step == Level.USAGE_COUNTED]


async def _plan(hands: Hands, contract: Contract) -> str:
    """The key of the sum that is made now."""
    sending = PostgresUsageSending(hands.engine)
    long_ago = datetime(2026, 3, 1, tzinfo=UTC)
    assert await sending.plan(contract.billing_account, 0, 10, long_ago) == 1
    (batch,) = await sending.due(contract.billing_account, 10)
    return batch.report.batch_key


async def test_use_that_nobody_sends_is_named_until_the_biller_has_it(hands: Hands) -> None:
    """First no sum is made of it at all, then the biller refuses the sum, then takes it."""
    contract = await _contract(hands)
    await _use(hands, contract, "1", 500)
    await hands.after(3.9)
    assert await _usage_cases(hands) == []
    await hands.after(0.2)
    (told,) = await _usage_cases(hands)
    assert (told["meter"], told["not_counted"]) == ("api_calls", "500")
    assert told["period"] == "2026-04-01"
    assert f"dealthread usage send {contract.billing_account}" in told["next_step"]

    sending = PostgresUsageSending(hands.engine)
    key = await _plan(hands, contract)
    await sending.not_sent(key, "customer_not_found", 60)
    await hands.after(0)
    assert len(await _usage_cases(hands)) == 1
    await sending.sent(key)
    await hands.after(0)
    assert await _usage_cases(hands) == []


async def test_a_sum_that_the_biller_refuses_is_named_with_its_reason(hands: Hands) -> None:
    """A line that is used and sent all day long is not late."""
    contract = await _contract(hands)
    sending = PostgresUsageSending(hands.engine)
    await _use(hands, contract, "1", 500)
    await sending.sent(await _plan(hands, contract))
    await _use(hands, contract, "2", 12)
    key = await _plan(hands, contract)
    await sending.not_sent(key, "customer_not_found", 60)
    await _use(hands, contract, "3", 30)
    await hands.after(3.9)
    assert await _usage_cases(hands) == []
    await hands.after(0.2)
    (told,) = await _usage_cases(hands)
    assert (told["refusal"], Decimal(told["not_counted"])) == ("customer_not_found", 42)
    await sending.sent(key)
    last = await _plan(hands, contract)
    await sending.sent(last)
    await hands.after(timedelta(days=9) / timedelta(hours=1))
    assert await _usage_cases(hands) == []


@pytest.mark.parametrize(
    ("look", "index"),
    [
        (sums_that_wait, "ix_usage_batches_planned"),
        (use_without_sum, "ix_usage_periods_unsent"),
    ],
)
async def test_a_look_starts_from_what_is_on_its_way(
    store: AsyncEngine, look: Callable[[datetime], Select[Any]], index: str
) -> None:
    """However much was ever used: by the partial indexes, nothing is read through."""
    plan = await plan_when_grown(store, look(datetime(2026, 1, 1, tzinfo=UTC)), PAGED_BY)
    assert index in plan, plan
    for table in ("usage_periods", "usage_batches"):
        assert f"Seq Scan on {table}" not in plan, plan
