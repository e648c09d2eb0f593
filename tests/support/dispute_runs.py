"""What the relay does when the biller tells of a dispute."""

from __future__ import annotations

from temporalio.client import WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities.dispute_inputs import DisputeInput
from dealthread.naming import WORKFLOW_QUEUE, dispute_id
from tests.support.saga_lab import Lab
from workflows.dispute_to_end import DisputeToEndWorkflow


async def told_of(
    it: Lab, native_id: str, account: str = "acct_alder_us", offset_seconds: int | None = None
) -> WorkflowHandle[DisputeToEndWorkflow, str]:
    """The run of a dispute, which begins with the first word of it; the lab says how far its days
    are from the clock's where the caller does not."""
    offset = it.offset_seconds() if offset_seconds is None else offset_seconds
    return await it.client.start_workflow(
        DisputeToEndWorkflow.run,
        DisputeInput(billing_account=account, dispute_id=native_id, business_offset_seconds=offset),
        id=dispute_id(account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="news",
    )
