"""Looking in the ledger for an invoice that this run has not posted itself."""

from __future__ import annotations

from temporalio import workflow

from activities.invoice import LedgerActivities
from activities.invoice_inputs import BillToPost, PostInvoice
from dealthread.domain.posted import PostedDocument
from dealthread.domain.transaction import SagaContext
from dealthread.naming import erp_task_queue
from dealthread.policies import READ
from dealthread.saga import Saga, Step


async def posted_before(
    saga: Saga, context: SagaContext, told: BillToPost
) -> PostedDocument | None:
    """As a run that was ended by hand may have posted it; None where the ledger has none."""
    if (invoice := told.invoice) is None:
        return None
    found = await saga.run(
        Step(
            name="post",
            act=lambda: workflow.execute_activity_method(
                LedgerActivities.find,
                PostInvoice(context=context, erp=told.erp, invoice=invoice),
                task_queue=erp_task_queue(told.erp, told.company),
                summary=f"Look for {invoice.number} in the ledger",
                **READ,
            ),
        )
    )
    return found.document
