"""Rows of recognised revenue, and the documents of the ledger that sum them up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from dealthread.domain.base import Carried, Frozen
from dealthread.domain.documents import DocumentKey
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money
from dealthread.domain.revenue.journal import Side

AS_USED = "as_used"
"""Treatment of usage: revenue in the month of use, a receivable until its bill takes it."""
UNBILLED_RECEIVABLES = "1150"
"""Where usage stands until it is billed (facts/domain.md §9.2); the invoice's line clears it."""


class PlannedRevenue(Frozen):
    """Revenue of one obligation in one month, as the contract's present plan has it."""

    contract_key: str
    version: int
    obligation: str
    line_key: str
    account: str
    month: date
    """First day of the month."""
    amount: Money
    treatment: str = ""
    recognised_on: date | None = None
    """The day of the event that it waited for; None: the last of the month."""


class RecognisedRevenue(Carried):
    """What one document recognises of one obligation and month: the part of a contract line."""

    contract_key: str
    version: int
    """Of the contract, whose plan it follows."""
    obligation: str
    line_key: str
    account: str
    month: date
    amount: Money
    """In the contract's currency; below nought where a plan has less than was posted."""
    ledger_amount: Money
    rate: ExactDecimal | None = None
    """Ledger units for one of the contract's, as its invoice was posted; None in one currency."""
    treatment: str = ""


class RecognitionState(StrEnum):
    """Of a document. What is planned counts as taken: it is posted before anything else is."""

    PLANNED = "planned"
    POSTED = "posted"
    REVERSED = "reversed"


class RecognitionDocument(Carried):
    """One entry of recognised revenue: of one company, month, day and currency."""

    document_key: DocumentKey
    seller: str
    period: date
    """First day of the month whose run made it."""
    number: int
    """1, 2, … within company and period."""
    erp: str
    company: str
    posting_date: date
    deferred_account: str
    currency: CurrencyCode
    ledger_currency: CurrencyCode
    state: RecognitionState = RecognitionState.PLANNED
    entry: str = ""
    """The ledger's number of the entry, once it is posted."""
    requested_by: str = ""
    rows: tuple[RecognisedRevenue, ...] = ()

    @property
    def amount(self) -> Money:
        """Sum in the contracts' currency."""
        return Money.total((row.amount for row in self.rows), self.currency)

    @property
    def ledger_amount(self) -> Money:
        """Sum in the ledger's currency."""
        return Money.total((row.ledger_amount for row in self.rows), self.ledger_currency)

    def by_account(self) -> dict[str, Money]:
        """Revenue by account, in the ledger's currency."""
        return {
            account: Money.total(
                (row.ledger_amount for row in self.rows if row.account == account),
                self.ledger_currency,
            )
            for account in sorted({row.account for row in self.rows})
        }

    def journal(self) -> LedgerJournal:
        """Deferred revenue, or for usage unbilled receivables, against revenue: one line for each
        account, and one more for what a plan takes back of it."""
        sides = []
        for takes_back in (False, True):
            rows = [row for row in self.rows if (row.ledger_amount.amount < 0) is takes_back]
            debit = Side.CREDIT if takes_back else Side.DEBIT
            used = [row for row in rows if row.treatment == AS_USED]
            fixed = [row for row in rows if row.treatment != AS_USED]
            sides.append(self._side(self.deferred_account, fixed, debit))
            sides.append(self._side(UNBILLED_RECEIVABLES, used, debit))
            for account in sorted({row.account for row in rows}):
                of_account = [row for row in rows if row.account == account]
                sides.append(
                    self._side(account, of_account, Side.DEBIT if takes_back else Side.CREDIT)
                )
        return LedgerJournal(
            document_key=self.document_key,
            company=self.company,
            posting_date=self.posting_date,
            description=f"Revenue {self.seller} {self.period:%Y-%m} {self.currency}",
            lines=tuple(line for line in sides if line.amount),
        )

    def _side(self, account: str, rows: Sequence[RecognisedRevenue], side: Side) -> EntryLine:
        own = Money.total((row.ledger_amount for row in rows), self.ledger_currency)
        theirs = Money.total((row.amount for row in rows), self.currency)
        lines = len({(row.contract_key, row.obligation) for row in rows})
        return EntryLine(
            account=account,
            side=side,
            amount=abs(own),
            document_amount=abs(theirs) if self.currency != self.ledger_currency else None,
            text="1 contract line" if lines == 1 else f"{lines} contract lines",
        )


def first_of(day: date) -> date:
    """First day of a day's month."""
    return day.replace(day=1)


def month_after(month: date) -> date:
    """First day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
