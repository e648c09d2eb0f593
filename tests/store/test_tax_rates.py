"""Which running contracts a rate that changes concerns, by what stands in the store (PF-18)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.contract import Contract
from dealthread.domain.tax.of_day import RateChange
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.naming import contract_key, tax_rate_id
from dealthread.store.runs import Runs
from dealthread.store.tax_rates import PostgresTaxRates
from tests.support.deal_builder import d1
from tests.support.running_contract import running_contract, worked_contract
from tests.support.saga_lab import fresh

pytestmark = pytest.mark.postgres

CODE = "US-TX-SAAS"
JUNE, SEPTEMBER = date(2025, 6, 1), date(2026, 9, 1)


def change(day: date, before: str, code: str = CODE) -> RateChange:
    return RateChange(seller="US01", code=code, valid_from=day, before=Decimal(before))


async def running(store: AsyncEngine) -> Contract:
    """D1 runs from 2026-01-01 and stands at 6.6 %."""
    deal = fresh(d1())
    contract = worked_contract(deal.org, deal.deal_id)
    assert contract.start_date == date(2026, 1, 1)
    return await running_contract(
        store, contract.model_copy(update={"key": contract_key(deal.org, deal.deal_id)})
    )


async def asked(store: AsyncEngine, contract: Contract, of: RateChange) -> bool:
    found = await PostgresTaxRates(store).concerned(of, 100)
    return contract.key in {one.contract_key for one in found}


async def told(store: AsyncEngine, contract: Contract, of: RateChange) -> None:
    request = ChangeRequest(
        change_id=tax_rate_id(contract.key, of.code, of.valid_from),
        kind=ChangeKind.TAX_RATE,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="calendar",
    )
    await Runs(store).claim(request, contract.key)


async def test_what_ran_before_the_day_is_asked_whatever_rate_stands_and_once(
    store: AsyncEngine,
) -> None:
    """One that was taken over from another book was billed at 7 % already."""
    contract = await running(store)
    autumn = change(SEPTEMBER, "7")
    assert await asked(store, contract, autumn)
    assert not await asked(store, contract, change(SEPTEMBER, "7", code="US-TX-SAA"))
    await told(store, contract, autumn)
    assert not await asked(store, contract, autumn)


async def test_what_began_after_the_day_is_asked_where_it_stands_at_the_rate_of_before(
    store: AsyncEngine,
) -> None:
    contract = await running(store)
    assert await asked(store, contract, change(JUNE, "6.6"))
    assert not await asked(store, contract, change(JUNE, "7"))


async def test_what_an_earlier_change_reached_is_asked_again_before_it_has_begun(
    store: AsyncEngine,
) -> None:
    contract, other = await running(store), await running(store)
    summer, autumn = change(JUNE, "6.6"), change(date(2025, 9, 1), "7")
    for one in (contract, other):
        assert not await asked(store, one, autumn)
    await told(store, other, change(JUNE, "0", code="US-TX-SVC0"))
    await told(store, contract, summer)
    assert await asked(store, contract, autumn)
    assert not await asked(store, other, autumn)
