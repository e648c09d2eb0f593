"""Documents of the receivables ledger: invoice, credit memo, receipt, write-off.

They are what the ledger is told after the biller, the bank or a person has decided: every amount
is exact, is given, and is never computed anew by the ledger. Amounts of a document are in its own
currency; `rate` says what they are in a ledger that is kept in another one.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import CreditForm, Stated
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money
from dealthread.domain.party import BuyerSnapshot

DocumentKey = Annotated[str, StringConstraints(pattern=r"^DT[0-9A-Z]{14}$")]
"""`naming.erp_document_key`."""


class PostingDates(Carried):
    """The dates of a document, never merged. The period of service is on its lines."""

    finalised_at: AwareDatetime
    issue_date: date
    """The legal date on the document."""
    tax_point: date
    """Decides the tax return; never moved."""
    posting_date: date
    """The one date that a closed period moves."""


class LedgerRate(Carried):
    """One unit of the document's currency costs `rate` units of the ledger's."""

    currency: CurrencyCode
    """Of the ledger."""
    rate: ExactDecimal
    rate_date: date
    source: Stated

    @model_validator(mode="after")
    def _usable(self) -> LedgerRate:
        if self.rate <= 0:
            raise ValueError("rate: above nought")
        return self

    def of(self, amount: Money) -> Money:
        """The amount in the ledger's currency, rounded half up once."""
        return Money.rounded(amount.amount * self.rate, self.currency)

    def said(self, currency: str) -> str:
        """As a person reads it on a document of a currency, and `said_rate` reads it back."""
        source = f"({self.source})"
        return f"1 {currency} = {self.rate:f} {self.currency} of {self.rate_date} {source}"


_SAID = re.compile(r"1 [A-Z]{3} = ([0-9.]+) ([A-Z]{3}) of (\d{4}-\d\d-\d\d) \(([^)]+)\)")


def said_rate(text: str | None) -> LedgerRate | None:
    """The rate that a document says; None where it says none."""
    found = _SAID.search(text or "")
    if found is None:
        return None
    rate, currency, day, source = found.groups()
    return LedgerRate(
        currency=currency, rate=Decimal(rate), rate_date=date.fromisoformat(day), source=source
    )


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


class Application(Carried):
    """Part of a receipt that settles a document."""

    document_key: DocumentKey
    amount: Money
    ledger_amount: Money | None = None
    """What that part stands for in the ledger's currency, at the document's own rate. None in
    the ledger's currency."""
    native_id: str = Field(default="", exclude_if=lambda native_id: not native_id)
    """The ledger's own id of a document that others posted: it carries no key of ours."""


class LedgerReceipt(Carried):
    """Money, or credit that the customer had already, settles documents.

    `money_account` is the bank or the processor's clearing account; where credit is used it is
    the liability that held it (2200 unapplied cash, 2210 credit balances). Fees are a journal of
    their own: what the customer paid is the gross.
    """

    document_key: DocumentKey
    source: Ref
    """The charge, the bank's line, or the credit."""
    company: str
    customer_key: Stated
    value_date: date
    posting_date: date
    money_account: Stated
    amount: Money
    applications: tuple[Application, ...] = ()
    unapplied: Money
    """The remainder, above nought only with money that came in."""
    unapplied_account: str = "2200"
    receivable_account: str = "1100"
    exchange_account: str = "7000"
    reference: str = ""
    """Remittance reference."""
    drawn_from: DocumentKey | None = Field(default=None, exclude_if=lambda key: key is None)
    """The receipt that brought what `money_account` held, of the bank or one that was undone in
    part: it leaves at that one's rate."""
    rate: LedgerRate | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> LedgerReceipt:
        currency = self.amount.currency
        if self.amount.amount <= 0:
            raise ValueError("amount: above nought")
        if any(part.amount.amount <= 0 for part in self.applications):
            raise ValueError("applications: each above nought")
        applied = Money.total((part.amount for part in self.applications), currency)
        if self.unapplied.amount < 0 or applied + self.unapplied != self.amount:
            raise ValueError("unapplied: not what is left of the amount")
        keys = [part.document_key for part in self.applications]
        if len(set(keys)) != len(keys):
            raise ValueError("applications: a document stands twice")
        wanted = None if self.rate is None else self.rate.currency
        for part in self.applications:
            given = None if part.ledger_amount is None else part.ledger_amount.currency
            if given != wanted:
                raise ValueError("applications: ledger_amount and rate go together")
        return self

    def exchange_loss(self) -> Money:
        """Realised by the settlement, in the ledger's currency; a gain is below nought."""
        if self.rate is None:
            return Money.zero(self.amount.currency)
        carried = [part.ledger_amount for part in self.applications if part.ledger_amount]
        stood_for = Money.total(carried, self.rate.currency) + self.rate.of(self.unapplied)
        return stood_for - self.rate.of(self.amount)


