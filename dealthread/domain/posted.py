"""A document as the ledger holds it, whoever wrote it there."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import DocumentKey
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import CurrencyCode, Money


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
