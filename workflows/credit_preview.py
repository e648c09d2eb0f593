"""CreditPreview: what would this credit on an invoice do? Reads only, answers with the amounts."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.credit import CreditActivities
from activities.credit_inputs import AssessCredit, AssessedCredit
from dealthread.naming import BILLING_QUEUE
from dealthread.policies import Timing

# The caller waits: one try, and no longer than his budget.
_PROMPT = Timing(
    start_to_close_timeout=timedelta(seconds=10),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


@workflow.defn(name="CreditPreview")
class CreditPreviewWorkflow:
    """One preview of one credit."""

    @workflow.run
    async def run(self, ask: AssessCredit) -> AssessedCredit:
        return await workflow.execute_activity_method(
            CreditActivities.assess,
            ask,
            task_queue=BILLING_QUEUE,
            summary="What the credit would do",
            **_PROMPT,
        )