class WriteOffPart(Carried):
    """An account that bears a part of it: expense, tax that is given back, deferred revenue."""

    account: Stated
    amount: Money
    tax_code: str = ""


class WriteOff(Carried):
    """Collection of (a part of) an invoice is given up. It is no credit memo: the customer is
    told nothing and the claim stands."""

    document_key: DocumentKey
    company: str
    customer_key: Stated
    document: DocumentKey
    """The invoice."""
    posting_date: date
    gross: Money
    parts: tuple[WriteOffPart, ...]
    receivable_account: str = "1100"
    reason: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> WriteOff:
        if any(part.amount.amount <= 0 for part in self.parts):
            raise ValueError("parts: each above nought")
        if Money.total((part.amount for part in self.parts), self.gross.currency) != self.gross:
            raise ValueError("parts: not the gross in sum")
        return self


class DocumentKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"
    RECEIPT = "receipt"
    WRITE_OFF = "write_off"
    JOURNAL = "journal"
    REVERSAL = "reversal"


class DocumentState(StrEnum):
    DRAFT = "draft"
    """Begun and not complete: the write that makes it has to be repeated."""
    POSTED = "posted"
    PAID = "paid"
    """Posted, and nothing of it is open."""
    CANCELLED = "cancelled"
    """Of a draft that never was posted. A posted document is reversed."""


class HeldIn(Carried):
    """The ledger's document that holds several of ours: a day's summary, or its payment."""

    document_key: DocumentKey
    number: str
    """Of the summary."""


class PostedDocument(Carried):
    """A document as the ledger holds it. A credit memo's amounts are above nought here too."""

    ref: Ref
    kind: DocumentKind
    state: DocumentState
    document_key: str
    number: str = ""
    company: str
    customer_key: str = ""
    currency: CurrencyCode
    net: Money
    tax: Money
    gross: Money
    open_amount: Money
    """What is not yet settled of an invoice, applied of a credit memo or receipt."""
    open_ledger_amount: Money | None = None
    """The same in the ledger's currency, where that is another one."""
    rate: LedgerRate | None = None
    """At which it was posted, as the document itself says it."""
    ledger_gross: Money | None = Field(default=None, exclude_if=lambda gross: gross is None)
    """Of an invoice or credit memo in another currency: what the receivable was posted at."""
    rounding: Money | None = Field(default=None, exclude_if=lambda rounding: rounding is None)
    """What `ledger_gross` exceeds the sum of the lines by, each of them rounded by itself: it is on
    the account for exchange differences."""
    issue_date: date | None = None
    posting_date: date | None = None
    due_date: date | None = None
    entry: str = ""
    """Number of its journal entry."""
    reversal: Ref | None = None
    """The entry that undid it."""
    held_in: HeldIn | None = Field(default=None, exclude_if=lambda held: held is None)
    """Of an invoice or payment that the ledger holds as a part of a summary."""

    @property
    def ledger_key(self) -> str:
        """The key under which the ledger itself knows it."""
        return self.document_key if self.held_in is None else self.held_in.document_key
