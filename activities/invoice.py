"""Steps of InvoiceToCash: read the bill, post it, credit it, apply what was paid, show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from temporalio import activity

from activities.invoice_inputs import (
    ApplyReceipt,
    AwaitCredit,
    BillToPost,
    FoundDocument,
    MirrorInvoice,
    PostCreditMemo,
    PostInvoice,
    ReadBill,
    stand_of,
)
from activities.invoice_telling import events_of
from activities.ledger_documents import credit_memos, ledger_invoice, receipts
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.receivable import (
    DocumentState,
    LedgerCreditMemo,
    LedgerInvoice,
    LedgerReceipt,
    PostedDocument,
)
from dealthread.domain.transaction import ChangeOutcome
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import AttemptInFlight
from dealthread.hub import Bills, Contracts, Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort, InvoiceMirror
from dealthread.ports.erp import ErpPort


class BillActivities:
    """Reading the bill, through the billing port."""

    def __init__(
        self, billing: BillingPort, contracts: Contracts, bills: Bills, clock: BusinessClock
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._bills = bills
        self._clock = clock

    @activity.defn(name="invoice.read")
    async def read(self, order: ReadBill) -> BillToPost:
        """The invoice as its owner has it now, and the ledger's documents that follow from it."""
        read_at = self._clock.now()
        bill = await self._billing.read_bill(order.billing_account, order.invoice_id)
        if not bill.contract_key:
            return BillToPost(bill=bill, ignored="no contract of ours")
        contract = await self._contracts.read(bill.contract_key)
        if contract is None:
            return BillToPost(bill=bill, ignored="contract not known")
        told = BillToPost(
            bill=bill,
            erp=contract.erp,
            company=contract.erp_company,
            org=contract.org,
            deal_id=contract.deal_id,
            account_id=contract.customer_ref.native_id,
            seller=contract.seller,
            region=contract.seller_region,
        )
        if bill.status is InvoiceStatus.DRAFT:
            return told.model_copy(update={"ignored": "a draft"})
        await self._bills.seen(bill, read_at)
        if bill.gross.amount <= 0:
            # Registered by its number, nothing to receive; below nought it is a credit elsewhere.
            return told.model_copy(update={"ignored": "nothing to receive"})
        return told.model_copy(
            update={
                "invoice": ledger_invoice(bill, contract, order.tenant),
                "receipts": receipts(bill, contract, order.tenant),
                "credit_memos": credit_memos(bill, contract, order.tenant),
            }
        )


class LedgerActivities:
    """Posting, through the port of the ERP that the contract names."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._erps = erps
        self._ensure = ensure

    @activity.defn(name="invoice.post")
    async def post(self, order: PostInvoice) -> PostedDocument:
        """The invoice under its legal number, equal to the cent."""
        erp, invoice = self._erps[order.erp], order.invoice
        return await self._once(
            order,
            "invoice",
            invoice,
            invoice.gross,
            lambda key: erp.post_invoice(invoice, idempotency_key=key),
            "invoice_posted",
        )

    @activity.defn(name="invoice.find")
    async def find(self, order: PostInvoice) -> FoundDocument:
        """The invoice, if the ledger has it posted."""
        invoice = order.invoice
        erp = self._erps[order.erp]
        return FoundDocument(document=await _posted(erp, invoice.company, invoice.document_key))

    @activity.defn(name="invoice.await_credit")
    async def await_credit(self, order: AwaitCredit) -> PostedDocument:
        """A credit memo, as soon as the ledger has it posted: the invoice's own run posts it."""
        found = await _posted(self._erps[order.erp], order.company, order.document_key)
        if found is None:
            raise AttemptInFlight("credit_not_in_the_ledger_yet")
        return found

    @activity.defn(name="invoice.apply")
    async def apply(self, order: ApplyReceipt) -> PostedDocument:
        """A payment, or balance that was used: settles the invoice as far as it goes."""
        erp, receipt = self._erps[order.erp], order.receipt
        return await self._once(
            order,
            f"receipt-{receipt.document_key}",
            receipt,
            receipt.amount,
            lambda key: erp.apply_receipt(receipt, idempotency_key=key),
            "payment_applied",
        )

    @activity.defn(name="invoice.credit")
    async def credit(self, order: PostCreditMemo) -> PostedDocument:
        """A credit memo that names the invoice it corrects."""
        erp, memo = self._erps[order.erp], order.memo
        return await self._once(
            order,
            f"credit-{memo.document_key}",
            memo,
            memo.gross,
            lambda key: erp.post_credit_memo(memo, idempotency_key=key),
            "credit_posted",
        )

    async def _once(
        self,
        order: PostInvoice | ApplyReceipt | PostCreditMemo,
        step: str,
        document: LedgerInvoice | LedgerReceipt | LedgerCreditMemo,
        money: Money,
        act: Callable[[str], Awaitable[Outcome[PostedDocument]]],
        stage: str,
    ) -> PostedDocument:
        """One document of the ledger, found by its key before it is posted again."""
        context, erp = order.context, self._erps[order.erp]
        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=idempotency_key(context.business_key, context.generation, step, "do"),
                    step=f"erp.{step.partition('-')[0]}",
                    system=System.ERP,
                    account=f"{order.erp}.{document.company}",
                    context=context,
                    request_hash=request_hash(document),
                    money=money,
                ),
                result_type=PostedDocument,
                find=lambda: _posted(erp, document.company, document.document_key),
                act=act,
                effects=lambda made: Effects(refs=_refs(made), stage=stage),
                settle=erp.settle_window,
            )
        )


