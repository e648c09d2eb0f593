"""Steps of InvoiceToCash: read the bill, post it, credit it, apply what was paid, show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from temporalio import activity

from activities.credit_outside import credits_outside, taken_back_outside
from activities.invoice_inputs import (
    ApplyReceipt,
    AwaitCredit,
    BillToPost,
    FoundDocument,
    MirrorInvoice,
    PostCreditMemo,
    PostInvoice,
    ReadBill,
    TakeBackCredit,
    stand_of,
)
from activities.invoice_telling import events_of, failed, issued
from activities.ledger_documents import (
    credit_memos,
    credits_shown,
    ledger_invoice,
    negative_invoice,
    old_receipts,
    receipts,
    taken_back,
)
from activities.ledger_posting import LedgerPosting, LedgerStep, posted
from activities.ledger_rates import (
    applying,
    credit_at_its_rate,
    invoice_at_its_rate,
)
from activities.posting_place import PostingPlaces
from activities.tax_rates import check_rates
from activities.void_documents import INVOICE_VOID, void_memo
from dealthread.domain.adoption.carried import is_of_others, paid_since
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import CrmRecord
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.domain.transaction import ChangeOutcome
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.errors import AttemptInFlight, VendorUnavailable
from dealthread.hub import Bills, Contracts, Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CONTRACT_RECORD_MISSING, CrmPort, InvoiceMirror
from dealthread.ports.erp import ErpPort
from dealthread.ports.ledger import CUSTOMER_UNKNOWN

T = TypeVar("T")


class BillActivities:
    """Reading the bill, through the billing port."""

    def __init__(
        self,
        billing: BillingPort,
        contracts: Contracts,
        bills: Bills,
        places: PostingPlaces,
        clock: BusinessClock,
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._bills = bills
        self._places = places
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
        if is_of_others(bill, contract):
            return await self._of_before(told, contract, order, read_at)
        if bill.status is InvoiceStatus.DRAFT:
            return told.model_copy(update={"ignored": "a draft"})
        told_of = (*issued(bill, contract, read_at), *failed(bill, contract, read_at))
        await self._bills.seen(
            bill, read_at, told_of, credits_outside(bill, contract), taken_back_outside(bill)
        )
        if not bill.gross:
            # Registered by its number; nothing to receive.
            return told.model_copy(update={"ignored": "nothing to receive"})
        if bill.gross.amount < 0:
            memo = negative_invoice(bill, contract, order.tenant)
            return told.model_copy(update={"credit_memos": (memo,)})
        return told.model_copy(
            update={
                "invoice": ledger_invoice(bill, contract, order.tenant),
                "receipts": receipts(bill, contract, order.tenant),
                "credit_memos": credit_memos(bill, contract, order.tenant),
                "taken_back": taken_back(bill, contract, order.tenant),
                "void": void_memo(bill, contract, order.tenant),
                "held": await self._places.of(bill, contract, order.tenant),
            }
        )

    async def _of_before(
        self, told: BillToPost, contract: Contract, order: ReadBill, read_at: datetime
    ) -> BillToPost:
        """An invoice that was open when the contract was adopted is carried on where others left
        it: what was paid since is applied. What was settled by then, or credited since, is
        theirs."""
        bill = told.bill
        old = await self._bills.old_invoice(bill)
        since = paid_since(bill, old.owed) if old is not None else None
        if old is None or since is None or bill.status is InvoiceStatus.VOID:
            return told.model_copy(update={"ignored": "billed before the contract was ours"})
        await self._bills.seen(bill, read_at)
        made = old_receipts(bill, contract, order.tenant, since, old.document)
        return told.model_copy(update={"is_old": True, "receipts": made})


class LedgerActivities:
    """Posting, through the port of the ERP that the contract names."""

    def __init__(
        self,
        erps: Mapping[str, ErpPort],
        ensure: Ensure,
        contracts: Contracts,
        config: Callable[[], ConfigSet],
    ) -> None:
        self._erps = erps
        self._ensure = ensure
        self._posting = LedgerPosting(erps, ensure)
        self._contracts = contracts
        self._config = config

    @activity.defn(name="invoice.post")
    async def post(self, order: PostInvoice) -> PostedDocument:
        """The invoice under its legal number, equal to the cent."""
        invoice = order.invoice
        return await self._once(
            order,
            "invoice",
            invoice,
            invoice.gross,
            lambda erp, key: self._post(erp, order, key),
            "invoice_posted",
        )

    @activity.defn(name="invoice.find")
    async def find(self, order: PostInvoice) -> FoundDocument:
        """The invoice, if the ledger has it posted."""
        invoice = order.invoice
        erp = self._erps[order.erp]
        return FoundDocument(document=await posted(erp, invoice.company, invoice.document_key))

    @activity.defn(name="invoice.await_credit")
    async def await_credit(self, order: AwaitCredit) -> PostedDocument:
        """A credit memo, or a payment, as soon as the ledger has it posted: the invoice's own run
        posts it."""
        found = await posted(self._erps[order.erp], order.company, order.document_key)
        if found is None:
            raise AttemptInFlight("document_not_in_the_ledger_yet")
        return found

    @activity.defn(name="invoice.apply")
    async def apply(self, order: ApplyReceipt) -> PostedDocument:
        """A payment, or balance that was used: settles the invoice as far as it goes."""
        receipt = order.receipt

        return await self._once(
            order,
            f"receipt-{receipt.document_key}",
            receipt,
            receipt.amount,
            applying(receipt),
            "payment_applied",
        )

    @activity.defn(name="invoice.credit")
    async def credit(self, order: PostCreditMemo) -> PostedDocument:
        """A credit memo that names the invoice it corrects, or the reversal of one that is void."""
        memo = order.memo
        is_void = memo.reason == INVOICE_VOID

        async def act(erp: ErpPort, key: str) -> Outcome[PostedDocument]:
            at_its_rate = await credit_at_its_rate(erp, memo)
            return await erp.post_credit_memo(at_its_rate, idempotency_key=key)

        step = f"{'void' if is_void else 'credit'}-{memo.document_key}"
        stage = INVOICE_VOID if is_void else "credit_posted"
        return await self._once(order, step, memo, memo.gross, act, stage)

    @activity.defn(name="invoice.take_back")
    async def take_back(self, order: TakeBackCredit) -> FoundDocument:
        """Undo of a credit memo that the biller withdrew; nothing where the ledger never had it,
        and none that is still on its way there gets in after it."""
        context, erp, taken = order.context, self._erps[order.erp], order.taken
        document = taken.document

        async def remove(memo: PostedDocument, key: str) -> Outcome[PostedDocument]:
            at_its_rate = document.model_copy(update={"rate": memo.rate})
            command = taken.model_copy(update={"document": at_its_rate})
            return await erp.take_back_credit(command, idempotency_key=key)

        step = _step(order, f"takeback-{document.document_key}", document, document.gross)
        made = await self._ensure.undo(
            idempotency_key(context.business_key, context.generation, f"credit-{taken.memo}", "do"),
            Undo(
                spec=step.spec(),
                result_type=PostedDocument,
                # It stays in the books: an undo that was sent is sent again, and found by its key.
                find=lambda: posted(erp, document.company, taken.memo),
                remove=remove,
                effects=lambda made: Effects(refs=_refs(made), stage="credit_taken_back"),
                settle=erp.settle_window,
            ),
        )
        return FoundDocument(document=made)

    async def _post(self, erp: ErpPort, order: PostInvoice, key: str) -> Outcome[PostedDocument]:
        check_rates(order.invoice, self._config())
        invoice = await invoice_at_its_rate(erp, order.invoice)
        made = await erp.post_invoice(invoice, idempotency_key=key)
        return await _unless_too_early(made, CUSTOMER_UNKNOWN, order, self._contracts)

    async def _once(
        self,
        order: PostInvoice | ApplyReceipt | PostCreditMemo,
        step: str,
        document: LedgerInvoice | LedgerReceipt | LedgerCreditMemo,
        money: Money,
        act: Callable[[ErpPort, str], Awaitable[Outcome[PostedDocument]]],
        stage: str,
    ) -> PostedDocument:
        return await self._posting.once(
            _step(order, step, document, money),
            act,
            lambda made: Effects(refs=_refs(made), stage=stage),
        )


class InvoiceMirrorActivities:
    """Showing the invoice, through the CRM port."""

    def __init__(
        self, crm: CrmPort, ensure: Ensure, contracts: Contracts, clock: BusinessClock
    ) -> None:
        self._crm = crm
        self._ensure = ensure
        self._contracts = contracts
        self._clock = clock

    @activity.defn(name="invoice.mirror", no_thread_cancel_exception=True)
    async def mirror(self, order: MirrorInvoice) -> CrmRecord:
        """The CRM shows where the invoice stands; subscribers hear what happened since."""
        context, bill = order.context, order.told.bill
        state = _shown(order)
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
            credits=credits_shown(bill),
        )

        async def act(key: str) -> Outcome[CrmRecord]:
            made = await self._crm.mirror_invoice(command, idempotency_key=key)
            return await _unless_too_early(made, CONTRACT_RECORD_MISSING, order, self._contracts)

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
                    # Of the invoice alone: its stand, in the key, says which credits there are.
                    request_hash=request_hash(command.model_dump_json(exclude={"credits"})),
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


def _shown(order: MirrorInvoice) -> str:
    """What is shown, apart from whatever was shown before. That an invoice waits for its day's
    summary, is in it, or was taken out of it, are three things: a run that begins anew has each to
    tell."""
    again = f"~{order.again}" if order.again else ""
    if order.told.held is None:
        place = ""
    elif order.document is None:
        place = "~waits"
    else:
        place = "" if order.document.held_in is not None else "~single"
    return f"{stand_of(order.told)}{again}{place}"


async def _unless_too_early(
    made: Outcome[T], code: str, order: PostInvoice | MirrorInvoice, contracts: Contracts
) -> Outcome[T]:
    """A refusal for want of what the invoice's own deal is about to write is not one for a person
    yet: a booking that waited for the ERP brings the customer, and the CRM hears at the end."""
    if isinstance(made, Rejected) and made.code == code:
        state = await contracts.state(order.context.contract_key)
        if state is ContractState.PENDING:
            raise VendorUnavailable(code)
    return made


def _step(
    order: PostInvoice | ApplyReceipt | PostCreditMemo | TakeBackCredit,
    step: str,
    document: LedgerInvoice | LedgerReceipt | LedgerCreditMemo,
    money: Money,
) -> LedgerStep[LedgerInvoice | LedgerReceipt | LedgerCreditMemo]:
    return LedgerStep(
        context=order.context,
        erp=order.erp,
        step=step,
        name=f"erp.{step.partition('-')[0]}",
        asked=document,
        money=money,
    )


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
