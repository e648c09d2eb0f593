"""What invoices, credits, payments and write-offs add to the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from dealthread.domain.base import Frozen, Ref
from dealthread.domain.bill import Bill
from dealthread.domain.documents import CreditForm, CreditMemo
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.entry import DocumentKind, Entry, Figure
from dealthread.domain.position.facts import RECOVERED, REMAINDER, REOPENED, Posting
from dealthread.domain.posted import DocumentKind as Posted
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receivable import voided_number


class Receipt(Frozen):
    """Money that came in and is on no bill as a whole: what it settled, and the rest."""

    contract_key: str
    ref: Ref
    value_date: date
    amount: Money
    applied: Money


BALANCE = "balance"


def receipt_of(bill: Bill, source: str = BALANCE) -> str:
    """Which payment of which bill; `BALANCE` is what it used of the customer's balance."""
    return f"{bill.ref.account}:{bill.ref.native_id}:{source}"


def document_entries(
    bill: Bill,
    posted: Mapping[str, PostedDocument],
    usage: frozenset[str],
    receipts: Mapping[str, PostedDocument] | None = None,
) -> Iterator[Entry]:
    """Of one bill. `posted` are the ledger's documents by number, `receipts` those of its payments
    by `receipt_of`, `usage` the keys of lines that are charged as used. A draft is nothing yet."""
    receipts = receipts or {}
    day = bill.issue_date
    if day is None or bill.status in (InvoiceStatus.DRAFT, InvoiceStatus.PREVIEW):
        return
    document = posted.get(bill.number)
    if document is not None and document.posting_date is not None:
        day = document.posting_date
    made = _Maker(bill, DocumentKind.INVOICE, day, bill.number, bill.ref, document)
    used = Money.total((one.net for one in bill.lines if one.line_key in usage), bill.currency)
    zero = Money.zero(bill.currency)
    yield from made.all(
        {
            Figure.BILLED: bill.net,
            Figure.USAGE_BILLED: used,
            Figure.SOLD: used,
            Figure.INVOICED_GROSS: bill.gross,
            # Below nought nothing is owed to us: it is the customer's balance.
            Figure.RECEIVABLE: max(bill.gross, zero),
            Figure.CREDIT_BALANCE: max(-bill.gross, zero),
        }
    )
    if bill.balance_used.amount > 0:
        used_up = receipts.get(receipt_of(bill))
        made = _Maker(bill, DocumentKind.BALANCE_USED, day, bill.number, bill.ref, used_up)
        spent = -bill.balance_used
        yield from made.all({Figure.RECEIVABLE: spent, Figure.CREDIT_BALANCE: spent})
    for payment in bill.payments:
        applied = receipts.get(receipt_of(bill, payment.ref.native_id))
        made = _Maker(
            bill, DocumentKind.RECEIPT, payment.paid_on, bill.number, payment.ref, applied
        )
        yield from made.all({Figure.COLLECTED: payment.amount, Figure.RECEIVABLE: -payment.amount})
    for memo in bill.credit_memos:
        yield from _credit(bill, memo, posted.get(memo.number), usage)
    if bill.status is InvoiceStatus.VOID:
        left = used - Money.total(
            (one.net for memo in bill.credit_memos for one in memo.lines if one.line_key in usage),
            bill.currency,
        )
        reversal = posted.get(voided_number(bill.number))
        yield from _void(bill, left, bill.voided_on or day, reversal, usage)


def _credit(
    bill: Bill, memo: CreditMemo, document: PostedDocument | None, usage: frozenset[str]
) -> Iterator[Entry]:
    day = memo.issue_date
    if document is not None and document.posting_date is not None:
        day = document.posting_date
    if day is None:
        return
    used = Money.total((one.net for one in memo.lines if one.line_key in usage), bill.currency)
    zero = Money.zero(bill.currency)
    is_asked = _is_asked(bill, memo)
    made = _Maker(bill, DocumentKind.CREDIT_MEMO, day, memo.number, memo.ref, document)
    yield from made.all(
        {
            Figure.BILLED: -memo.net,
            Figure.USAGE_BILLED: -used,
            Figure.SOLD: -memo.net if is_asked else -used,
            Figure.INVOICED_GROSS: -memo.gross,
            Figure.RECEIVABLE: -memo.forms.get(CreditForm.OPEN_INVOICE, zero),
            Figure.CREDIT_BALANCE: memo.forms.get(CreditForm.BALANCE, zero),
            Figure.COLLECTED: -memo.forms.get(CreditForm.REFUND, zero),
        }
    )


def _is_asked(bill: Bill, memo: CreditMemo) -> bool:
    """A person's credit changes the price: the versions of the contract do not say it."""
    return memo.ref is not None and memo.ref.native_id in bill.credit_reasons