class InvoiceMirrorActivities:
    """Showing the invoice, through the CRM port."""

    def __init__(self, crm: CrmPort, ensure: Ensure, clock: BusinessClock) -> None:
        self._crm = crm
        self._ensure = ensure
        self._clock = clock

    @activity.defn(name="invoice.mirror", no_thread_cancel_exception=True)
    async def mirror(self, order: MirrorInvoice) -> CrmRecord:
        """The CRM shows where the invoice stands; subscribers hear what happened since."""
        context, bill = order.context, order.told.bill
        state = f"{stand_of(order.told)}~{order.again}" if order.again else stand_of(order.told)
        paid_on = max((one.paid_on for one in bill.payments), default=None)
        command = InvoiceMirror(
            contract_key=bill.contract_key,
            account_id=order.told.account_id,
            invoice=bill.ref,
            number=bill.number,
            status=bill.status,
            currency=bill.currency,
            gross=bill.gross,
            remaining=bill.remaining,
            issue_date=bill.issue_date,
            due_date=bill.due_date,
            paid_on=paid_on if not bill.remaining else None,
            document=order.document.ref if order.document is not None else None,
        )

        async def act(key: str) -> Outcome[CrmRecord]:
            return await self._crm.mirror_invoice(command, idempotency_key=key)

        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=idempotency_key(
                        context.business_key, context.generation, f"mirror-{state}", "do"
                    ),
                    step="crm.mirror_invoice",
                    system=System.CRM,
                    account=context.org,
                    context=context,
                    request_hash=request_hash(command),
                ),
                result_type=CrmRecord,
                find=_not_asked,
                act=act,
                effects=lambda record: Effects(
                    refs=(record.ref,),
                    events=events_of(order, self._clock.now()),
                    stage="paid" if order.is_over else "posted",
                    outcome=ChangeOutcome.COMPLETED if order.is_over else None,
                ),
                settle=self._crm.settle_window,
            )
        )


async def _posted(erp: ErpPort, company: str, key: str) -> PostedDocument | None:
    """A document that an earlier attempt left half-made is finished by acting again."""
    found = await erp.find_document(company, key)
    return None if found is None or found.state is DocumentState.DRAFT else found


def _refs(made: PostedDocument) -> tuple[Ref, ...]:
    named = {f"{made.kind}_number": made.number, f"{made.kind}_key": made.document_key}
    return (
        made.ref,
        *(
            made.ref.model_copy(update={"kind": kind, "native_id": native_id})
            for kind, native_id in named.items()
            if native_id
        ),
    )


async def _not_asked() -> None:
    """The record is kept by the invoice's own id: writing it again is the same."""
    return
