"""Start or signal the contract's workflow for an accepted change.

Signal-with-start is one action and safe to repeat: the contract drops a change it knows. The
unique run row makes "once" last for ever; Temporal's own uniqueness ends with its retention.
"""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.invoice_inputs import InvoiceInput
from dealthread.attributes import at_start
from dealthread.domain.transaction import ChangeInput, ChangeRequest, Environment
from dealthread.naming import (
    WORKFLOW_QUEUE,
    collections_id,
    contract_workflow_id,
    invoice_id,
)
from dealthread.settings import Settings
from dealthread.temporal import RPC_TIMEOUT
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import ContractMemory
from workflows.invoice_credit import InvoiceCreditWorkflow
from workflows.invoice_to_cash import InvoiceToCashWorkflow


async def start_change(
    client: Client, settings: Settings, request: ChangeRequest, contract_key: str
) -> None:
    """Hand a change to its contract. Raises RPCError when Temporal does not answer."""
    await client.start_workflow(
        ContractLifecycleWorkflow.run,
        ContractMemory(
            contract_key=contract_key,
            org=request.org,
            deal_id=request.deal_id,
            environment=Environment(
                tenant=settings.tenant,
                business_offset_seconds=settings.business_offset_seconds,
            ),
        ),
        id=contract_workflow_id(contract_key),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="change_requested",
        start_signal_args=[request],
        search_attributes=at_start(contract_key, request.deal_id),
        static_summary=f"Contract of deal {request.deal_id}",
        static_details=f"Everything that changes this contract goes through here, one change at "
        f"a time.\n\n`dealthread show {request.deal_id}`",
        rpc_timeout=RPC_TIMEOUT,
    )


async def start_credit(
    client: Client, settings: Settings, request: ChangeRequest, contract_key: str
) -> None:
    """Start a person's credit on an invoice; one that runs or has run is left alone. Raises
    RPCError."""
    await client.start_workflow(
        InvoiceCreditWorkflow.run,
        ChangeInput(
            request=request,
            contract_key=contract_key,
            environment=Environment(
                tenant=settings.tenant,
                business_offset_seconds=settings.business_offset_seconds,
            ),
        ),
        id=request.change_id,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=at_start(contract_key, request.deal_id),
        static_summary=f"Credit {request.change_id}",
        rpc_timeout=RPC_TIMEOUT,
    )


async def start_invoice(
    client: Client, settings: Settings, billing_account: str, native_id: str
) -> None:
    """Tell an invoice's workflow that there is news. Raises RPCError.

    One that has ended is started again: it reads the bill, finds in the journal what is done, and
    does what is new.
    """
    await client.start_workflow(
        InvoiceToCashWorkflow.run,
        InvoiceInput(
            billing_account=billing_account,
            invoice_id=native_id,
            tenant=settings.tenant,
            business_offset_seconds=settings.business_offset_seconds,
        ),
        id=invoice_id(billing_account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="news",
        static_summary=f"Invoice {native_id} of {billing_account}",
        rpc_timeout=RPC_TIMEOUT,
    )


async def tell_collections(client: Client, billing_account: str, native_id: str) -> None:
    """Tell the pursuit of an invoice, where there is one, that there is news. Raises RPCError.

    Not by way of the invoice's own workflow: that one may wait for a ledger that is away, and a
    customer who has paid is not to wait for it.
    """
    try:
        await client.get_workflow_handle(collections_id(billing_account, native_id)).signal(
            "news", rpc_timeout=RPC_TIMEOUT
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
