"""Which saga carries out which change of a contract, and how it is started."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy

from dealthread.attributes import at_start
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeKind,
    ChangeRequest,
    ChangeResult,
    QuoteToCashInput,
)
from workflows.contract_memory import ContractMemory

with workflow.unsafe.imports_passed_through():
    # Only named here, to be started as children: each runs in a sandbox of its own.
    from workflows.activation import ActivationWorkflow
    from workflows.adoption import AdoptionWorkflow
    from workflows.amendment import AmendmentWorkflow
    from workflows.cancellation import CancellationWorkflow
    from workflows.quote_to_cash import QuoteToCashWorkflow
    from workflows.renewal import RenewalWorkflow
    from workflows.renewal_notice import RenewalNoticeWorkflow
    from workflows.rescission import RescissionWorkflow
    from workflows.tax_rate import TaxRateWorkflow
    from workflows.term_end import TermEndWorkflow

FIRST = (ChangeKind.QUOTE_TO_CASH, ChangeKind.ACTIVATION, ChangeKind.ADOPTION)
"""Changes that make a contract; all others need one that stands."""


async def saga_of(memory: ContractMemory, change: ChangeRequest, *, is_due: bool) -> ChangeResult:
    """Run the saga of a change of a contract to its end. Raises what a child workflow raises."""
    again = change.generation > 1 or is_due
    options: workflow.ChildWorkflowConfig = {
        "id": change.change_id,
        # The default would terminate the saga, undo and all, when the contract rests.
        "parent_close_policy": workflow.ParentClosePolicy.ABANDON,
        "cancellation_type": (workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED),
        "id_reuse_policy": (
            WorkflowIDReusePolicy.ALLOW_DUPLICATE
            if again
            else WorkflowIDReusePolicy.REJECT_DUPLICATE
        ),
        "search_attributes": at_start(memory.contract_key, memory.deal_id),
        "static_summary": f"{change.kind} of deal {change.deal_id}",
        "static_details": (
            f"Deal `{change.deal_id}` of org `{change.org}`, generation "
            f"{change.generation}, asked by {change.requested_by}.\n\n"
            f"`dealthread show {change.deal_id}`"
        ),
    }
    if change.kind in FIRST:
        first = QuoteToCashInput(
            request=change, contract_key=memory.contract_key, environment=memory.environment
        )
        if change.kind is ChangeKind.ADOPTION:
            return await workflow.execute_child_workflow(AdoptionWorkflow.run, first, **options)
        run = (
            QuoteToCashWorkflow.run
            if change.kind is ChangeKind.QUOTE_TO_CASH
            else ActivationWorkflow.run
        )
        return await workflow.execute_child_workflow(run, first, **options)
    order = ChangeInput(
        request=change,
        contract_key=memory.contract_key,
        environment=memory.environment,
        is_due=is_due,
        risk=memory.risk,
    )
    match change.kind:
        case ChangeKind.AMENDMENT:
            child = workflow.execute_child_workflow(AmendmentWorkflow.run, order, **options)
        case ChangeKind.RENEWAL_NOTICE:
            child = workflow.execute_child_workflow(RenewalNoticeWorkflow.run, order, **options)
        case ChangeKind.RENEWAL:
            child = workflow.execute_child_workflow(RenewalWorkflow.run, order, **options)
        case ChangeKind.TAX_RATE:
            child = workflow.execute_child_workflow(TaxRateWorkflow.run, order, **options)
        case ChangeKind.TERM_END:
            child = workflow.execute_child_workflow(TermEndWorkflow.run, order, **options)
        case ChangeKind.CANCELLATION if memory.state is ContractState.SCHEDULED:
            child = workflow.execute_child_workflow(RescissionWorkflow.run, order, **options)
        case _:
            child = workflow.execute_child_workflow(CancellationWorkflow.run, order, **options)
    return await child
