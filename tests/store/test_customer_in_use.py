"""An undo leaves the ERP's record of a customer in use while anything else is served through it."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.erp import ErpActivities
from activities.inputs import PrepareBooking, UndoBooking
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.transaction import ChangeOutcome, SagaContext
from dealthread.ensure import Ensure
from dealthread.naming import quote_to_cash_id
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from tests.fakes.clock import FakeClock
from tests.fakes.erp import FakeErp
from tests.fakes.world import World
from tests.store.writing import QUICK
from tests.support.deals import NORDWERK, d2

pytestmark = pytest.mark.postgres


def context_of(contract: Contract) -> SagaContext:
    return SagaContext(
        business_key=quote_to_cash_id(contract.org, contract.deal_id),
        generation=1,
        contract_key=contract.key,
        org=contract.org,
        deal_id=contract.deal_id,
    )


async def live(contracts: PostgresContracts, contract: Contract) -> None:
    """Another deal of the customer that is active."""
    context = context_of(contract)
    await contracts.record_pending(context, contract, "Nordwerk")
    await contracts.record_outcome(context, ChangeOutcome.COMPLETED, ContractState.ACTIVE, ())


@pytest.mark.parametrize(
    ("other", "in_use"),
    [
        ({"seller": "UK01", "erp_company": "3"}, True),
        ({"seller": "UK01"}, True),
        ({}, True),
        ({"seller": "UK01", "erp": "another"}, False),
        ({"customer_key": "A-OTHER"}, False),
        (None, False),
    ],
    ids=["company of the same ERP", "same company", "same seller", "other ERP", "other", "none"],
)
async def test_a_customer_whom_another_seller_serves_through_the_erp_stays_in_use(
    store: AsyncEngine, other: dict[str, str] | None, in_use: bool
) -> None:
    """Companies of one ERP share the record: whoever sells, an inactive one stops them all."""
    world = World()
    erp, contracts = FakeErp(world), PostgresContracts(store)
    activities = ErpActivities(
        {"tryton": erp}, Ensure(PostgresJournal(store), QUICK), contracts, FakeClock(world)
    )
    contract = d2()
    context = context_of(contract)
    await activities.prepare_booking(
        PrepareBooking(context=context, contract=contract, party=NORDWERK)
    )
    if other is not None:
        second = {"key": "C-OTHER", "number": "C-OTHER", "deal_id": "006OTHER"}
        await live(contracts, contract.model_copy(update=second | other))
    await activities.undo_booking(UndoBooking(context=context, contract=contract))
    assert [one.active for one in erp.customers.values()] == [in_use]
