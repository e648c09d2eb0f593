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
    ReadAgreements,
    ReadBookings,
)
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
