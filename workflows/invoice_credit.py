"""InvoiceCredit: a person gives back a part of an invoice that was issued.

    1  read the bill, check what is left, preview at the biller, get it approved
    2  the credit note at the biller                                    PIVOT
    3  the invoice's own run posts it to the ledger and shows it in the CRM; this one waits for it

Before the pivot nothing is written anywhere. After it the credit is a document with a number: it is
not taken back, and goes only forward.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.credit import CreditActivities
from activities.credit_inputs import AssessCredit, AssessedCredit, GiveCredit, RecordCredit
from activities.invoice import BillActivities, LedgerActivities
from activities.invoice_inputs import AwaitCredit, BillToPost, ReadBill
from dealthread.domain.documents import CreditMemo
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receivable import LedgerCreditMemo
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
)
from dealthread.naming import BILLING_QUEUE, erp_task_queue
from dealthread.policies import POST_LEDGER, READ, STORE, WRITE, Timing
from dealthread.ports.billing import CreditInvoice
from dealthread.saga import Step
from workflows.invoice_news import tell_invoice
from workflows.invoice_order import InvoiceOrder
from workflows.wording import INVOICE_CREDIT

LOOKS_AGAIN = "invoice-credit-looks-again-202611"
"""Patch: a credit that the biller takes back is not awaited; before, only a retry looked."""
_PATIENCE = timedelta(days=7)
"""How long the ledger's memo is awaited until a person is asked."""
_AWHILE = Timing(**(POST_LEDGER | {"schedule_to_close_timeout": timedelta(hours=6)}))
"""How long until it is looked whether the credit still stands."""


@workflow.defn(name="InvoiceCredit")
class InvoiceCreditWorkflow(InvoiceOrder[AssessedCredit]):
    """One credit on one invoice."""

    steps = INVOICE_CREDIT
    pivot = "credit"
    refused_as = "cannot be credited"
    asked_as = "Credit on"

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: ChangeInput) -> str:  # noqa: ARG002 - read by __init__
        return await self._carried_out(self._give())

    async def _give(self) -> None:
        assessed = await self._assessed()
        command = assessed.command
        assert command is not None  # noqa: S101 - nothing speaks against it
        memo = await self._credit(command, assessed)
        await self._saga.run(Step(name="ledger", act=lambda: self._follow(command, memo)))
        await self._saga.to_its_end(self._record(ChangeOutcome.COMPLETED))

    async def _look(self) -> AssessedCredit:
        return await workflow.execute_activity_method(
            CreditActivities.assess,
            AssessCredit(context=self._context),
            task_queue=BILLING_QUEUE,
            summary="Read the bill, preview the credit",
            **READ,
        )

    def _at_risk(self, found: AssessedCredit) -> Money | None:
        return found.preview.gross if found.preview is not None else None

    async def _credit(self, command: CreditInvoice, found: AssessedCredit) -> CreditMemo:
        return await self._saga.run(
            Step(
                name="credit",
                act=lambda: workflow.execute_activity_method(
                    CreditActivities.give,
                    GiveCredit(
                        context=self._context,
                        command=command,
                        money=self._at_risk(found),
                    ),
                    task_queue=BILLING_QUEUE,
                    summary=f"Credit {found.invoice_number}",
                    **WRITE,
                ),
                pivot=True,
            )
        )

    async def _follow(self, command: CreditInvoice, memo: CreditMemo) -> PostedDocument | None:
        """The invoice's run is told, and the ledger's memo awaited: only one of them posts. None
        where there is none to await, as once the biller has taken the credit back."""
        await tell_invoice(self._context, command.billing_account, command.invoice_id)
        until = workflow.now() + _PATIENCE
        while True:
            told = await self._told(command)
            ours = next((one for one in told.credit_memos if one.billing == memo.ref), None)
            if ours is None:
                return None
            if not workflow.patched(LOOKS_AGAIN):
                return await self._posted(told, ours, POST_LEDGER)
            try:
                return await self._posted(told, ours, _AWHILE)
            except ActivityError:
                if workflow.now() >= until:
                    raise

    async def _told(self, command: CreditInvoice) -> BillToPost:
        return await workflow.execute_activity_method(
            BillActivities.read,
            ReadBill(
                billing_account=command.billing_account,
                invoice_id=command.invoice_id,
                tenant=self._context.tenant,
            ),
            task_queue=BILLING_QUEUE,
            summary="What the ledger is to hold",
            **READ,
        )

    async def _posted(
        self, told: BillToPost, ours: LedgerCreditMemo, timing: Timing
    ) -> PostedDocument:
        return await workflow.execute_activity_method(
            LedgerActivities.await_credit,
            AwaitCredit(erp=told.erp, company=told.company, document_key=ours.document_key),
            task_queue=erp_task_queue(told.erp, told.company),
            summary=f"Until the ledger has {ours.number}",
            **timing,
        )

    async def _record(self, outcome: ChangeOutcome, reason: str = "") -> None:
        await workflow.execute_activity_method(
            CreditActivities.record,
            RecordCredit(context=self._context, outcome=outcome, reason=reason),
            task_queue=BILLING_QUEUE,
            summary=f"Ended: {outcome}",
            **STORE,
        )
