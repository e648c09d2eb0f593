"""What InvoiceToCash does while its invoice is, or may become, a part of its day's summary."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.invoice_inputs import BillToPost, InvoiceInput
from activities.posting_summary import HeldInvoiceActivities
from activities.posting_summary_inputs import HeldDocuments, RecordHeld, SummaryInput
from dealthread.attributes import at_start
from dealthread.domain.party import BuyerSnapshot
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import Held
from dealthread.domain.transaction import SagaContext
from dealthread.naming import WORKFLOW_QUEUE, erp_task_queue, summary_key
from dealthread.policies import POST_REVENUE, STORE
from dealthread.saga import Saga, Step
from workflows.business_time import business_now
from workflows.posting_summary import PostingSummaryWorkflow

LOOK_AGAIN = timedelta(minutes=15)
"""How long after the summary is due, and how often then, an invoice looks whether it is posted."""


class SummarisedInvoice:
    """One invoice's part in it."""

    def __init__(self, saga: Saga, order: InvoiceInput) -> None:
        self._saga = saga
        self._order = order
        self._begun = False

    def next_look(self, told: BillToPost) -> datetime | None:
        """When it is worth while to look again; None where nothing of a summary is awaited."""
        held = told.held
        if held is None or held.is_in_ledger:
            return None
        now = business_now(self._order.business_offset_seconds)
        return max(held.due_at, now) + LOOK_AGAIN

    async def kept(self, told: BillToPost, context: SagaContext) -> HeldDocuments | None:
        """What the ledger has of it, in the summary or taken out of it; None while it waits."""
        held = told.held
        if held is None or not held.is_in_ledger:
            await self._begin(held)
            return None
        documents = await self._recorded(held, context)
        if told.credit_memos or held.single_on is not None:
            single = await self._taken_out(held, told.bill.buyer, context)
            return documents.model_copy(update={"invoice": single})
        return documents

    async def _begin(self, held: Held | None) -> None:
        """The run that posts the summary has begun, or begins; one that was ended by hand begins
        again. Where it runs, or has posted by now, this changes nothing."""
        if held is None or ((held.is_started or self._begun) and not held.is_late):
            return
        self._begun = True
        place = held.place
        key = summary_key(place.seller, place.currency, place.issue_date, place.part)
        try:
            await workflow.start_child_workflow(
                PostingSummaryWorkflow.run,
                SummaryInput(
                    summary_id=place.summary_id,
                    key=key,
                    seller=place.seller,
                    erp=place.erp,
                    company=place.company,
                    number=place.number,
                    due_at=held.due_at.isoformat(),
                    tenant=place.tenant,
                    business_offset_seconds=self._order.business_offset_seconds,
                ),
                id=place.summary_id,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=at_start(key, ""),
                static_summary=f"Summary {place.number}",
            )
        except WorkflowAlreadyStartedError:
            return  # it runs: another invoice of the day began it

    async def _recorded(self, held: Held, context: SagaContext) -> HeldDocuments:
        """The summary is the posting of the invoice, and of its payments."""
        return await self._saga.run(
            Step(
                name="post",
                act=lambda: workflow.execute_activity_method(
                    HeldInvoiceActivities.record,
                    RecordHeld(context=context, held=held, erp=held.place.erp),
                    task_queue=WORKFLOW_QUEUE,
                    summary=f"It is posted in {held.place.number}",
                    **STORE,
                ),
            )
        )

    async def _taken_out(
        self, held: Held, buyer: BuyerSnapshot | None, context: SagaContext
    ) -> PostedDocument:
        """It is posted by itself instead: a credit, or a dispute, is about one document, this."""
        order = RecordHeld(context=context, held=held, erp=held.place.erp, buyer=buyer)
        queue = erp_task_queue(held.place.erp, held.place.company)
        await self._saga.run(
            Step(
                name="single",
                act=lambda: workflow.execute_activity_method(
                    HeldInvoiceActivities.take_out,
                    order,
                    task_queue=queue,
                    summary=f"Take it out of {held.place.number}",
                    **POST_REVENUE,
                ),
            )
        )
        single = await self._saga.run(
            Step(
                name="single",
                act=lambda: workflow.execute_activity_method(
                    HeldInvoiceActivities.post_single,
                    order,
                    task_queue=queue,
                    summary="Post it by itself",
                    **POST_REVENUE,
                ),
            )
        )
        await self._saga.run(
            Step(
                name="single",
                act=lambda: workflow.execute_activity_method(
                    HeldInvoiceActivities.pay_single,
                    order,
                    task_queue=queue,
                    summary="Apply its payments",
                    **POST_REVENUE,
                ),
            )
        )
        return single
