"""PostingSummary: a day's invoices that cards have paid, as one document of the ledger.

    1  wait for the next morning, 02:00 UTC
    2  read each invoice back from the biller: what is not paid whole, or was credited, is sent
       back and posted by itself
    3  post the rest as one invoice of the control customer, equal to the cent
    4  apply what the cards paid, one document a day

Each invoice's own run records the summary as its posting. Who comes later is in the next part.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from activities.posting_summary import SummaryMembersActivities, SummaryPostingActivities
from activities.posting_summary_inputs import (
    ClosedSummary,
    OfSummary,
    SummaryInput,
    TakeIn,
)
from dealthread.domain.base import Ref
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.naming import BILLING_QUEUE, erp_task_queue
from dealthread.policies import POST_REVENUE, READ
from dealthread.saga import Saga, Step
from workflows.business_time import business_now
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import POSTING_SUMMARY, current_details


@workflow.defn(name="PostingSummary")
class PostingSummaryWorkflow(DecidedByPeople):
    """One part of a day's summary, of one company and currency."""

    @workflow.init
    def __init__(self, order: SummaryInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=order.summary_id,
            generation=1,
            contract_key=order.key,
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
        )
        self._desk = CaseDesk(self._context, POSTING_SUMMARY, "biller", self._tell)
        self._saga = Saga(POSTING_SUMMARY, self._desk, self._tell)
        # What is posted is never undone here: an invoice is taken out of it by its own run.
        self._saga.pivot_crossed = True
        self._is_asked = False

    @workflow.run
    async def run(self, order: SummaryInput) -> int:
        """How many invoices it holds."""
        await self._until(datetime.fromisoformat(order.due_at))
        closed = await self._saga.run(Step(name="members", act=self._members))
        if not closed.count:
            self._saga.mark("post", StepState.SKIPPED, "every invoice was sent back")
            self._saga.mark("pay", StepState.SKIPPED)
            return 0
        await self._saga.run(
            Step(
                name="post",
                act=lambda: workflow.execute_activity_method(
                    SummaryPostingActivities.post,
                    self._about(),
                    task_queue=erp_task_queue(order.erp, order.company),
                    summary=f"Post {closed.count} invoices as {order.number}",
                    **POST_REVENUE,
                ),
            )
        )
        await self._saga.run(
            Step(
                name="pay",
                act=lambda: workflow.execute_activity_method(
                    SummaryPostingActivities.pay,
                    self._about(),
                    task_queue=erp_task_queue(order.erp, order.company),
                    summary=f"Apply what paid {order.number}",
                    **POST_REVENUE,
                ),
            )
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        return closed.count

    async def _until(self, due: datetime) -> None:
        left = due - business_now(self._order.business_offset_seconds)
        if left > timedelta(0):
            try:
                await workflow.wait_condition(lambda: self._is_asked, timeout=left)
            except TimeoutError:
                return

    async def _members(self) -> ClosedSummary:
        """Until nobody waits in it any more."""
        while True:
            told = await workflow.execute_activity_method(
                SummaryMembersActivities.waiting,
                self._about(),
                task_queue=BILLING_QUEUE,
                summary="Who waits in it",
                **READ,
            )
            if told.invoices:
                await self._take_in(told.invoices)
                continue
            closed = await workflow.execute_activity_method(
                SummaryMembersActivities.close,
                self._about(),
                task_queue=BILLING_QUEUE,
                summary="Nobody joins any more",
                **READ,
            )
            if closed.is_closed:
                return closed

    async def _take_in(self, invoices: tuple[Ref, ...]) -> None:
        await workflow.execute_activity_method(
            SummaryMembersActivities.take_in,
            TakeIn(context=self._context, summary_id=self._order.summary_id, invoices=invoices),
            task_queue=BILLING_QUEUE,
            summary=f"Read {len(invoices)} invoices back",
            **READ,
        )

    def _about(self) -> OfSummary:
        return OfSummary(
            context=self._context, summary_id=self._order.summary_id, erp=self._order.erp
        )

    @workflow.signal
    def now(self) -> None:
        """It is posted at once: nobody waits for the morning."""
        self._is_asked = True

    def _tell(self) -> None:
        workflow.set_current_details(current_details(self._status(), None, ""))
