"""What a company's month is closed on: contracts as of its last day, and the ledger's entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from dealthread.domain.base import Frozen
from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.closing.documents import ForeignEntry
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import CreditForm, CreditMemo
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.ledger import EntryLine, PostedJournal, TrialBalanceRow
from dealthread.domain.money import Money
from dealthread.domain.payout import CLEARING
from dealthread.domain.position.entry import Figure, sum_of
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.position.standing import Standing, standing_of
from dealthread.domain.posted import DocumentKind, PostedDocument
from dealthread.domain.receivable import voided_number
from dealthread.domain.recognition.due import last_day
from dealthread.domain.recognition.rows import RecognitionDocument, month_after

# facts/domain.md §9.2: the same codes in each company.
RECEIVABLE, CREDIT_BALANCE, UNAPPLIED = "1100", "2210", "2200"
DEFERRED, UNBILLED = "2300", "1150"
TAXES = ("2110", "2120")
_NEVER = (ContractState.PENDING, ContractState.NEVER_ACTIVATED)
CONTROLLED = (RECEIVABLE, UNBILLED, UNAPPLIED, CREDIT_BALANCE, DEFERRED)


class UsedPeriod(Frozen):
    """Use of a contract line in a billing period, up to the day, and what bills have of it."""

    contract_key: str
    line_key: str
    period_start: date
    rated: Money
    billed: Money

    @property
    def unbilled(self) -> Money:
        return self.rated - self.billed


class OwnDocument(Frozen):
    """A document that we posted, and whose it is."""

    document: PostedDocument
    contract_key: str
    step: str = ""
    """By which it was posted."""
    is_balance: bool = False
    """A receipt that used credit which the customer had."""


class Books(Frozen):
    """One company and month. `contracts` are as they stood on the last day: versions that were
    agreed by then, the plan of the latest of these."""

    seller: str
    period: date
    currency: str
    """Of the ledger."""
    contracts: tuple[ContractFacts, ...]
    used: tuple[UsedPeriod, ...]
    recognised: tuple[RecognitionDocument, ...]
    """Posted by the last day."""
    undone: frozenset[str]
    """Keys of recognition entries that were reversed, and of their opposites."""
    opening: tuple[TrialBalanceRow, ...]
    closing: tuple[TrialBalanceRow, ...]
    journals: tuple[PostedJournal, ...]
    """From the beginning to the month's end."""
    config: ConfigSet
    banked: tuple[PostedDocument, ...] = ()
    """Money of the bank that was posted before anybody knew whose bills it pays."""

    payouts: frozenset[str] = frozenset()
    """Keys of our entries of payouts, and of their return."""
    disputes: frozenset[str] = frozenset()
    """Keys of our entries of what disputes moved."""

    @property
    def last_day(self) -> date:
        return last_day(self.period)

    @property
    def end(self) -> date:
        """First day after the month."""
        return month_after(self.period)

    def is_within(self, day: date | None) -> bool:
        """Whether a day is of the month."""
        return day is not None and self.period <= day < self.end

    @property
    def month(self) -> tuple[PostedJournal, ...]:
        """Entries of the month."""
        return tuple(one for one in self.journals if self.is_within(one.posting_date))

    @cached_property
    def documents(self) -> Mapping[str, OwnDocument]:
        """What we posted, by document key."""
        return {
            one.document.document_key: OwnDocument(
                document=one.document,
                contract_key=facts.contract_key,
                step=one.step,
                is_balance=one.document.document_key in _balances(facts),
            )
            for facts in self.contracts
            for one in facts.postings
            if one.document is not None
        }

    @cached_property
    def _of_no_bill(self) -> frozenset[str]:
        recognised = {one.document_key for one in self.recognised}
        banked = {one.document_key for one in self.banked}
        return self.undone | recognised | banked | self.payouts | self.disputes

    def is_from_unapplied(self, one: OwnDocument) -> bool:
        """Whether a receipt settles with money that was in the books already."""
        return self.made_by(one.document, UNAPPLIED).amount > 0

    @cached_property
    def summaries(self) -> Mapping[str, tuple[OwnDocument, ...]]:
        """What each summary of the ledger, or its payment, holds, by the key that it has there."""
        found: dict[str, list[OwnDocument]] = {}
        for one in self.documents.values():
            if one.document.held_in is not None:
                found.setdefault(one.document.ledger_key, []).append(one)
        return {key: tuple(some) for key, some in found.items()}

    def is_ours(self, journal: PostedJournal) -> bool:
        """Whether we made an entry."""
        key = journal.document_key
        return key in self.documents or key in self.summaries or key in self._of_no_bill

    def is_by_hand(self, journal: PostedJournal) -> bool:
        """Whether a person made an entry. One under a key of ours that nobody here knows is no
        such entry: it differs."""
        return not journal.document_key and not self.is_ours(journal)

    @cached_property
    def _by_document(self) -> Mapping[str, list[PostedJournal]]:
        found: dict[str, list[PostedJournal]] = {}
        for one in self.journals:
            found.setdefault(one.document_key, []).append(one)
        return found

    def made_by(self, document: PostedDocument, account: str) -> Money:
        """What the ledger's entries of a document come to on an account: debit less credit."""
        entries = self._by_document.get(document.document_key, ())
        return Money.total(
            (signed(lines_on(one, account), self.currency) for one in entries), self.currency
        )

    @cached_property
    def standings(self) -> Mapping[str, Standing]:
        """Each contract on the last day."""
        return {
            one.contract_key: standing_of(one, self.last_day, self.config) for one in self.contracts
        }

    def sum_of(self, facts: ContractFacts, figure: Figure) -> Money:
        """A figure of a contract at the end of the last day."""
        currency = facts.versions[-1].contract.currency
        return sum_of(self.standings[facts.contract_key].entries, figure, currency)

    def balance(self, rows: Sequence[TrialBalanceRow], account: str) -> Money:
        """Debit less credit of an account."""
        return Money.total((row.balance for row in rows if row.account == account), self.currency)

    @cached_property
    def adopted_on(self) -> date | None:
        """The latest day on which contracts of others became ours; None where none did."""
        days = (one.opening.as_of for one in self.contracts if one.opening is not None)
        return max(days, default=None)

    def is_brought(self, journal: PostedJournal) -> bool:
        """Whether an entry is of the time before: contracts that were adopted have brought along
        what it comes to, which was the ledger's to the cent."""
        adopted_on = self.adopted_on
        if adopted_on is None or journal.posting_date >= adopted_on:
            return False
        own = self.documents.get(journal.document_key)
        if own is None:
            return not self.is_ours(journal)
        return self._is_before(own, journal.posting_date)

    def _is_before(self, own: OwnDocument, day: date) -> bool:
        for facts in self.contracts:
            if facts.contract_key == own.contract_key and facts.opening is not None:
                return day < facts.opening.as_of
        return False

    def foreign(self, account: str) -> tuple[ForeignEntry, ...]:
        """Entries on an account that none of us made, debit above nought."""
        return tuple(
            ForeignEntry(
                document=one.number or one.ref.native_id,
                amount=signed(lines_on(one, account), self.currency),
                description=one.description,
                is_by_hand=self.is_by_hand(one),
            )
            for one in self.journals
            if not self.is_ours(one)
            and not self.is_brought(one)
            and signed(lines_on(one, account), self.currency)
        )


