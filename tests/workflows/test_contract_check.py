"""ContractCheck: a system whose worker is away is unread, and hinders nobody (DM-10)."""

from __future__ import annotations

import uuid

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contract_check import (
    AgreementId,
    BookingId,
    EntitlementCheckActivities,
    HeldCheckActivities,
    ReadAgreements,
    ReadBookings,
    ReadHeld,
)
from dealthread.domain.comparison.seen import HeldContract
from dealthread.errors import ContractDrift, VendorUnavailable
from dealthread.naming import ENTITLEMENT_QUEUE
from tests.fakes.entitlement import FakeEntitlement
from tests.fakes.world import World
from workers.sandboxed import sandbox
from workflows.contract_check import ContractCheckInput, ContractCheckWorkflow

pytestmark = pytest.mark.temporal
AWAY = "waited_in_the_queue"


async def test_a_queue_that_nobody_works_is_unread_and_the_others_are_read(
    skipping_server: WorkflowEnvironment,
) -> None:
    """In virtual time; nothing is granted, and that was read."""
    client = skipping_server.client
    queue = f"check-{uuid.uuid4()}"
    order = ContractCheckInput(
        records=("C-1",),
        agreements=ReadAgreements(
            agreements=(
                AgreementId(contract_key="C-1", billing_account="acct", subscription="sub_1"),
            )
        ),
        bookings=(
            ReadBookings(
                erp="tryton",
                company="nobody-posts-here",
                bookings=(BookingId(contract_key="C-1", document_key="DT1", native_id="7"),),
            ),
        ),
        entitlements=("C-1",),
        held=(ReadHeld(subscriber="customer-success", contract_keys=("C-1", "C-2")),),
    )
    looking = EntitlementCheckActivities(FakeEntitlement(World()))
    async with (
        Worker(
            client,
            task_queue=queue,
            workflows=[ContractCheckWorkflow],
            workflow_runner=sandbox(),
        ),
        Worker(client, task_queue=ENTITLEMENT_QUEUE, activities=[looking.read]),
    ):
        said = await client.execute_workflow(
            ContractCheckWorkflow.run, order, id=queue, task_queue=queue
        )
    assert said.crm.unread == AWAY
    assert [(one.agreement, one.unread) for one in said.agreements] == [(None, AWAY)]
    assert [(one.native_id, one.unread) for one in said.bookings] == [("7", AWAY)]
    assert [(one.entitlement, one.unread) for one in said.entitlements] == [(None, "")]
    assert [(one.contract, one.unread) for one in said.held] == [(None, AWAY)] * 2


class _Success:
    """Knows C-1, refuses C-2, and is away from C-3 on."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def contract_now(self, contract_key: str) -> HeldContract | None:
        self.asked.append(contract_key)
        if contract_key == "C-1":
            return HeldContract(contract_key="C-1", state="active")
        if contract_key == "C-2":
            raise ContractDrift("odd")
        raise VendorUnavailable("away")


async def test_customer_success_that_is_away_is_asked_once_and_one_not_configured_never() -> None:
    """The caller waits; an odd answer of one contract says nothing of the next."""
    port = _Success()
    reading = HeldCheckActivities({"customer-success": port})
    keys = ("C-1", "C-2", "C-3", "C-4")
    seen = await reading.read(ReadHeld(subscriber="customer-success", contract_keys=keys))
    assert [(one.contract_key, one.contract is not None, one.unread) for one in seen.held] == [
        ("C-1", True, ""),
        ("C-2", False, "odd"),
        ("C-3", False, "away"),
        ("C-4", False, "away"),
    ]
    assert port.asked == ["C-1", "C-2", "C-3"]
    other = await reading.read(ReadHeld(subscriber="another", contract_keys=("C-1",)))
    assert [one.unread for one in other.held] == ["reading_not_configured"]
