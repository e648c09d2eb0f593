"""WriteOffPreview: what would giving up this invoice do? Reads only, answers with the amounts."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.write_off import WriteOffActivities
from activities.write_off_inputs import AssessedWriteOff, AssessWriteOff
from dealthread.naming import BILLING_QUEUE
from dealthread.policies import Timing

# The caller waits: one try, and no longer than his budget.
_PROMPT = Timing(
    start_to_close_timeout=timedelta(seconds=10),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


@workflow.defn(name="WriteOffPreview")
class WriteOffPreviewWorkflow:
    """One preview of one write-off."""

    @workflow.run
    async def run(self, ask: AssessWriteOff) -> AssessedWriteOff:
        return await workflow.execute_activity_method(
            WriteOffActivities.assess,
            ask,
            task_queue=BILLING_QUEUE,
            summary="What the write-off would do",
            **_PROMPT,
        )
