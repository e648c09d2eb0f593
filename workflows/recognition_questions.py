"""Questions about recognised revenue: what a run would post, how deferred revenue moved. They read
and write nothing."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.recognition import RecognitionActivities
from activities.recognition_inputs import (
    PlanRecognition,
    RecognitionInput,
    RecognitionPlan,
    RollForwardAnswer,
    RollForwardInput,
)
from dealthread.domain.transaction import SagaContext
from dealthread.naming import erp_task_queue, recognition_id, recognition_key
from dealthread.policies import Timing

# The caller waits: one try, and no longer than his budget.
_PROMPT = Timing(
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


@workflow.defn(name="RecognitionPreview")
class RecognitionPreviewWorkflow:
    """What a month's run would post now."""

    @workflow.run
    async def run(self, ask: RecognitionInput) -> RecognitionPlan:
        return await workflow.execute_activity_method(
            RecognitionActivities.plan,
            PlanRecognition(
                context=SagaContext(
                    business_key=recognition_id(ask.seller, ask.period),
                    generation=1,
                    contract_key=recognition_key(ask.seller, ask.period),
                    org="",
                    deal_id="",
                    tenant=ask.tenant,
                    business_offset_seconds=ask.business_offset_seconds,
                    actor=ask.requested_by,
                ),
                seller=ask.seller,
                period=ask.period,
                is_dry=True,
            ),
            task_queue=erp_task_queue(ask.erp, ask.company),
            summary="What the run would post",
            **_PROMPT,
        )


@workflow.defn(name="DeferredRollForward")
class DeferredRollForwardWorkflow:
    """Deferred revenue of one month, tied to the ledger."""

    @workflow.run
    async def run(self, ask: RollForwardInput) -> RollForwardAnswer:
        return await workflow.execute_activity_method(
            RecognitionActivities.roll_forward,
            ask,
            task_queue=erp_task_queue(ask.erp, ask.company),
            summary="Deferred revenue of the month",
            **_PROMPT,
        )
