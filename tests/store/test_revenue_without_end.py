"""Revenue of a contract without end in the store: what was planned, and what follows by rule."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.planning import revenue_after
from dealthread.config import load_config
from dealthread.domain.change_order import LineAction, LineOrder
from dealthread.domain.contracting import build_contract
from dealthread.domain.money import UnitPrice
from dealthread.domain.transaction import ChangeOutcome
from dealthread.domain.versions.amended import amended
from dealthread.hub import ContractVersionRecord, Effects
from dealthread.naming import contract_key
from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from tests.store.test_changes import context_of, wrote
from tests.support.change_orders import seats
from tests.support.deal_builder import CONFIG_DIR, D3_TODAY, d3
from tests.support.running_contract import running_contract

pytestmark = pytest.mark.postgres
IN_JUNE = date(2026, 6, 16)


async def test_three_periods_and_a_new_price_between_are_planned_to_the_cent(
    store: AsyncEngine,
) -> None:
    """D3 of facts/domain.md §9.6 sold from 2026-04-01 at 400.00 a month; 500.00 from 16 June on:
    400.00 for 15 of 30 days and 500.00 for 15. Nobody planned May and July."""
    deal, config = d3(), load_config(CONFIG_DIR)
    key = contract_key(deal.org, deal.deal_id)
    contract = await running_contract(store, build_contract(deal, config, D3_TODAY, key))
    contracts, changes = PostgresContracts(store), PostgresChanges(store)

    async def planned(through: date | None = None) -> list[tuple[int, str]]:
        rows = await contracts.schedule(contract.key, through)
        return [(row.month.month, str(row.amount.amount)) for row in rows]

    assert await planned() == [(4, "400.00")]
    assert await planned(IN_JUNE) == [(4, "400.00"), (5, "400.00"), (6, "400.00")]
    assert await contracts.planned_until(contract.key) == date(2026, 5, 1)

    price = LineOrder(
        action=LineAction.PRICE,
        line_key=seats(contract, 1, IN_JUNE).lines[0].line_key,
        unit_price=UnitPrice.of("500", "GBP"),
    )
    order = seats(contract, 1, IN_JUNE).model_copy(update={"lines": (price,)})
    await changes.record_order(order, "anna")
    after = amended(contract, order, config, IN_JUNE)
    rows = await revenue_after(contracts, changes, order.change_id, after, IN_JUNE, IN_JUNE, config)
    record = ContractVersionRecord(
        contract=after,
        change_id=order.change_id,
        effective_from=IN_JUNE,
        accepted_on=IN_JUNE,
        kind="amendment",
        schedule=rows,
    )
    context = context_of(contract, order.change_id)
    await wrote(store, context, Effects(version=record, outcome=ChangeOutcome.COMPLETED))
    assert await planned() == [(4, "400.00"), (5, "400.00"), (6, "450.00")]
    assert await planned(date(2026, 7, 1)) == [*await planned(), (7, "500.00")]
    assert await contracts.planned_until(contract.key) == date(2026, 7, 1)
