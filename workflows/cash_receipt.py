"""CashReceipt: what came to a seller's bank, until it is applied or a person says what it is.

    1  whose money it is, and which invoices it pays
    2  into the ledger: bank against unapplied cash, whole
    3  each invoice is paid at the biller as far as it goes; the invoice's own run takes that from
       unapplied cash

A named invoice that nobody knows yet is waited for: the money is in the books meanwhile. What then
is left, or fits no invoice, is a case; until it is decided it stays the customer's, unapplied.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from temporalio import workflow

from activities.cash import CashActivities, LedgerCashActivities
from activities.cash_inputs import (
    CashReceiptInput,
    MatchReceipt,
    ReceiveCash,
    RecordedOnInvoice,
    RecordOnInvoice,
)
from dealthread.domain.base import Ref, System
from dealthread.domain.case import DecisionKind
from dealthread.domain.cash import UNAPPLIED_CASH, CashMatch, OwedBill, RecordedAs
from dealthread.domain.corrections import parse_corrections
from dealthread.domain.money import Money
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.naming import BILLING_QUEUE, bank_receipt_id, bank_receipt_key, erp_task_queue
from dealthread.policies import POST_REVENUE, READ, WRITE
from dealthread.saga import Saga, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.invoice_news import tell_invoice
from workflows.wording import CASH_RECEIPT

LOOK_AGAIN = timedelta(hours=1)
LOOKS = 72
"""Three days: the biller finalises an invoice within an hour, and tries for three days where
somebody does not take its messages."""
_NEXT = {
    "payer_unknown": "say whose it is: retry-with --set customer_key=KEY or --set invoices=NUMBER",
    "names_no_invoice": "name the invoices: retry-with --set invoices=NUMBER,NUMBER; or leave it "
    "the customer's: --set on_account=true",
    "invoice_not_known": "find the invoice at the biller, then retry; or name another",
    "part_payment": "retry when no more is left of its invoice than this; or leave it the "
    "customer's: --set on_account=true. Do not record it at the biller as paid elsewhere: the "
    "bank would have it twice",
    "over_payment": "name a further invoice, or leave it the customer's: --set on_account=true; "
    "a refund is made at the bank",
}


@workflow.defn(name="CashReceipt")
class CashReceiptWorkflow(DecidedByPeople):
    """One receipt of one seller's bank."""

    @workflow.init
    def __init__(self, order: CashReceiptInput) -> None:
        self._order = order
        self._receipt = order.receipt
        self._context = SagaContext(
            business_key=bank_receipt_id(order.receipt.seller, order.receipt.source),
            generation=1,
            contract_key="",
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
            actor=order.receipt.actor,
        )
        self._desk = CaseDesk(self._context, CASH_RECEIPT, order.receipt.actor, self._tell)
        self._saga = Saga(CASH_RECEIPT, self._desk, self._tell)
        # Money that came is never undone here: what is not applied stays the customer's.
        self._saga.pivot_crossed = True
        self._left = order.receipt.amount
        self._paid: list[str] = []
        self._short = False
        self._looks = 0

    @workflow.run
    async def run(self, order: CashReceiptInput) -> str:  # noqa: ARG002 - read by __init__
        found = await self._payer()
        await self._receive(found)
        await self._apply(found)
        while self._left and not self._receipt.on_account:
            if found.unknown and self._looks < LOOKS:
                self._looks += 1
                await workflow.sleep(LOOK_AGAIN)
            else:
                await self._ask(found)
            found = await self._match()
            await self._apply(found)
        self._saga.mark("apply", StepState.DONE, f"{self._left} on account" if self._left else "")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return f"{self._receipt.amount - self._left} applied, {self._left} on account"

    async def _payer(self) -> CashMatch:
        found = await self._match()
        while not found.customer_key:
            await self._decided(
                "cash.unmatched", "match", "payer_unknown", "nobody can say whose it is", found
            )
            found = await self._match()
        return found

    async def _match(self) -> CashMatch:
        found = await self._saga.run(
            Step(
                name="match",
                act=lambda: workflow.execute_activity_method(
                    CashActivities.match,
                    MatchReceipt(receipt=self._receipt),
                    task_queue=BILLING_QUEUE,
                    summary="Whose money it is, and for which invoices",
                    **READ,
                ),
            )
        )
        contract_key = found.bills[0].contract_key if found.bills else self._context.contract_key
        self._context = self._context.model_copy(update={"contract_key": contract_key})
        self._desk.move_to(self._context, found.customer_key or self._receipt.customer_key)
        self._desk.customer_name = found.customer_name
        return found

    async def _receive(self, found: CashMatch) -> None:
        receipt = self._receipt
        posted = LedgerReceipt(
            document_key=bank_receipt_key(self._order.tenant, receipt.seller, receipt.source),
            source=Ref(
                system=System.BANK,
                account=receipt.seller,
                kind="receipt",
                native_id=receipt.source,
            ),
            company=found.company,
            customer_key=found.customer_key,
            value_date=receipt.value_date,
            posting_date=receipt.value_date,
            money_account="1000",
            amount=receipt.amount,
            unapplied=receipt.amount,
            unapplied_account=UNAPPLIED_CASH,
            reference=receipt.source,
        )
        await self._saga.run(
            Step(
                name="receive",
                act=lambda: workflow.execute_activity_method(
                    LedgerCashActivities.post,
                    ReceiveCash(context=self._context, erp=found.erp, receipt=posted),
                    task_queue=erp_task_queue(found.erp, found.company),
                    summary=f"Receive {receipt.amount}",
                    **POST_REVENUE,
                ),
            )
        )

    async def _apply(self, found: CashMatch) -> None:
        """In order, as far as the money goes."""
        self._short = False
        for bill in found.bills:
            if self._left and bill.number not in self._paid:
                await self._record(bill)

    async def _record(self, bill: OwedBill) -> None:
        made: RecordedOnInvoice = await self._saga.run(
            Step(
                name="apply",
                act=lambda: workflow.execute_activity_method(
                    CashActivities.record,
                    RecordOnInvoice(
                        context=self._context,
                        receipt=self._receipt.source,
                        bill=bill,
                        most=self._left,
                        value_date=self._receipt.value_date,
                    ),
                    task_queue=BILLING_QUEUE,
                    summary=f"{bill.number} is paid by the bank's {self._receipt.source}",
                    **WRITE,
                ),
            )
        )
        self._short = self._short or made.outcome is RecordedAs.SHORT
        if made.outcome is RecordedAs.PAID:
            self._left = self._left - made.amount
            self._paid.append(bill.number)
            # From here on it is this customer's: an invoice of another one fits it no more.
            self._receipt = self._receipt.model_copy(update={"customer_key": bill.customer_key})
            await tell_invoice(self._context, bill.ref.account, bill.ref.native_id)

    async def _ask(self, found: CashMatch) -> None:
        """What becomes of what is left."""
        if found.unknown:
            named = ", ".join(found.unknown)
            kind, code, why = "cash.unmatched", "invoice_not_known", f"nobody knows {named}"
        elif self._short:
            kind, code, why = "cash.over_under", "part_payment", "more is left of its invoice"
        elif self._paid:
            kind, code, why = "cash.over_under", "over_payment", "its invoices are paid"
        else:
            kind, code, why = "cash.unmatched", "names_no_invoice", "it fits no open invoice"
        await self._decided(kind, "apply", code, why, found)
        self._looks = 0

    async def _decided(self, kind: str, step: str, code: str, why: str, found: CashMatch) -> None:
        self._saga.mark(step, StepState.STUCK, code)
        receipt = self._receipt
        decision = await self._desk.ask(
            kind,
            step,
            code=code,
            summary=f"{self._left} of the bank's {receipt.source}: {why}",
            evidence={
                "receipt": receipt.source,
                "received": str(receipt.amount),
                "left": str(self._left),
                "value_date": receipt.value_date.isoformat(),
                "seller": receipt.seller,
                "region": found.region,
                "invoices_paid": ", ".join(self._paid),
                "next_step": _NEXT[code],
            },
            allowed=(DecisionKind.RETRY, DecisionKind.RETRY_WITH),
            at_risk=self._left,
        )
        if decision.decision is DecisionKind.RETRY_WITH:
            self._correct(decision.correction)

    def _correct(self, given: Mapping[str, object]) -> None:
        said = parse_corrections(given)
        update: dict[str, object] = {}
        if said.customer_key and not self._paid:
            update["customer_key"] = said.customer_key
        if said.invoices:
            update["invoices"] = tuple(said.invoices.replace(",", " ").split())
        if said.on_account:
            update["on_account"] = True
        self._receipt = self._receipt.model_copy(update=update)

    def _tell(self) -> None:
        view = self._status()
        left: Money = self._left
        workflow.set_current_details(
            f"Receipt `{self._receipt.source}` of {self._receipt.seller}: "
            f"{self._receipt.amount}, {left} not applied.\n\n**Stands at:** {view.headline}"
        )
