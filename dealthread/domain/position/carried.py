"""Entries of a contract in the ledger's currency, each at the rate of its own document.

A rate is never made up: it is the one that the ledger's document says (docs/adr/0025). Lines are
converted each by itself, as the ledger converts them; the whole of an invoice is what the ledger
carried it at when it was posted. A payment comes in at its own rate and takes off the invoice the
share that it stands for there; what the two differ by is realised (IAS 21.28). What no document has
a rate for stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dealthread.domain.base import Ref
from dealthread.domain.bill import Bill
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.position.difference import usage_keys
from dealthread.domain.position.entry import DocumentKind, Entry, Figure
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.posted import DocumentKind as Posted
from dealthread.domain.posted import PostedDocument
from dealthread.domain.rounding import RoundingMode, exact, money_of

_NET = (Figure.BILLED, Figure.USAGE_BILLED, Figure.SOLD)
_FORM = {
    Figure.RECEIVABLE: CreditForm.OPEN_INVOICE,
    Figure.CREDIT_BALANCE: CreditForm.BALANCE,
    Figure.COLLECTED: CreditForm.REFUND,
}
"""Which part of a credit memo a figure is."""
_TAKES_OFF = (DocumentKind.RECEIPT, DocumentKind.BALANCE_USED)


@dataclass
class _Open:
    """An invoice as the ledger carries it while it is settled."""

    document: Money
    ledger: Money

    def take(self, part: Money) -> Money:
        """The share that a payment takes off it; what closes it takes all that is left."""
        if part == self.document or not self.document:
            relieved = self.ledger
        else:
            share = exact(part) / exact(self.document)
            relieved = money_of(
                exact(self.ledger) * share, self.ledger.currency, RoundingMode.HALF_UP
            )
        self.less(part, relieved)
        return relieved

    def less(self, part: Money, ledger: Money) -> None:
        """What is open afterwards."""
        self.document, self.ledger = self.document - part, self.ledger - ledger


class InLedger:
    """Converts the entries of one contract, oldest first: payments follow their invoices."""

    def __init__(self, facts: ContractFacts, currency: str) -> None:
        self._currency = currency
        self._documents = {one.document.ref: one.document for one in facts.postings if one.document}
        self._bills = {bill.number: bill for bill in facts.bills}
        self._memos = {memo.number: memo for bill in facts.bills for memo in bill.credit_memos}
        self._open: dict[str, _Open] = {}
        self._parts: dict[str, dict[CreditForm, Money]] = {}
        """Of each credit memo, by its number."""
        self._usage = usage_keys(facts.versions[-1].contract)
        self.rate: LedgerRate | None = None
        """Of the latest invoice."""

    def convert(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Each with its amount in the ledger's currency, where it has one."""
        for entry in entries:
            amount = self._amount(entry)
            yield entry if amount is None else entry.model_copy(update={"ledger_amount": amount})

    def _amount(self, entry: Entry) -> Money | None:
        if entry.ledger_amount is not None or entry.amount.currency == self._currency:
            return entry.ledger_amount or entry.amount
        document = self._document(entry.ledger)
        rate = None if document is None else document.rate
        if document is None or rate is None or rate.currency != self._currency:
            return None
        if entry.kind is DocumentKind.INVOICE:
            return self._of_invoice(entry, document, rate)
        if entry.kind is DocumentKind.CREDIT_MEMO:
            return self._of_credit(entry, document, rate)
        if entry.kind is DocumentKind.VOID and entry.figure is Figure.RECEIVABLE:
            carried = self._open.get(entry.number)
            return rate.of(entry.amount) if carried is None else -carried.take(-entry.amount)
        if entry.kind in _TAKES_OFF and entry.figure is Figure.RECEIVABLE:
            carried = self._open.get(entry.number)
            return -carried.take(-entry.amount) if carried is not None else None
        return rate.of(entry.amount)

    def _document(self, ref: Ref | None) -> PostedDocument | None:
        return None if ref is None else self._documents.get(ref)

    def _of_invoice(self, entry: Entry, document: PostedDocument, rate: LedgerRate) -> Money:
        bill = self._bills[entry.number]
        self.rate = rate
        net, whole = self._sum(bill.lines, rate), self._whole(bill, document, rate)
        if entry.figure in _NET:
            used = [one for one in bill.lines if one.line_key in self._usage]
            return net if entry.figure is Figure.BILLED else self._sum(used, rate)
        if entry.figure is Figure.CREDIT_BALANCE:
            return -whole
        if entry.figure is Figure.RECEIVABLE:
            self._open[bill.number] = _Open(bill.gross, whole)
        return whole

    def _whole(self, bill: Bill, document: PostedDocument, rate: LedgerRate) -> Money:
        if document.ledger_gross is not None and document.gross == bill.gross:
            return document.ledger_gross
        if document.kind is Posted.INVOICE and document.open_amount == document.gross:
            # As the ledger answered when it was posted, before anything was settled.
            return document.open_ledger_amount or rate.of(bill.gross)
        tax = Money.total((rate.of(one.tax) for one in bill.lines), self._currency)
        return self._sum(bill.lines, rate) + tax

    def _of_credit(self, entry: Entry, document: PostedDocument, rate: LedgerRate) -> Money:
        memo = self._memos.get(entry.number)
        if memo is None:
            return rate.of(entry.amount)
        if entry.figure in _NET:
            used = [one for one in memo.lines if one.line_key in self._usage]
            is_all = entry.amount == -memo.net
            return -self._sum(memo.lines if is_all else used, rate)
        # The last credit of an invoice takes what the books carry it at, to the cent.
        told = document.ledger_gross if memo.gross == document.gross else None
        if entry.figure is Figure.INVOICED_GROSS:
            if told is not None:
                return -told
            tax = Money.total((rate.of(one.tax) for one in memo.lines), self._currency)
            return -(self._sum(memo.lines, rate) + tax)
        parts = self._parts_of(memo, told or rate.of(memo.gross), rate)
        part = parts.get(_FORM[entry.figure]) if entry.figure in _FORM else None
        if part is None:
            return rate.of(entry.amount)
        return part if entry.amount.amount > 0 else -part

    def _parts_of(self, memo: CreditMemo, left: Money, rate: LedgerRate) -> dict[CreditForm, Money]:
        """What each part of a memo stands for, as the ledger posts it: what closes the invoice
        takes all that it is carried at, the last part what is left of the memo."""
        if memo.number in self._parts:
            return self._parts[memo.number]
        of = next(bill for bill in self._bills.values() if memo in bill.credit_memos)
        carried, found = self._open.get(of.number), dict[CreditForm, Money]()
        forms = [form for form, amount in memo.forms.items() if amount]
        for form in sorted(forms, key=lambda one: one is not CreditForm.OPEN_INVOICE):
            part, is_last = memo.forms[form], len(found) == len(forms) - 1
            closes = form is CreditForm.OPEN_INVOICE and carried is not None
            own = rate.of(part)
            if closes and carried is not None and part == carried.document:
                own = carried.ledger
            found[form] = left if is_last else own
            left = left - found[form]
            if closes and carried is not None:
                carried.less(part, found[form])
        self._parts[memo.number] = found
        return found

    def _sum(self, lines: Sequence[InvoiceLine | CreditMemoLine], rate: LedgerRate) -> Money:
        return Money.total((rate.of(one.net) for one in lines), self._currency)