def _balances(facts: ContractFacts) -> frozenset[str]:
    return frozenset(
        document.document_key
        for name, document in facts.receipts.items()
        if name.endswith(":balance")
    )


def lines_on(journal: PostedJournal, *accounts: str) -> tuple[EntryLine, ...]:
    """An entry's lines on accounts."""
    return tuple(line for line in journal.lines if line.account in accounts)


def signed(lines: Iterable[EntryLine], currency: str) -> Money:
    """Debit less credit in the ledger's currency."""
    return Money.total((line.signed for line in lines), currency)


def in_document_currency(line: EntryLine, currency: str) -> Money | None:
    """Debit less credit in a document's own currency; None where the line does not tell it."""
    if line.document_amount is not None and line.document_amount.currency == currency:
        return line.document_amount if line.signed.amount >= 0 else -line.document_amount
    return line.signed if line.amount.currency == currency else None


def by_currency(contracts: Iterable[ContractFacts]) -> Iterator[tuple[str, list[ContractFacts]]]:
    """Contracts by their currency, in the order of codes."""
    found: dict[str, list[ContractFacts]] = {}
    for one in contracts:
        found.setdefault(one.versions[-1].contract.currency, []).append(one)
    yield from sorted(found.items())


def cut_off(facts: ContractFacts, day: date) -> ContractFacts | None:
    """A contract as it stood at the end of a day, but for its plan; None where nothing of it was
    agreed by then, or it never came to be and was never billed."""
    versions = tuple(one for one in facts.versions if one.accepted_on <= day)
    if not versions or (facts.state in _NEVER and not facts.bills):
        return None
    return facts.model_copy(
        update={
            "versions": versions,
            "changed_on": min(
                (one.accepted_on for one in facts.versions if one.accepted_on > day), default=None
            ),
            "accepted": tuple(one for one in facts.accepted if one.accepted_on <= day),
            "recognised": tuple(one for one in facts.recognised if one.posting_date <= day),
        }
    )


MANUAL = (*CONTROLLED, *TAXES, CLEARING)
"""Accounts that only our entries, and named ones, touch."""


def manual_entries(books: Books) -> tuple[PostedJournal, ...]:
    """Entries of the month on controlled accounts that people made."""
    return tuple(one for one in books.month if not books.is_ours(one) and lines_on(one, *MANUAL))


def posted_as(books: Books, kind: DocumentKind) -> Iterator[OwnDocument]:
    """Documents of ours of one kind that the month has."""
    for one in books.documents.values():
        document = one.document
        if document.kind is kind and books.is_within(document.posting_date):
            yield one


def credit_memos(books: Books) -> dict[str, CreditMemo]:
    """The biller's credits by their number."""
    return {
        memo.number: memo
        for facts in books.contracts
        for bill in facts.bills
        for memo in bill.credit_memos
    }


def given_as(books: Books) -> dict[str, Mapping[CreditForm, Money]]:
    """How each credit is given, by its number in the ledger: the biller's credits, what remained
    of its void invoices, and its invoices below nought."""
    found: dict[str, Mapping[CreditForm, Money]] = {
        number: memo.forms for number, memo in credit_memos(books).items()
    }
    for facts in books.contracts:
        for bill in facts.bills:
            if bill.status is InvoiceStatus.VOID:
                found[voided_number(bill.number)] = _void_forms(bill)
            elif bill.gross.amount < 0:
                found[bill.number] = {CreditForm.BALANCE: -bill.gross}
    return found


def _void_forms(bill: Bill) -> dict[CreditForm, Money]:
    """What was open is closed; what the customer's balance had paid is his again."""
    credited = Money.total((one.gross for one in bill.credit_memos), bill.currency)
    balance = max(bill.balance_used, Money.zero(bill.currency))
    return {
        CreditForm.OPEN_INVOICE: bill.gross - credited - balance,
        CreditForm.BALANCE: balance,
    }
