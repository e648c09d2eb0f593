"""Inputs and results of the activities that carry an invoice from the biller to the ledger."""

from __future__ import annotations

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import Held
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, TakenBackCredit
from dealthread.domain.transaction import SagaContext


class InvoiceInput(Carried):
    """Input of the InvoiceToCash workflow."""

    billing_account: str
    invoice_id: str
    tenant: str = "default"
    business_offset_seconds: int = 0


class ReadBill(Carried):
    """Input of `invoice.read`."""

    billing_account: str
    invoice_id: str
    tenant: str = "default"


class BillToPost(Carried):
    """An invoice as it stands, and what the ledger is to be told of it.

    `ignored` says why nothing follows from it: no contract of ours, a draft, or nothing to pay.
    """

    bill: Bill
    ignored: str = ""
    erp: str = ""
    company: str = ""
    org: str = ""
    deal_id: str = ""
    account_id: str = ""
    customer_name: str = ""
    seller: str = ""
    region: str = ""
    invoice: LedgerInvoice | None = None
    """None also of an invoice below nought: it is the one credit memo."""
    receipts: tuple[LedgerReceipt, ...] = ()
    """Every payment, and balance used, in the order in which they came."""
    credit_memos: tuple[LedgerCreditMemo, ...] = ()
    taken_back: tuple[TakenBackCredit, ...] = ()
    is_old: bool = False
    """Others posted it before its contract was ours: it is not posted, what is paid is applied."""
    void: LedgerCreditMemo | None = None
    """The reversal of an invoice that the biller voided, of what remains of it."""
    held: Held | None = None
    """Its place in a day's summary; None of one that is posted by itself."""

    @property
    def is_touched(self) -> bool:
        """Whether something of it was credited or paid."""
        return bool(self.credit_memos or self.taken_back or self.receipts)


def stand_of(told: BillToPost) -> str:
    """Where an invoice stands, as the CRM is shown it: status, what is left to pay, credits."""
    bill = told.bill
    credits = [one.number for one in told.credit_memos]
    last = f"-{credits[-1]}" if credits else ""
    return f"{bill.status}-{bill.remaining.amount}-{len(credits)}{last}"


class FoundDocument(Carried):
    """What the ledger has under a document key."""

    document: PostedDocument | None = None


class PostInvoice(Carried):
    """Input of `invoice.post`."""

    context: SagaContext
    erp: str
    invoice: LedgerInvoice


class ApplyReceipt(Carried):
    """Input of `invoice.apply`."""

    context: SagaContext
    erp: str
    receipt: LedgerReceipt


class PostCreditMemo(Carried):
    """Input of `invoice.credit`."""

    context: SagaContext
    erp: str
    memo: LedgerCreditMemo


class TakeBackCredit(Carried):
    """Input of `invoice.take_back`."""

    context: SagaContext
    erp: str
    taken: TakenBackCredit


class AwaitCredit(Carried):
    """Input of `invoice.await_credit`."""

    erp: str
    company: str
    document_key: str


class MirrorInvoice(Carried):
    """Input of `invoice.mirror`: the CRM shows it, subscribers hear what happened to it."""

    context: SagaContext
    told: BillToPost
    document: PostedDocument | None = None
    posted: bool = False
    """The invoice is in the ledger since the last time."""
    paid: tuple[LedgerReceipt, ...] = ()
    """Payments that were applied since the last time."""
    credited: tuple[LedgerCreditMemo, ...] = ()
    is_over: bool = False
    """Nothing is open any more: the run ends with this step."""
    again: int = 0
    """How often this run has shown the same stand before, with another one in between."""
