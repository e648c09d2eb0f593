"""A double-entry ledger in memory, with the ERP's rules for documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CreditForm
from dealthread.domain.ledger import (
    EntryLine,
    LedgerJournal,
    PostedJournal,
    Reversal,
    TrialBalanceRow,
    trial_balance_of,
)
from dealthread.domain.ledger_rate import said_rate
from dealthread.domain.money import Money
from dealthread.domain.party import BuyerSnapshot
from dealthread.domain.posted import DocumentKind, DocumentState, PostedDocument
from dealthread.domain.receipts import LedgerReceipt, WriteOff
from dealthread.domain.receivable import (
    CreditSettlement,
    LedgerCreditMemo,
    LedgerInvoice,
    TakenBackCredit,
)
from dealthread.domain.revenue.journal import Side
from dealthread.errors import StepRejected
from dealthread.ports.ledger import RATE_MISSING
from tests.fakes.ledger_periods import PeriodsAndRates


@dataclass
class FakeLedger(PeriodsAndRates):
    """Documents and entries of all companies."""

    documents: dict[tuple[str, str], PostedDocument] = field(default_factory=dict)
    entries: list[PostedJournal] = field(default_factory=list)
    settled: dict[str, list[tuple[str, Money, Money | None]]] = field(default_factory=dict)
    """Key of a receipt or write-off → what it settled: document, amount, ledger amount."""
    buyers: dict[str, BuyerSnapshot | None] = field(default_factory=dict)
    """Who bought, as the document of a key says it."""
    receipts: list[LedgerReceipt] = field(default_factory=list)
    """As they were asked for: what a real ledger keeps in its texts."""

    def find(self, company: str, key: str) -> PostedDocument | None:
        return self.documents.get((company, key))

    # ------------------------------------------------------------ documents

    def invoice(self, command: LedgerInvoice) -> PostedDocument:
        return self._document(command, DocumentKind.INVOICE, command.gross, Side.DEBIT)

    def credit_memo(self, command: LedgerCreditMemo) -> PostedDocument:
        for part in command.settlements:
            if part.form is CreditForm.OPEN_INVOICE:
                self._require_open(command.company, command.corrects, part.amount)
        zero, original = Money.zero(command.currency), command.corrects
        whole = command.settlements[0] if command.rate and command.is_applied_whole else None
        taken = None if whole is None else self._own(command, whole)
        made = self._document(
            command, DocumentKind.CREDIT_MEMO, zero, Side.CREDIT, original=original, taken=taken
        )
        lines = []
        # As Tryton does: what pays the invoice first, and the last takes what is left of the memo.
        left = made.ledger_gross or command.gross
        parts = sorted(command.settlements, key=lambda one: one.form is not CreditForm.OPEN_INVOICE)
        for number, part in enumerate(parts, start=1):
            own = left if number == len(parts) else self._own(command, part)
            left = left - own
            if part.form is CreditForm.OPEN_INVOICE:
                self._settle(command.company, command.corrects, part.amount, own)
                continue
            lines += [
                _line(command.receivable_account, Side.DEBIT, own, command.customer_key),
                _line(part.credited, Side.CREDIT, own),
            ]
        if lines:
            day = command.dates.posting_date
            self._enter(command.company, command.document_key, day, "settlement", lines)
        return made

    def _own(self, memo: LedgerCreditMemo, part: CreditSettlement) -> Money:
        """What a part stands for: what closes the invoice takes all that it is carried at."""
        if memo.rate is None:
            return part.amount
        invoice, pays = self.find(memo.company, memo.corrects), CreditForm.OPEN_INVOICE
        if part.form is not pays or invoice is None or invoice.open_amount != part.amount:
            return memo.rate.of(part.amount)
        return invoice.open_ledger_amount or memo.rate.of(part.amount)

    def take_back(self, command: TakenBackCredit) -> PostedDocument:
        document = command.document
        if self.find(document.company, command.memo) is None:
            raise StepRejected("document_unknown", case_kind="erp.rejected", field="document_key")
        reduced = self.find(document.company, command.invoice)
        if reduced is None or not reduced.open_amount:
            raise StepRejected("credit_is_used", case_kind="erp.rejected", field="memo")
        original, zero = command.memo, Money.zero(document.currency)
        made = self._document(document, DocumentKind.INVOICE, zero, Side.DEBIT, original=original)
        own = document.rate.of(document.gross) if document.rate else None
        self._settle(document.company, command.invoice, -document.gross, -own if own else None)
        return made

    def receipt(self, command: LedgerReceipt) -> PostedDocument:
        for part in command.applications:
            self._require_open(command.company, part.document_key, part.amount)
        self.receipts.append(command)

        def own(amount: Money) -> Money:
            return command.rate.of(amount) if command.rate else amount

        def told(amount: Money) -> Money | None:
            return amount if command.rate else None

        loss = command.exchange_loss()
        whole = command.amount
        lines = [_line(command.money_account, Side.DEBIT, own(whole), document=told(whole))]
        for part in command.applications:
            amount = part.ledger_amount or part.amount
            account, customer = command.receivable_account, command.customer_key
            lines.append(_line(account, Side.CREDIT, amount, customer, told(part.amount)))
        if rest := command.unapplied:
            account = command.unapplied_account
            lines.append(_line(account, Side.CREDIT, own(rest), document=told(rest)))
        if loss:
            side = Side.DEBIT if loss.amount > 0 else Side.CREDIT
            lines.append(_line(command.exchange_account, side, abs(loss)))
        entry = self._enter(
            command.company, command.document_key, command.posting_date, "receipt", lines
        )
        parts = [(one.document_key, one.amount, one.ledger_amount) for one in command.applications]
        return self._settling(
            command, DocumentKind.RECEIPT, command.amount, command.unapplied, entry, parts
        )

    def write_off(self, command: WriteOff) -> PostedDocument:
        self._require_open(command.company, command.document, command.gross)
        lines = [_line(part.account, Side.DEBIT, part.amount) for part in command.parts]
        lines.append(
            _line(command.receivable_account, Side.CREDIT, command.gross, command.customer_key)
        )
        entry = self._enter(
            command.company, command.document_key, command.posting_date, "write_off", lines
        )
        parts = [(command.document, command.gross, None)]
        zero = Money.zero(command.gross.currency)
        return self._settling(command, DocumentKind.WRITE_OFF, command.gross, zero, entry, parts)

    def journal(self, command: LedgerJournal) -> PostedDocument:
        entry = self._enter(
            command.company,
            command.document_key,
            command.posting_date,
            command.description,
            command.lines,
        )
        made = self._entry_document(command.company, DocumentKind.JOURNAL, entry)
        # As Tryton does: a rate is what the entry's own text says.
        made = made.model_copy(update={"rate": said_rate(command.description)})
        self.documents[command.company, command.document_key] = made
        return made

    def reverse(self, command: Reversal) -> PostedDocument | None:
        original = self.find(command.company, command.reverses)
        if original is None:
            return None
        if original.reversal is not None:
            raise StepRejected(
                "reversed_already",
                case_kind="erp.rejected",
                field="reverses",
                by=original.reversal.native_id,
            )
        undoing = next(
            one
            for one in self.entries
            if one.company == command.company and one.document_key == command.reverses
        )
        lines = [line.turned() for line in undoing.lines]
        entry = self._enter(
            command.company, command.document_key, command.posting_date, command.reason, lines
        )
        for key, amount, ledger in self.settled.pop(command.reverses, []):
            self._settle(command.company, key, -amount, -ledger if ledger else None)
        undone = original.model_copy(update={"reversal": entry.ref})
        self.documents[command.company, command.reverses] = undone
        made = self._entry_document(command.company, DocumentKind.REVERSAL, entry)
        if original.kind is not DocumentKind.JOURNAL:
            # Told as what it undoes: in the document's currency, without what was realised.
            names = ("currency", "net", "tax", "gross", "customer_key")
            told = {name: getattr(original, name) for name in names}
            made = made.model_copy(update=told | {"open_amount": Money.zero(original.currency)})
            self.documents[command.company, command.document_key] = made
        return made

    # ------------------------------------------------------------ reading

    def open_documents(self, company: str, customer_key: str) -> tuple[PostedDocument, ...]:
        rows = [
            one
            for (owner, _), one in self.documents.items()
            if owner == company
            and one.customer_key == customer_key
            and one.kind in (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)
            and one.open_amount
        ]
        return tuple(sorted(rows, key=lambda one: one.issue_date or date.min))

    def journals(self, company: str, start: date, end: date) -> tuple[PostedJournal, ...]:
        found = (one for one in self.entries if one.company == company)
        return tuple(one for one in found if start <= one.posting_date < end)

    def trial_balance(self, company: str, until: date) -> tuple[TrialBalanceRow, ...]:
        return trial_balance_of(self.journals(company, date.min, until), self.currency(company))

    # ------------------------------------------------------------ parts

    def _document(
        self,
        command: LedgerInvoice | LedgerCreditMemo,
        kind: DocumentKind,
        left: Money,
        side: Side,
        *,
        original: str = "",
        taken: Money | None = None,
    ) -> PostedDocument:
        """`original`: whose rate it takes. `taken`: at what the receivable is posted instead."""
        company = command.company
        for line in command.lines:
            if line.tax_code:
                self.check_tax(line.tax_code, line.net, line.tax, line.sums)
        number = command.number
        if any(c == company and one.number == number for (c, _), one in self.documents.items()):
            raise StepRejected("number_taken", case_kind="erp.manual_document", field="number")
        if command.rate is None and command.currency != self.currency(company):
            raise StepRejected(RATE_MISSING, case_kind="erp.rejected", field="rate")
        if command.rate is not None:
            corrected = self.find(company, original)
            own_rate = corrected.rate if corrected is not None else None
            self.check_rate(command, command.rate, own_rate)
        self.buyers[command.document_key] = command.buyer
        opposite = Side.CREDIT if side is Side.DEBIT else Side.DEBIT
        sides: list[EntryLine] = []
        for line in command.lines:
            tax_account = "2110" if line.tax_code.startswith("US") else "2120"
            for account, amount in ((line.account, line.net), (tax_account, line.tax)):
                own = command.rate.of(amount) if command.rate else amount
                if own:
                    turned = opposite if own.amount > 0 else side
                    foreign = abs(amount) if command.rate else None
                    sides.append(_line(account, turned, abs(own), document=foreign))
        signed = (one.amount if one.side is opposite else -one.amount for one in sides)
        whole = Money.total(signed, self.currency(company))
        rounding = Money.zero(self.currency(company))
        if command.rate is not None:
            # As Tryton does: the total is converted by itself, and what the lines differ by is on
            # the account for exchange differences.
            lines, whole = whole, taken or command.rate.of(command.gross)
            rounding = whole - lines
            if rounding:
                turned = opposite if rounding.amount > 0 else side
                sides.append(_line("7000", turned, abs(rounding)))
        foreign = command.gross if command.rate else None
        sides.append(_line(command.receivable_account, side, whole, command.customer_key, foreign))
        entry = self._enter(company, command.document_key, command.dates.posting_date, kind, sides)
        own = self.currency(company)
        document = PostedDocument(
            ref=entry.ref.model_copy(update={"kind": "invoice"}),
            kind=kind,
            state=DocumentState.POSTED if left else DocumentState.PAID,
            document_key=command.document_key,
            number=number,
            company=company,
            customer_key=command.customer_key,
            currency=command.currency,
            net=command.net,
            tax=command.tax,
            gross=command.gross,
            open_amount=left,
            open_ledger_amount=None if command.rate is None else whole if left else Money.zero(own),
            rate=command.rate,
            ledger_gross=whole if command.rate else None,
            rounding=rounding if command.rate else None,
            issue_date=command.dates.issue_date,
            posting_date=command.dates.posting_date,
            due_date=command.due_date if isinstance(command, LedgerInvoice) else None,
            entry=entry.number,
        )
        self.documents[company, command.document_key] = document
        return document

    def _settling(
        self,
        command: LedgerReceipt | WriteOff,
        kind: DocumentKind,
        gross: Money,
        left: Money,
        entry: PostedJournal,
        parts: Sequence[tuple[str, Money, Money | None]],
    ) -> PostedDocument:
        for key, amount, ledger in parts:
            self._settle(command.company, key, amount, ledger)
        self.settled[command.document_key] = list(parts)
        is_used = kind is DocumentKind.RECEIPT and not left
        document = self._entry_document(command.company, kind, entry).model_copy(
            update={
                "gross": gross,
                "net": gross,
                "tax": Money.zero(gross.currency),
                "currency": gross.currency,
                "open_amount": left,
                "rate": command.rate if isinstance(command, LedgerReceipt) else None,
                "customer_key": command.customer_key,
                "state": DocumentState.PAID if is_used else DocumentState.POSTED,
            }
        )
        self.documents[command.company, command.document_key] = document
        return document

    def _entry_document(
        self, company: str, kind: DocumentKind, entry: PostedJournal
    ) -> PostedDocument:
        currency = self.currency(company)
        debits = (one.amount for one in entry.lines if one.side is Side.DEBIT)
        gross = Money.total(debits, currency)
        document = PostedDocument(
            ref=entry.ref,
            kind=kind,
            state=DocumentState.POSTED,
            document_key=entry.document_key,
            number=entry.number,
            company=company,
            currency=currency,
            net=gross,
            tax=Money.zero(currency),
            gross=gross,
            open_amount=Money.zero(currency),
            posting_date=entry.posting_date,
            entry=entry.number,
        )
        self.documents[company, entry.document_key] = document
        return document

    def _require_open(self, company: str, key: str, amount: Money) -> None:
        document = self.find(company, key)
        if document is None:
            raise StepRejected("document_unknown", case_kind="cash.unmatched", field="document_key")
        if document.open_amount < amount:
            raise StepRejected("more_than_open", case_kind="cash.over_under", field="amount")

    def _settle(self, company: str, key: str, amount: Money, ledger: Money | None) -> None:
        document = self.documents[company, key]
        left = document.open_amount - amount
        own = document.open_ledger_amount
        self.documents[company, key] = document.model_copy(
            update={
                "open_amount": left,
                "open_ledger_amount": own - ledger if own is not None and ledger else own,
                "state": DocumentState.POSTED if left else DocumentState.PAID,
            }
        )

    def _enter(
        self, company: str, key: str, day: date, text: str, lines: Iterable[EntryLine]
    ) -> PostedJournal:
        if self.open_from(day, company) != day:
            raise StepRejected("period_closed", case_kind="erp.period_closed", field="posting_date")
        number = str(len(self.entries) + 1)
        entry = PostedJournal(
            ref=Ref(system=System.ERP, account=f"fake.{company}", kind="journal", native_id=number),
            company=company,
            number=number,
            posting_date=day,
            document_key=key,
            description=text,
            lines=tuple(lines),
        )
        self.entries.append(entry)
        return entry


def _line(
    account: str,
    side: Side,
    amount: Money,
    customer_key: str = "",
    document: Money | None = None,
) -> EntryLine:
    return EntryLine(
        account=account,
        side=side,
        amount=amount,
        customer_key=customer_key,
        document_amount=document,
    )
