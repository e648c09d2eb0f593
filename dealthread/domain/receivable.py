"""Documents of the receivables ledger that the biller has numbered: invoice and credit memo.

They are what the ledger is told after the biller or a person has decided: every amount
is exact, is given, and is never computed anew by the ledger. Amounts of a document are in its own
currency; `rate` says what they are in a ledger that is kept in another one.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime, Field, model_validator

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import CreditForm, DocumentKey, Stated
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money
from dealthread.domain.party import BuyerSnapshot


class PostingDates(Carried):
    """The dates of a document, never merged. The period of service is on its lines."""

    finalised_at: AwareDatetime
    issue_date: date
    """The legal date on the document."""
    tax_point: date
    """Decides the tax return; never moved."""
    posting_date: date
    """The one date that a closed period moves."""

    def all_on(self, day: date) -> PostingDates:
        """Of a document that the ledger alone has, made on a day out of one with these dates."""
        return self.model_copy(update={"issue_date": day, "tax_point": day, "posting_date": day})


class LedgerLine(Carried):
    """A line as the biller computed it. On a credit memo the amounts are what is given back."""

    line_key: Stated
    item: str = ""
    """Code of the ERP's item; "" where the line has none."""
    account: Stated
    description: str
    quantity: ExactDecimal = Decimal(1)
    net: Money
    tax_code: str
    """"" where the biller's document states no tax on the line, whatever its item is taxed at."""
    tax: Money
    service_start: date | None = None
    service_end: date | None = None
    """First day not served."""
    sums: int = Field(default=1, ge=1, exclude_if=lambda sums: sums == 1)
    """How many lines of the biller it is the sum of: each has rounded its tax by itself."""

    @model_validator(mode="after")
    def _sound(self) -> LedgerLine:
        if self.tax.currency != self.net.currency:
            raise ValueError("tax: another currency than net")
        if not self.tax_code and self.tax:
            raise ValueError("tax_code: a tax has one")
        if self.tax.amount * self.net.amount < 0:
            raise ValueError("tax: another sign than net")
        start, end = self.service_start, self.service_end
        if start is not None and end is not None and end <= start:
            raise ValueError("service_end: not after service_start")
        return self


class _Document(Carried):
    """What an invoice and a credit memo have in common."""

    document_key: DocumentKey
    number: Stated
    """The biller's legal number, under which the ledger keeps it too."""
    billing: Ref
    company: str
    customer_key: Stated
    currency: CurrencyCode
    dates: PostingDates
    lines: tuple[LedgerLine, ...]
    net: Money
    tax: Money
    gross: Money
    contract_key: str = ""
    business_key: str = ""
    po_number: str = ""
    receivable_account: str = "1100"
    rate: LedgerRate | None = None
    """None where the ledger is kept in the document's currency."""
    buyer: BuyerSnapshot | None = Field(default=None, exclude_if=lambda buyer: buyer is None)
    """As the biller's document says it."""

    @model_validator(mode="after")
    def _adds_up(self) -> _Document:
        if not self.lines:
            raise ValueError("lines: a document has at least one")
        for name in ("net", "tax"):
            stated: Money = getattr(self, name)
            if stated != Money.total((getattr(line, name) for line in self.lines), self.currency):
                raise ValueError(f"{name}: not the sum of the lines")
        if self.gross != self.net + self.tax:
            raise ValueError("gross: not net and tax together")
        if self.gross.amount <= 0:
            raise ValueError("gross: above nought; less is the other kind of document, or none")
        if self.rate is not None and self.rate.currency == self.currency:
            raise ValueError("rate: converts into the document's own currency")
        return self


class LedgerInvoice(_Document):
    """A finalised invoice. `gross` is what the document says, never what is left to pay."""

    due_date: date
    payment_terms: str

    @model_validator(mode="after")
    def _due(self) -> LedgerInvoice:
        if self.due_date < self.dates.issue_date:
            raise ValueError("due_date: before the issue date")
        return self


# Where a credit goes when the caller names no account: liability to the customer, and the
# processor's clearing account, out of which it pays refunds.
_ACCOUNT_OF = {
    CreditForm.OPEN_INVOICE: "1100",
    CreditForm.BALANCE: "2210",
    CreditForm.REFUND: "1050",
}


class CreditSettlement(Carried):
    """A part of a credit memo and what becomes of it."""

    form: CreditForm
    amount: Money
    account: str = ""
    """Account that is credited instead of the receivable; "" takes the one of the form."""

    @model_validator(mode="after")
    def _positive(self) -> CreditSettlement:
        if self.amount.amount <= 0:
            raise ValueError("amount: above nought")
        return self

    @property
    def credited(self) -> str:
        """The account's code."""
        return self.account or _ACCOUNT_OF[self.form]


class LedgerCreditMemo(_Document):
    """A credit memo; all amounts are above nought and say what is given back."""

    corrects: str = ""
    """Document key of the invoice. "" only where the biller's credit names none (a negative
    invoice), and then nothing of it settles an invoice."""
    reason: str = ""
    settlements: tuple[CreditSettlement, ...]

    @model_validator(mode="after")
    def _settled(self) -> LedgerCreditMemo:
        parts = (part.amount for part in self.settlements)
        if Money.total(parts, self.currency) != self.gross:
            raise ValueError("settlements: not the gross in sum")
        forms = [part.form for part in self.settlements]
        if len(set(forms)) != len(forms):
            raise ValueError("settlements: a form stands twice")
        if CreditForm.OPEN_INVOICE in forms and not self.corrects:
            raise ValueError("corrects: the invoice that is settled is not named")
        return self

    @property
    def is_applied_whole(self) -> bool:
        """Whether all of it reduces the invoice that it corrects."""
        return [part.form for part in self.settlements] == [CreditForm.OPEN_INVOICE]


class TakenBackCredit(Carried):
    """Undo of a credit memo that was withdrawn while the invoice that it reduced is open: a
    document of the opposite effect settles the memo, the invoice is open as before. Both stay in
    the books."""

    document: LedgerInvoice
    memo: DocumentKey
    invoice: DocumentKey


def taken_back_number(number: str) -> str:
    """Under which the undo of a credit memo is kept: the biller numbers none."""
    return f"{number} void"


def voided_number(number: str) -> str:
    """Under which the reversal of a void invoice is kept: the biller numbers none."""
    return f"{number} void"
