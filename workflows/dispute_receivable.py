"""The receivable of an invoice whose payment was lost to a dispute is open again (docs/adr/0023,
docs/adr/0028): by what was lost of it, and no more.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.dispute import DisputePostingActivities
from activities.dispute_inputs import ApplyRemainder, DisputeToPost, ReopenReceivable
from activities.invoice import LedgerActivities
from activities.invoice_inputs import AwaitCredit
from dealthread.domain.ledger import Reversal
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.naming import erp_task_queue
from dealthread.policies import POST_LEDGER, Timing
from dealthread.saga import Saga, Step
from workflows.invoice_news import tell_invoice

AWAITS_PAYMENT = "dispute-to-end-awaits-the-payment-202611"
"""Patch: the payment is in the ledger before it is reversed; before, a person had to try again."""
_A_DAY = Timing(**(POST_LEDGER | {"schedule_to_close_timeout": timedelta(days=1)}))


class Receivable:
    """Of one invoice after another; each is a document of its own."""

    def __init__(self, saga: Saga) -> None:
        self._saga = saga

    async def reopen(self, context: SagaContext, told: DisputeToPost, reversal: Reversal) -> None:
        """The payment's entry gets its opposite; what is left of the payment settles again."""
        await self._payment_is_there(context, told, reversal)
        await self._saga.run(
            Step(
                name="reopen",
                act=lambda: workflow.execute_activity_method(
                    DisputePostingActivities.reopen,
                    ReopenReceivable(
                        context=context, erp=told.erp, reversal=reversal, mark=told.mark
                    ),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"Open {told.invoice} again",
                    **POST_LEDGER,
                ),
            )
        )
        if told.remainder is None:
            self._saga.mark("remainder", StepState.SKIPPED, "nothing is left of the payment")
        else:
            await self._apply(context, told, told.remainder)

    async def _apply(
        self, context: SagaContext, told: DisputeToPost, remainder: LedgerReceipt
    ) -> None:
        await self._saga.run(
            Step(
                name="remainder",
                act=lambda: workflow.execute_activity_method(
                    DisputePostingActivities.apply_remainder,
                    ApplyRemainder(
                        context=context, erp=told.erp, receipt=remainder, mark=told.mark
                    ),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"Apply {remainder.amount} to {told.invoice}",
                    **POST_LEDGER,
                ),
            )
        )

    async def _payment_is_there(
        self, context: SagaContext, told: DisputeToPost, reversal: Reversal
    ) -> None:
        """News of the dispute may overtake that of the payment, which the invoice's own run brings
        to the ledger. One that nobody brings is a person's, once its opposite is refused."""
        bill = told.bill
        if bill is None or not workflow.patched(AWAITS_PAYMENT):
            return
        await tell_invoice(context, bill.ref.account, bill.ref.native_id)
        try:
            await workflow.execute_activity_method(
                LedgerActivities.await_credit,
                AwaitCredit(erp=told.erp, company=told.company, document_key=reversal.reverses),
                task_queue=erp_task_queue(told.erp, told.company),
                summary=f"Until the ledger has the payment of {told.invoice}",
                **_A_DAY,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
