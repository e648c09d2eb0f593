"""DealCheck: would this deal be accepted now? Reads only, writes nothing, answers with reasons.

The synchronous question of a seller before submitting a quote: credit, prices, account, terms,
posting rules. It takes the same two steps that QuoteToCash begins with.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.assessment import AssessmentActivities
from activities.crm import CrmActivities
from activities.inputs import AssessDeal, Assessment
from dealthread.domain.transaction import QuoteToCashInput, ReadDeal, context_of
from dealthread.naming import BILLING_QUEUE, CRM_QUEUE
from dealthread.policies import Timing

# The caller waits: one try each, and no longer than his budget.
_PROMPT = Timing(
    start_to_close_timeout=timedelta(seconds=10),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


@workflow.defn(name="DealCheck")
class DealCheckWorkflow:
    """One check of one deal."""

    @workflow.run
    async def run(self, order: QuoteToCashInput) -> Assessment:
        context = context_of(order)
        frozen = await workflow.execute_activity_method(
            CrmActivities.read_deal,
            ReadDeal(context=context),
            task_queue=CRM_QUEUE,
            summary="Read the deal",
            **_PROMPT,
        )
        return await workflow.execute_activity_method(
            AssessmentActivities.assess,
            AssessDeal(context=context, frozen=frozen, corrections=order.corrections, record=False),
            task_queue=BILLING_QUEUE,
            summary="Rules, preview, posting rules",
            **_PROMPT,
        )