def _fixed(memo: CreditMemo, usage: frozenset[str]) -> Money:
    """Of a credit, what is not for use."""
    return Money.total(
        (one.net for one in memo.lines if one.line_key not in usage), memo.net.currency
    )


def _void(
    bill: Bill,
    left: Money,
    day: date,
    document: PostedDocument | None,
    usage: frozenset[str],
) -> Iterator[Entry]:
    """What is left of the invoice is taken back on the day of the void, never on its own; `left`
    of it for use."""
    if document is not None and document.posting_date is not None:
        day = document.posting_date
    net = bill.net - Money.total((one.net for one in bill.credit_memos), bill.currency)
    gross = bill.gross - Money.total((one.gross for one in bill.credit_memos), bill.currency)
    paid = Money.total((one.amount for one in bill.payments), bill.currency)
    balance = bill.balance_used if bill.balance_used.amount > 0 else Money.zero(bill.currency)
    # A person's credit falls with its invoice: the price is what it was.
    asked = (one for one in bill.credit_memos if _is_asked(bill, one))
    price = Money.total((_fixed(one, usage) for one in asked), bill.currency)
    made = _Maker(bill, DocumentKind.VOID, day, bill.number, bill.ref, document)
    yield from made.all(
        {
            Figure.BILLED: -net,
            Figure.USAGE_BILLED: -left,
            Figure.SOLD: price - left,
            Figure.INVOICED_GROSS: -gross,
            Figure.RECEIVABLE: -(gross - paid - balance),
            # What had paid it is the customer's again.
            Figure.CREDIT_BALANCE: balance,
            Figure.UNAPPLIED_CASH: paid,
        }
    )


def receipt_entries(receipt: Receipt) -> Iterator[Entry]:
    """Money of the bank that no bill tells of."""
    rest = receipt.amount - receipt.applied
    for figure, amount in (
        (Figure.COLLECTED, receipt.amount),
        (Figure.RECEIVABLE, -receipt.applied),
        (Figure.UNAPPLIED_CASH, rest),
    ):
        if amount:
            yield Entry(
                figure=figure,
                amount=amount,
                day=receipt.value_date,
                contract_key=receipt.contract_key,
                kind=DocumentKind.RECEIPT,
                source=receipt.ref,
            )


def write_off_entries(contract_key: str, document: PostedDocument) -> Iterator[Entry]:
    """Collection that was given up: the ledger's document."""
    day = document.posting_date
    if document.kind is not Posted.WRITE_OFF or day is None or document.reversal is not None:
        return
    for figure, amount in (
        (Figure.WRITTEN_OFF, document.gross),
        (Figure.RECEIVABLE, -document.gross),
    ):
        yield Entry(
            figure=figure,
            amount=amount,
            day=day,
            contract_key=contract_key,
            kind=DocumentKind.WRITE_OFF,
            number=document.number,
            source=document.ref,
            ledger=document.ref,
        )


def undone_entries(contract_key: str, posting: Posting) -> Iterator[Entry]:
    """What another document had settled is open again: a payment that was lost to a dispute, a
    write-off whose invoice was paid after all. What is left of such a payment settles again."""
    document = posting.document
    found = _UNDONE.get(posting.step)
    if document is None or document.posting_date is None or found is None:
        return
    figure, kind, sign = found
    collected = document.gross if sign > 0 else -document.gross
    for what, amount in ((figure, collected), (Figure.RECEIVABLE, -collected)):
        yield Entry(
            figure=what,
            amount=amount,
            day=document.posting_date,
            contract_key=contract_key,
            kind=kind,
            number=document.number,
            source=document.ref,
            ledger=document.ref,
        )


_UNDONE = {
    REOPENED: (Figure.COLLECTED, DocumentKind.REVERSAL, -1),
    RECOVERED: (Figure.WRITTEN_OFF, DocumentKind.REVERSAL, -1),
    REMAINDER: (Figure.COLLECTED, DocumentKind.RECEIPT, 1),
}
"""By the step that posted it: what it moves, and which way."""


class _Maker:
    """Entries of one document."""

    def __init__(
        self,
        bill: Bill,
        kind: DocumentKind,
        day: date,
        number: str,
        source: Ref | None,
        document: PostedDocument | None = None,
    ) -> None:
        self._key, self._kind, self._day = bill.contract_key, kind, day
        self._number, self._source = number, source
        self._ledger = None if document is None else document.ref

    def all(self, parts: Mapping[Figure, Money]) -> Iterator[Entry]:
        """One for each figure that the document moves."""
        for figure, amount in parts.items():
            if amount:
                yield Entry(
                    figure=figure,
                    amount=amount,
                    day=self._day,
                    contract_key=self._key,
                    kind=self._kind,
                    number=self._number,
                    source=self._source,
                    ledger=self._ledger,
                )
