"""Telling the run of an invoice, which is started where none runs, that there is news."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from activities.invoice_inputs import InvoiceInput
from dealthread.attributes import at_start
from dealthread.domain.transaction import SagaContext
from dealthread.naming import invoice_id
from workflows.invoice_to_cash import InvoiceToCashWorkflow

ATTEMPTS = 5
"""The invoice's run may end between the look and the signal: then it is started again."""


async def tell_invoice(context: SagaContext, billing_account: str, native_id: str) -> None:
    """Returns as soon as it is told."""
    business_key = invoice_id(billing_account, native_id)
    for _ in range(ATTEMPTS):
        try:
            await workflow.start_child_workflow(
                InvoiceToCashWorkflow.run,
                InvoiceInput(
                    billing_account=billing_account,
                    invoice_id=native_id,
                    tenant=context.tenant,
                    business_offset_seconds=context.business_offset_seconds,
                ),
                id=business_key,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=at_start(context.contract_key, context.deal_id),
                static_summary=f"Invoice {native_id} of {billing_account}",
            )
        except WorkflowAlreadyStartedError:
            if await _signalled(business_key):
                return
        else:
            return


async def _signalled(business_key: str) -> bool:
    running = workflow.get_external_workflow_handle_for(InvoiceToCashWorkflow.run, business_key)
    try:
        await running.signal(InvoiceToCashWorkflow.news)
    except FailureError:
        return False  # it ended in between
    return True
