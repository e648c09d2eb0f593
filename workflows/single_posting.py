"""An invoice in a day's summary gets a document of its own: something happened to it alone."""

from __future__ import annotations

from temporalio import workflow

from activities.posting_summary import HeldInvoiceActivities
from activities.posting_summary_inputs import WantSingle
from dealthread.domain.bill import Bill
from dealthread.domain.transaction import SagaContext
from dealthread.naming import WORKFLOW_QUEUE
from dealthread.policies import STORE
from workflows.invoice_news import tell_invoice

BY_ITSELF = "posted-by-itself-202611"
"""Patch: a run that began before leaves a disputed invoice in its summary."""


async def post_by_itself(context: SagaContext, bill: Bill) -> None:
    """The invoice's own run takes it out of the summary, or does not wait for it; of one that no
    summary has nothing is done. Returns as soon as that run is told."""
    if not workflow.patched(BY_ITSELF):
        return
    wanted = await workflow.execute_activity_method(
        HeldInvoiceActivities.want_single,
        WantSingle(bill=bill.ref),
        task_queue=WORKFLOW_QUEUE,
        summary=f"{bill.number} is posted by itself",
        **STORE,
    )
    if wanted.is_held:
        await tell_invoice(context, bill.ref.account, bill.ref.native_id)
