"""ChangePreview: what would this change do? Reads only, answers with the amounts."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.change_assessment import ChangeAssessmentActivities
from activities.change_inputs import AssessChange, AssessedChange
from dealthread.domain.base import Carried
from dealthread.domain.transaction import ChangeKind, Environment, SagaContext
from dealthread.naming import BILLING_QUEUE
from dealthread.policies import Timing

# The caller waits: one try, and no longer than his budget.
_PROMPT = Timing(
    start_to_close_timeout=timedelta(seconds=10),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


class ChangePreviewInput(Carried):
    """`order` is a change order as JSON."""

    order: str
    kind: ChangeKind
    contract_key: str
    org: str
    deal_id: str = ""
    change_id: str
    requested_by: str
    environment: Environment = Environment()


@workflow.defn(name="ChangePreview")
class ChangePreviewWorkflow:
    """One preview of one change."""

    @workflow.run
    async def run(self, ask: ChangePreviewInput) -> AssessedChange:
        return await workflow.execute_activity_method(
            ChangeAssessmentActivities.assess,
            AssessChange(
                context=SagaContext(
                    business_key=ask.change_id,
                    generation=1,
                    contract_key=ask.contract_key,
                    org=ask.org,
                    deal_id=ask.deal_id,
                    tenant=ask.environment.tenant,
                    business_offset_seconds=ask.environment.business_offset_seconds,
                    actor=ask.requested_by,
                ),
                kind=ask.kind,
                order=ask.order,
                record=False,
            ),
            task_queue=BILLING_QUEUE,
            summary="What the change would do",
            **_PROMPT,
        )
