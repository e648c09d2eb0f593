"""InvoiceToCash: one invoice, from its finalisation at the biller to nothing left to pay.

    1  read the bill back from its owner
    2  post it to the ledger, equal to the cent
    3  post the credits that name it
    4  apply what was paid
    5  the CRM shows where it stands; subscribers hear what happened

Overdue, or after a failed charge, Collections pursues it meanwhile.

Then it waits for news of the invoice and does the same again: what is done already is found, so the
order in which news arrives does not matter. It ends when nothing of the invoice is open.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from temporalio import workflow

from activities.invoice import BillActivities, InvoiceMirrorActivities, LedgerActivities
from activities.invoice_inputs import (
    ApplyReceipt,
    BillToPost,
    InvoiceInput,
    MirrorInvoice,
    PostCreditMemo,
    PostInvoice,
    ReadBill,
    TakeBackCredit,
    stand_of,
)
from dealthread.domain.case import DecisionKind
from dealthread.domain.dunning import due_date_of, is_pursuable
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.receivable import LedgerCreditMemo, TakenBackCredit
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.failure import Problem
from dealthread.naming import (
    BILLING_QUEUE,
    CRM_QUEUE,
    erp_task_queue,
    invoice_id,
)
from dealthread.policies import LOOK, POST_REVENUE, READ, WRITE, Timing
from dealthread.saga import Saga, Step
from workflows.business_time import business_today, midnight, time_left
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.invoice_patches import (
    BELOW_NOUGHT,
    BOOKS_VOID,
    EACH_STAND,
    HEARS_TO_THE_END,
    SETTLES_FIRST,
    SUMMARISED,
    TAKES_BACK,
    VOID_LOOKS,
    WHILE_WANTED,
)
from workflows.posted_before import posted_before
from workflows.pursuit_begun import begin_pursuit
from workflows.summarised import SummarisedInvoice
from workflows.while_wanted import NoLongerWanted, WhileWanted
from workflows.wording import INVOICE_TO_CASH


@workflow.defn(name="InvoiceToCash")
class InvoiceToCashWorkflow(DecidedByPeople):
    """One invoice of one billing account."""

    @workflow.init
    def __init__(self, order: InvoiceInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=invoice_id(order.billing_account, order.invoice_id),
            generation=1,
            contract_key="",
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
        )
        self._desk = CaseDesk(self._context, INVOICE_TO_CASH, "biller", self._tell)
        self._asking = WhileWanted(self._desk, lambda: self._news, WHILE_WANTED)
        self._saga = Saga(INVOICE_TO_CASH, self._asking, self._tell)
        self._saga.pivot_crossed = True  # corrected by documents that name it, never undone
        self._news, self._seen = 1, 0
        """What was told, and how much of it before the last reading."""
        self._is_stale = False
        """What was read stands otherwise at the biller by now: it is read again at once."""
        self._document: PostedDocument | None = None
        self._done: set[str] = set()
        self._stands: list[str] = []
        """Where the CRM was shown that the invoice stands, oldest first."""
        self._pursued = False
        self._summary = SummarisedInvoice(self._saga, order)

    @workflow.run
    async def run(self, order: InvoiceInput) -> str:  # noqa: ARG002 - read by __init__
        while True:
            self._seen = self._news
            told = await self._read()
            self._is_stale = False
            if told.ignored and told.bill.status is not InvoiceStatus.DRAFT:
                self._saga.mark("read", StepState.DONE, told.ignored)
                return told.ignored
            if told.bill.status is InvoiceStatus.VOID:
                await self._void(told)
                break
            if told.invoice is None and told.credit_memos and workflow.patched(BELOW_NOUGHT):
                await self._below_nought(told)
                break
            is_posted = told.invoice is not None or told.is_old
            is_over = is_posted and await self._to_the_ledger(told)
            if is_over and not (self._news > self._seen and workflow.patched(HEARS_TO_THE_END)):
                break
            if is_over or self._is_stale:
                continue
            overdue = await self._overdue_on(told)
            await self._rest(midnight(overdue) if overdue else None, self._summary.next_look(told))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return told.bill.status

    async def _overdue_on(self, told: BillToPost) -> date | None:
        """The day on which it is overdue, where nobody pursues it yet; from then on, or after a
        failed charge, Collections does."""
        due = due_date_of(told.bill)
        if self._pursued or told.invoice is None or due is None or not is_pursuable(told.bill):
            return None
        if not workflow.patched("invoice-to-cash-collections-202611"):
            return None
        overdue = due + timedelta(days=1)
        today = business_today(self._order.business_offset_seconds)
        if today < overdue and not told.bill.failed_attempts:
            return overdue
        self._pursued = True
        await begin_pursuit(self._context, self._order, told.bill.number)
        return None

    async def _rest(self, *wakes: datetime | None) -> None:
        """Until there is news, or the first of these moments has come."""
        left = time_left(self._order.business_offset_seconds, *wakes)
        try:
            await workflow.wait_condition(lambda: self._news > self._seen, timeout=left)
        except TimeoutError:
            return

    async def _to_the_ledger(self, told: BillToPost) -> bool:
        """Post, credit, apply, show. True when nothing of the invoice is open any more."""
        is_known = self._document is not None
        is_held = told.held is not None and workflow.patched(SUMMARISED)
        if is_held and not await self._in_summary(told):
            return False
        posted = await self._post(told) or (self._document is not None and not is_known)
        if self._is_stale:
            return False
        credited = [memo for memo in told.credit_memos if await self._credit(told, memo)]
        for taken in told.taken_back:
            await self._take_back(told, taken)
        paid = [receipt for receipt in told.receipts if await self._apply(told, receipt)]
        is_paid = not told.bill.remaining and told.bill.status is InvoiceStatus.PAID
        is_over = is_paid and not self._is_stale
        is_news = is_over and self._stands[-1:] != [stand_of(told)]
        if posted or credited or paid or is_news or self._stands_elsewhere(told):
            paid = paid or list(told.receipts if told.held is not None else ())
            await self._show(told, posted, paid, credited, is_over=is_over)
        return is_over

    async def _in_summary(self, told: BillToPost) -> bool:
        """Whether the ledger has it, in its day's summary or taken out of it; until then the CRM
        shows how it stands, and what is paid is told."""
        kept = await self._summary.kept(told, self._context)
        if kept is None:
            if self._stands_elsewhere(told):
                await self._show(told, False, list(told.receipts), [], is_over=False)
            return False
        self._document = kept.invoice
        self._done.update(kept.receipt_keys)
        return True

    async def _below_nought(self, told: BillToPost) -> None:
        """The whole invoice is a credit: to the customer's balance, and nothing is awaited."""
        credited = [memo for memo in told.credit_memos if await self._credit(told, memo)]
        await self._show(told, False, [], credited, is_over=True)

    def _stands_elsewhere(self, told: BillToPost) -> bool:
        """Given up by the biller, or a credit withdrawn there: the ledger gets nothing of it, the
        CRM shows it."""
        if self._is_stale or not workflow.patched(EACH_STAND):
            return False
        return self._stands[-1:] != [stand_of(told)]

    async def _void(self, told: BillToPost) -> None:
        """Corrected in the ledger by a document that names it; a person does where money came."""
        if self._document is None and workflow.patched(VOID_LOOKS):
            self._document = await posted_before(self._saga, self._context, told)
        if self._document is not None and not await self._reversed(told):
            await self._desk.ask(
                "erp.rejected",
                "credit",
                code="posted_invoice_voided",
                summary=f"{told.bill.number} was voided after it was posted, and money came for "
                "it: put it right in the ledger (docs/invoices.md), then retry",
                evidence={"document": self._document.number or self._document.ref.native_id},
                allowed=(DecisionKind.RETRY,),
                at_risk=told.bill.gross,
            )
            if workflow.patched(SETTLES_FIRST):
                await self._reversed(await self._read())
        await self._show(told, False, [], [], is_over=True)

    async def _reversed(self, told: BillToPost) -> bool:
        """Whether its reversal is in the ledger, behind what happened to it before."""
        if told.void is None or not workflow.patched(BOOKS_VOID):
            return False
        if told.is_touched and workflow.patched(SETTLES_FIRST):
            for memo in told.credit_memos:
                await self._credit(told, memo)
            for taken in told.taken_back:
                await self._take_back(told, taken)
            for receipt in told.receipts:
                await self._apply(told, receipt)
        await self._saga.run(self._memo(told, told.void))
        return True

    async def _read(self) -> BillToPost:
        told = await self._saga.run(Step(name="read", act=lambda: self._read_once(READ)))
        whose = {"contract_key": told.bill.contract_key, "org": told.org, "deal_id": told.deal_id}
        self._context = self._context.model_copy(update=whose)
        self._desk.move_to(self._context, told.bill.customer_key)
        return told

    async def _read_once(self, timing: Timing) -> BillToPost:
        return await workflow.execute_activity_method(
            BillActivities.read,
            ReadBill(
                billing_account=self._order.billing_account,
                invoice_id=self._order.invoice_id,
                tenant=self._order.tenant,
            ),
            task_queue=BILLING_QUEUE,
            summary="Read the bill back from the biller",
            **timing,
        )

    async def _unless_taken_back(
        self, step: Step[PostedDocument], is_wanted: Callable[[BillToPost, Problem], bool]
    ) -> PostedDocument | None:
        """Take a step to its end; None where the biller took back what it is about."""

        async def still(problem: Problem) -> bool:
            return is_wanted(await self._read_once(LOOK), problem)

        try:
            return await self._asking.run(self._saga, step, self._seen, still)
        except NoLongerWanted:
            self._is_stale = True
            self._saga.mark(step.name, StepState.SKIPPED, "taken back by the biller")
            return None

    async def _post(self, told: BillToPost) -> bool:
        invoice = told.invoice
        if self._document is not None or invoice is None:
            return False
        # One that may be in the ledger is a person's: who looks for it there may come too early.
        self._document = await self._unless_taken_back(
            Step(
                name="post",
                act=lambda: workflow.execute_activity_method(
                    LedgerActivities.post,
                    PostInvoice(context=self._context, erp=told.erp, invoice=invoice),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"Post invoice {invoice.number}",
                    **POST_REVENUE,
                ),
            ),
            lambda now, problem: problem.is_uncertain or now.bill.status is not InvoiceStatus.VOID,
        )
        return self._document is not None

    async def _credit(self, told: BillToPost, memo: LedgerCreditMemo) -> bool:
        if (key := memo.document_key) in self._done:
            return False
        made = await self._unless_taken_back(
            self._memo(told, memo),
            # What may have reached the ledger is undone there by the next reading.
            lambda now, _: all(one.memo != key for one in now.taken_back),
        )
        if made is not None:
            self._done.add(key)
        return made is not None

    def _memo(self, told: BillToPost, memo: LedgerCreditMemo) -> Step[PostedDocument]:
        return Step(
            name="credit",
            act=lambda: workflow.execute_activity_method(
                LedgerActivities.credit,
                PostCreditMemo(context=self._context, erp=told.erp, memo=memo),
                task_queue=erp_task_queue(told.erp, told.company),
                summary=f"Post credit {memo.number}",
                **POST_REVENUE,
            ),
        )

    async def _take_back(self, told: BillToPost, taken: TakenBackCredit) -> None:
        key = taken.document.document_key
        if key in self._done or not workflow.patched(TAKES_BACK):
            return
        await self._saga.run(
            Step(
                name="credit",
                act=lambda: workflow.execute_activity_method(
                    LedgerActivities.take_back,
                    TakeBackCredit(context=self._context, erp=told.erp, taken=taken),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"Take back credit: {taken.document.number}",
                    **POST_REVENUE,
                ),
            )
        )
        self._done.add(key)

    async def _apply(self, told: BillToPost, receipt: LedgerReceipt) -> bool:
        if receipt.document_key in self._done:
            return False
        await self._saga.run(
            Step(
                name="apply",
                act=lambda: workflow.execute_activity_method(
                    LedgerActivities.apply,
                    ApplyReceipt(context=self._context, erp=told.erp, receipt=receipt),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"Apply {receipt.amount} to {receipt.reference}",
                    **POST_REVENUE,
                ),
            )
        )
        self._done.add(receipt.document_key)
        return True

    async def _show(
        self,
        told: BillToPost,
        posted: bool,
        paid: list[LedgerReceipt],
        credited: list[LedgerCreditMemo],
        *,
        is_over: bool,
    ) -> None:
        stand = stand_of(told)
        again = self._stands.count(stand)
        self._stands.append(stand)
        await self._saga.run(
            Step(
                name="crm",
                act=lambda: workflow.execute_activity_method(
                    InvoiceMirrorActivities.mirror,
                    MirrorInvoice(
                        context=self._context,
                        told=told,
                        document=self._document,
                        posted=posted,
                        paid=tuple(paid),
                        credited=tuple(credited),
                        is_over=is_over,
                        again=again,
                    ),
                    task_queue=CRM_QUEUE,
                    summary=f"The CRM shows {told.bill.number}: {told.bill.status}",
                    **WRITE,
                ),
            )
        )

    # ------------------------------------------------------------ messages

    @workflow.signal
    def news(self) -> None:
        """Something happened to the invoice: it is read again. What, is told by its owner."""
        self._news += 1

    def _tell(self) -> None:
        view = self._status()
        workflow.set_current_details(
            f"Invoice `{self._order.invoice_id}` of `{self._order.billing_account}`.\n\n"
            f"**Stands at:** {view.headline}"
        )
