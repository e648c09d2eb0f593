"""The pursuit of an invoice rests while a payment of it is disputed (docs/adr/0023).

Of an invoice that is paid by the disputed payment nothing is pursued. Where something else of it
is open, a pursuit is there, or comes on its day: it hears of the dispute either way.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from activities.collections_inputs import CollectionsInput, OrderKind, PursuitOrder
from activities.dispute_inputs import DisputeInput, DisputeToPost
from dealthread.attributes import at_start
from dealthread.domain.bill import Bill
from dealthread.domain.dunning import is_pursuable
from dealthread.naming import collections_id
from workflows.collections import CollectionsWorkflow

HOLDS_WHAT_COMES = "dispute-to-end-holds-what-comes-202611"
"""Patch: a pursuit that begins later rests, too; before, only one that was there."""


class PursuitHold:
    """The hold of one dispute: set when it opens, lifted by its own end alone."""

    def __init__(self, order: DisputeInput) -> None:
        self._order = order

    async def set(self, told: DisputeToPost) -> None:
        """The pursuit rests until it is lifted, or a person resumes it."""
        bill = told.bill
        if bill is None or await self._heard(bill, OrderKind.PAUSE):
            return
        if is_pursuable(bill) and workflow.patched(HOLDS_WHAT_COMES):
            await self._begin(told, bill)
            await self._heard(bill, OrderKind.PAUSE)

    async def lift(self, told: DisputeToPost) -> None:
        """What rests for this dispute goes on; what a person has paused stays."""
        if told.bill is not None:
            await self._heard(told.bill, OrderKind.RESUME)

    async def _heard(self, bill: Bill, kind: OrderKind) -> bool:
        """False where nobody pursues the invoice."""
        pursuit = workflow.get_external_workflow_handle_for(
            CollectionsWorkflow.run, collections_id(bill.ref.account, bill.ref.native_id)
        )
        reason = f"disputed: {self._order.dispute_id}"
        try:
            await pursuit.signal(
                CollectionsWorkflow.hear, PursuitOrder(kind=kind, actor="saga", reason=reason)
            )
        except FailureError:
            return False
        return True

    async def _begin(self, told: DisputeToPost, bill: Bill) -> None:
        """The pursuit that would begin on its day waits for it from now on, and can hear."""
        order, native_id = self._order, bill.ref.native_id
        try:
            await workflow.start_child_workflow(
                CollectionsWorkflow.run,
                CollectionsInput(
                    billing_account=order.billing_account,
                    invoice_id=native_id,
                    tenant=order.tenant,
                    business_offset_seconds=order.business_offset_seconds,
                ),
                id=collections_id(order.billing_account, native_id),
                # One that a person has stopped is not begun anew.
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=at_start(bill.contract_key, told.deal_id),
                static_summary=f"Pursuit of {bill.number}",
            )
        except WorkflowAlreadyStartedError:
            return  # begun meanwhile, or over
