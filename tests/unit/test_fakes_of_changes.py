"""The in-memory systems treat changes as the real ones do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dealthread.domain.change_order import AmendmentOrder
from dealthread.domain.documents import EntitlementState, Grant
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Done, Unknown
from dealthread.ports.crm import CrmChange
from dealthread.ports.entitlement import GrantEntitlement
from tests.fakes.crm import FakeCrm
from tests.fakes.entitlement import FakeEntitlement
from tests.fakes.world import Fault, World
from tests.support import deals


def change(sequence: int = 2) -> CrmChange:
    return CrmChange(
        contract=deals.d1(),
        change_id="amendment:C-D1:006",
        deal_id="006",
        status="active",
        change_status="completed",
        status_at=datetime(2026, 4, 1, tzinfo=UTC),
        sequence=sequence,
        forecast_renewal=True,
    )


async def test_a_recorded_change_is_found_by_its_key_until_another_write() -> None:
    """The CRM keeps the key of the last write only; a lost answer is found, too."""
    world = World()
    crm = FakeCrm(world)
    assert await crm.find_recorded_change("C-D1", idempotency_key="k") is None
    world.plan("crm.record_change", Fault.LOST)
    assert isinstance(await crm.record_change(change(), idempotency_key="k"), Unknown)
    assert await crm.find_recorded_change("C-D1", idempotency_key="k") is not None
    assert isinstance(await crm.record_change(change(3), idempotency_key="l~1"), Done)
    assert await crm.find_recorded_change("C-D1", idempotency_key="k") is None
    assert await crm.find_recorded_change("C-D1", idempotency_key="l") is not None
    assert list(crm.renewals) == ["renewal:C-D1:2027-01-01"]
    assert crm.statuses == {"006": "completed"}


async def test_a_change_is_read_for_its_own_contract_only() -> None:
    crm = FakeCrm(World())
    order = AmendmentOrder(
        change_id="amendment:C-D1:006", contract_key="C-D1", accepted_on=date(2026, 4, 1)
    )
    crm.changes["006"] = order
    assert await crm.read_change("006", deals.d1()) == order
    with pytest.raises(StepRejected):
        await crm.read_change("006", deals.d2())
    with pytest.raises(NotFound):
        await crm.read_change("007", deals.d1())


async def test_an_entitlement_whose_rights_have_run_out_has_ended() -> None:
    world = World()
    service = FakeEntitlement(world)
    grant = Grant(
        line_key="L",
        template="seats",
        quantity=Decimal(5),
        access_from=date(2025, 1, 1),
        access_to=date(2026, 1, 2),
    )
    command = GrantEntitlement(contract_key="C", customer_key="A", grants=(grant,))
    outcome = await service.grant(command, idempotency_key="k")
    assert isinstance(outcome, Done)
    assert outcome.value.state is EntitlementState.ACTIVE
    world.today = datetime(2026, 1, 2, tzinfo=UTC)
    found = await service.find("C", idempotency_key="k")
    assert found is not None
    assert found.state is EntitlementState.ENDED
