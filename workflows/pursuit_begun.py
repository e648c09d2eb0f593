"""Beginning the pursuit of an invoice, once for all that tell of it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.collections_inputs import CollectionsInput
from activities.invoice_inputs import InvoiceInput
from dealthread.attributes import at_start
from dealthread.domain.transaction import SagaContext
from dealthread.naming import collections_id
from workflows.collections import CollectionsWorkflow


async def begin_pursuit(context: SagaContext, order: InvoiceInput, number: str) -> None:
    """Unless an earlier run of the invoice began it."""
    try:
        await workflow.start_child_workflow(
            CollectionsWorkflow.run,
            CollectionsInput.model_validate(order.model_dump()),
            id=collections_id(order.billing_account, order.invoice_id),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=at_start(context.contract_key, context.deal_id),
            static_summary=f"Pursuit of {number}",
        )
    except WorkflowAlreadyStartedError:
        return
