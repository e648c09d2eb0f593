"""InvoiceCredit: a person gives back a part of an invoice that was issued.

    1  read the bill, check what is left, preview at the biller, get it approved
    2  the credit note at the biller                                    PIVOT
    3  the invoice's own run posts it to the ledger and shows it in the CRM; this one waits for it

Before the pivot nothing is written anywhere. After it the credit is a document with a number: it is
not taken back, and goes only forward.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.credit import CreditActivities
from activities.credit_inputs import AssessCredit, AssessedCredit, GiveCredit, RecordCredit
from activities.invoice import BillActivities, LedgerActivities
from activities.invoice_inputs import AwaitCredit, BillToPost, ReadBill
from dealthread.domain.case import DecisionKind
from dealthread.domain.documents import CreditMemo
from dealthread.domain.receivable import LedgerCreditMemo, PostedDocument
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    StepState,
    context_of,
)
from dealthread.naming import BILLING_QUEUE, erp_task_queue
from dealthread.policies import POST_LEDGER, READ, STORE, WRITE, Timing
from dealthread.ports.billing import CreditInvoice
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.invoice_news import tell_invoice
from workflows.wording import INVOICE_CREDIT, current_details

LOOKS_AGAIN = "invoice-credit-looks-again-202611"
"""Patch: a credit that the biller takes back is not awaited; before, only a retry looked."""
_PATIENCE = timedelta(days=7)
"""How long the ledger's memo is awaited until a person is asked."""
_AWHILE = Timing(**(POST_LEDGER | {"schedule_to_close_timeout": timedelta(hours=6)}))
"""How long until it is looked whether the credit still stands."""


@workflow.defn(name="InvoiceCredit")
class InvoiceCreditWorkflow(DecidedByPeople):
    """One credit on one invoice."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        request = order.request
        self._order = order
        self._context = context_of(order)
        self._desk = CaseDesk(self._context, INVOICE_CREDIT, request.requested_by, self._tell)
        self._saga = Saga(INVOICE_CREDIT, self._desk, self._tell)
        self._saga.name_pivot("credit")

    @workflow.run
    async def run(self, order: ChangeInput) -> str:  # noqa: ARG002 - read by __init__
        outcome = ChangeOutcome.COMPLETED
        try:
            await self._give()
        except SagaStopped as stop:
            outcome = ChangeOutcome.COMPENSATED
            await self._saga.to_its_end(self._record(outcome, str(stop)))
        except asyncio.CancelledError:
            await self._saga.to_its_end(self._record(ChangeOutcome.CANCELLED, "cancelled"))
            raise
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return outcome

    async def _give(self) -> None:
        assessed = await self._assessed()
        command = assessed.command
        assert command is not None  # noqa: S101 - nothing speaks against it
        memo = await self._credit(command, assessed)
        await self._saga.run(Step(name="ledger", act=lambda: self._follow(command, memo)))
        await self._saga.to_its_end(self._record(ChangeOutcome.COMPLETED))

    async def _assessed(self) -> AssessedCredit:
        """Check, preview and get approved, until the credit may be given or is stopped."""
        approved = ""
        while True:
            found = await self._assess()
            if found.refusals:
                await self._refused(found)
            elif found.approvals and approved != found.content_hash:
                # After an approval all is looked at again: the invoice may stand elsewhere now.
                approved = await self._approval(found)
            else:
                self._saga.mark("assess", StepState.DONE)
                return found

    async def _assess(self) -> AssessedCredit:
        found = await self._saga.run(
            Step(
                name="assess",
                act=lambda: workflow.execute_activity_method(
                    CreditActivities.assess,
                    AssessCredit(context=self._context),
                    task_queue=BILLING_QUEUE,
                    summary="Read the bill, preview the credit",
                    **READ,
                ),
            )
        )
        self._desk.contract = found.contract
        if found.contract is not None:
            self._desk.customer_key = found.contract.customer_key
        return found

    async def _refused(self, found: AssessedCredit) -> None:
        first = found.refusals[0]
        self._saga.mark("assess", StepState.STUCK, first.code)
        decision = await self._desk.ask(
            "billing.rejected",
            "assess",
            code=first.code,
            summary=f"{found.invoice_number or 'The invoice'} cannot be credited: {first.action}",
            evidence={one.field: f"{one.code}: {one.action}" for one in found.refusals},
            allowed=(DecisionKind.RETRY, DecisionKind.ABORT),
        )
        if decision.decision is DecisionKind.ABORT:
            raise SagaStopped("assess")

    async def _approval(self, found: AssessedCredit) -> str:
        self._saga.mark("assess", StepState.STUCK, "waiting for approval")
        decision = await self._desk.ask(
            "deal.approval",
            "assess",
            code="approval",
            summary=f"Credit on {found.invoice_number} needs approval: "
            + "; ".join(reason.detail for reason in found.approvals),
            evidence={reason.rule: reason.detail for reason in found.approvals},
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
            at_risk=found.preview.gross if found.preview is not None else None,
        )
        if decision.decision is not DecisionKind.APPROVE:
            raise SagaStopped("assess")
        return found.content_hash

    async def _credit(self, command: CreditInvoice, found: AssessedCredit) -> CreditMemo:
        return await self._saga.run(
            Step(
                name="credit",
                act=lambda: workflow.execute_activity_method(
                    CreditActivities.give,
                    GiveCredit(
                        context=self._context,
                        command=command,
                        money=found.preview.gross if found.preview is not None else None,
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

    # ------------------------------------------------------------ messages

    def _tell(self) -> None:
        workflow.set_current_details(
            current_details(self._status(), self._desk.contract, self._desk.customer_name)
        )
