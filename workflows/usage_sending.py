"""Usage to one billing account, until nothing is due. Two actions a run, its start and an activity,
where that ends in some seconds; it runs only when something waits (docs/adr/0018)."""

from __future__ import annotations

from temporalio import workflow

from activities.usage import UsageActivities
from activities.usage_inputs import SendUsage, UsageSent
from dealthread.naming import BILLING_QUEUE
from dealthread.policies import WRITE

_MOST_ROUNDS = 100
"""Of some seconds each; what is left then is the next run's."""


@workflow.defn(name="UsageSending")
class UsageSendingWorkflow:
    """What stands in the store is sent; the store knows what is left, whoever asks again."""

    @workflow.run
    async def run(self, order: SendUsage) -> UsageSent:
        sent = not_sent = 0
        for _ in range(_MOST_ROUNDS):
            found = await workflow.execute_activity_method(
                UsageActivities.send,
                order,
                task_queue=BILLING_QUEUE,
                summary="Sums of usage to the biller",
                **WRITE,
            )
            sent, not_sent = sent + found.sent, not_sent + found.not_sent
            if found.is_over:
                break
        return found.model_copy(update={"sent": sent, "not_sent": not_sent})
