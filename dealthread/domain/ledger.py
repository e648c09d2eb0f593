"""Journal entries as the ledger takes and gives them, and its trial balance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from pydantic import Field, model_validator

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import DocumentKey, Stated
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.revenue.journal import Side


class EntryLine(Carried):
    """One side of an entry, in the ledger's currency."""

    account: Stated
    side: Side
    amount: Money
    document_amount: Money | None = None
    """The same in the currency of the document, where that is another one."""
    customer_key: str = ""
    """Needed where the account is kept by customer."""
    text: str = ""

    @model_validator(mode="after")
    def _not_negative(self) -> EntryLine:
        if self.amount.amount < 0:
            raise ValueError("amount: below nought belongs on the other side")
        if self.document_amount is not None:
            if self.document_amount.amount < 0:
                raise ValueError("document_amount: below nought")
            if self.document_amount.currency == self.amount.currency:
                raise ValueError("document_amount: in the ledger's own currency")
        return self

    @property
    def signed(self) -> Money:
        """Debit above nought, credit below."""
        return self.amount if self.side is Side.DEBIT else -self.amount

    def turned(self) -> EntryLine:
        """The same on the other side."""
        other = Side.CREDIT if self.side is Side.DEBIT else Side.DEBIT
        return self.model_copy(update={"side": other})


def require_balance(lines: Iterable[EntryLine]) -> None:
    """Raises ValueError where debit and credit of a currency differ."""
    sums: dict[str, Money] = {}
    for line in lines:
        currency = line.amount.currency
        sums[currency] = sums.get(currency, Money.zero(currency)) + line.signed
    for left in sums.values():
        if left:
            raise ValueError(f"lines: do not balance by {left}")


class LedgerJournal(Carried):
    """An entry of one company and one day: recognition, fees, payout, accrual, reversal."""

    document_key: DocumentKey
    company: str
    posting_date: date
    description: Stated
    lines: tuple[EntryLine, ...]

    @model_validator(mode="after")
    def _balanced(self) -> LedgerJournal:
        if len(self.lines) < 2:
            raise ValueError("lines: an entry has two sides")
        if len({line.amount.currency for line in self.lines}) > 1:
            raise ValueError("lines: a ledger is kept in one currency")
        require_balance(self.lines)
        return self


class Reversal(Carried):
    """Undo of an entry by its opposite: a journal, a receipt that was returned, a write-off that
    was paid after all. Both stay in the books."""

    document_key: DocumentKey
    company: str
    reverses: DocumentKey
    posting_date: date
    reason: Stated


class PostedJournal(Carried):
    """An entry as the ledger holds it, whoever made it."""

    ref: Ref
    company: str
    number: str
    posting_date: date
    document_key: str = ""
    """"" where it is none of ours."""
    description: str = ""
    lines: tuple[EntryLine, ...]
    settles: tuple[DocumentKey, ...] = Field(default=(), exclude_if=lambda keys: not keys)
    """Of an entry that is none of ours: documents of ours that the ledger counts it against."""

    @model_validator(mode="after")
    def _balanced(self) -> PostedJournal:
        require_balance(self.lines)
        return self


class LedgerPeriodState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    """Of a closed year too. Nothing is posted into it."""


class LedgerPeriod(Carried):
    """A month of a company's books."""

    ref: Ref
    company: str
    start: date
    end: date
    """First day after it."""
    state: LedgerPeriodState


class UnpostedDocument(Carried):
    """What stands in the ledger's month and is not posted, whoever began it: it keeps the month
    from being closed."""

    ref: Ref
    number: str = ""
    day: date
    document_key: str = ""
    """"" where it is none of ours."""
    description: str = ""


class TrialBalanceRow(Carried):
    """Of one account from the beginning to a day; `balance` is debit less credit."""

    account: str
    debit: Money
    credit: Money
    balance: Money

    @model_validator(mode="after")
    def _adds_up(self) -> TrialBalanceRow:
        if self.balance != self.debit - self.credit:
            raise ValueError("balance: not debit less credit")
        return self


def balance_of(rows: Iterable[TrialBalanceRow], currency: CurrencyCode) -> Money:
    """Sum of all balances: nought, or the books are wrong."""
    return Money.total((row.balance for row in rows), currency)


def trial_balance_of(
    journals: Iterable[PostedJournal], currency: CurrencyCode
) -> tuple[TrialBalanceRow, ...]:
    """The trial balance that these entries make, by account."""
    zero = Money.zero(currency)
    sums: dict[str, tuple[Money, Money]] = {}
    for journal in journals:
        for line in journal.lines:
            debit, credit = sums.get(line.account, (zero, zero))
            if line.side is Side.DEBIT:
                debit = debit + line.amount
            else:
                credit = credit + line.amount
            sums[line.account] = (debit, credit)
    return tuple(
        TrialBalanceRow(account=account, debit=debit, credit=credit, balance=debit - credit)
        for account, (debit, credit) in sorted(sums.items())
    )
