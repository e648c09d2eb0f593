"""Start or signal the contract's workflow for an accepted change.

Signal-with-start is one action and safe to repeat: the contract drops a change it knows. The
unique run row makes "once" last for ever; Temporal's own uniqueness ends with its retention.
"""

from __future__ import annotations

from typing import Any, TypedDict, TypeVar

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.types import MethodAsyncSingleParam

from activities.cash_inputs import CashReceiptInput
from activities.dispute_inputs import DisputeInput
from activities.invoice_inputs import InvoiceInput
from activities.settlement_inputs import PayoutInput
from activities.usage_inputs import SendUsage
from activities.write_off_inputs import RecoveryInput
from dealthread.attributes import at_start
from dealthread.domain.cash import BankReceipt
from dealthread.domain.transaction import ChangeInput, ChangeRequest, Environment
from dealthread.naming import (
    WORKFLOW_QUEUE,
    bank_receipt_id,
    collections_id,
    contract_workflow_id,
    dispute_id,
    invoice_id,
    payout_id,
    recovery_id,
    usage_id,
)
from dealthread.settings import Settings
from dealthread.temporal import RPC_TIMEOUT
from workflows.cash_receipt import CashReceiptWorkflow
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import ContractMemory
from workflows.dispute_to_end import DisputeToEndWorkflow
from workflows.invoice_credit import InvoiceCreditWorkflow
from workflows.invoice_to_cash import InvoiceToCashWorkflow
from workflows.invoice_write_off import InvoiceWriteOffWorkflow, WriteOffRecoveryWorkflow
from workflows.payout_to_bank import PayoutToBankWorkflow
from workflows.usage_sending import UsageSendingWorkflow

P = TypeVar("P")


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
            environment=Environment(**_environment(settings)),
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
    await _ordered(client, settings, InvoiceCreditWorkflow.run, request, contract_key, "Credit")


async def start_invoice(
    client: Client, settings: Settings, billing_account: str, native_id: str
) -> None:
    """Tell an invoice's workflow that there is news. Raises RPCError.

    One that has ended is started again: it reads the bill, finds in the journal what is done, and
    does what is new.
    """
    order = InvoiceInput(
        billing_account=billing_account, invoice_id=native_id, **_environment(settings)
    )
    key, summary = invoice_id(billing_account, native_id), f"Invoice {native_id}"
    await _told(client, InvoiceToCashWorkflow.run, order, key, f"{summary} of {billing_account}")


async def start_write_off(
    client: Client, settings: Settings, request: ChangeRequest, contract_key: str
) -> None:
    """Start giving up an invoice; one that runs or has run is left alone. Raises RPCError."""
    run = InvoiceWriteOffWorkflow.run
    await _ordered(client, settings, run, request, contract_key, "Write-off")


async def start_recovery(
    client: Client, settings: Settings, billing_account: str, native_id: str
) -> None:
    """There is news of an invoice that was written off: it may be paid. Raises RPCError."""
    await client.start_workflow(
        WriteOffRecoveryWorkflow.run,
        RecoveryInput(
            billing_account=billing_account,
            invoice_id=native_id,
            **_environment(settings),
        ),
        id=recovery_id(billing_account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"Paid after all: {native_id} of {billing_account}",
        rpc_timeout=RPC_TIMEOUT,
    )


async def start_payout(
    client: Client, settings: Settings, billing_account: str, native_id: str
) -> None:
    """Tell a payout's workflow that there is news; one that has ended is started again. Raises
    RPCError."""
    order = PayoutInput(
        billing_account=billing_account, payout_id=native_id, **_environment(settings)
    )
    key, summary = payout_id(billing_account, native_id), f"Payout {native_id}"
    await _told(client, PayoutToBankWorkflow.run, order, key, f"{summary} of {billing_account}")


async def start_dispute(
    client: Client, settings: Settings, billing_account: str, native_id: str
) -> None:
    """Tell a dispute's workflow that there is news; one that has ended is started again. Raises
    RPCError."""
    order = DisputeInput(
        billing_account=billing_account, dispute_id=native_id, **_environment(settings)
    )
    key, summary = dispute_id(billing_account, native_id), f"Dispute {native_id}"
    await _told(client, DisputeToEndWorkflow.run, order, key, f"{summary} of {billing_account}")


async def start_receipt(client: Client, settings: Settings, receipt: BankReceipt) -> str:
    """Start the run of what came to the bank; the workflow's id. One that runs or has run is left
    alone. Raises RPCError."""
    business_key = bank_receipt_id(receipt.seller, receipt.source)
    try:
        await client.start_workflow(
            CashReceiptWorkflow.run,
            CashReceiptInput(
                receipt=receipt,
                **_environment(settings),
            ),
            id=business_key,
            task_queue=WORKFLOW_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Receipt {receipt.source} of {receipt.seller}",
            rpc_timeout=RPC_TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return business_key  # started before the relay could note it, and ended since
    return business_key


async def start_usage(client: Client, billing_account: str, *, at_once: bool = False) -> str:
    """Send what was counted to a billing account; the workflow's id. One that runs goes on with
    what came since. Raises RPCError."""
    await client.start_workflow(
        UsageSendingWorkflow.run,
        SendUsage(billing_account=billing_account, at_once=at_once),
        id=usage_id(billing_account),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"Usage to {billing_account}",
        rpc_timeout=RPC_TIMEOUT,
    )
    return usage_id(billing_account)


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


async def _ordered(
    client: Client,
    settings: Settings,
    run: MethodAsyncSingleParam[Any, ChangeInput, Any],
    request: ChangeRequest,
    contract_key: str,
    what: str,
) -> None:
    """Start what a person ordered, once: a repeat finds it."""
    environment = Environment(**_environment(settings))
    await client.start_workflow(
        run,
        ChangeInput(request=request, contract_key=contract_key, environment=environment),
        id=request.change_id,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=at_start(contract_key, request.deal_id),
        static_summary=f"{what} {request.change_id}",
        rpc_timeout=RPC_TIMEOUT,
    )


async def _told(
    client: Client,
    run: MethodAsyncSingleParam[Any, P, Any],
    order: P,
    workflow_id: str,
    summary: str,
) -> None:
    """Start the workflow where none runs, and tell it that there is news."""
    await client.start_workflow(
        run,
        order,
        id=workflow_id,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="news",
        static_summary=summary,
        rpc_timeout=RPC_TIMEOUT,
    )


class _Environment(TypedDict):
    tenant: str
    business_offset_seconds: int


def _environment(settings: Settings) -> _Environment:
    return _Environment(
        tenant=settings.tenant, business_offset_seconds=settings.business_offset_seconds
    )
