"""Entries: what one document adds to one figure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from dealthread.domain.base import Frozen, Ref
from dealthread.domain.money import Money


class Figure(StrEnum):
    """What is summed. Net of tax, unless it says gross."""

    SOLD = "sold"
    BILLED = "billed"
    USAGE_BILLED = "usage_billed"
    """Of what is billed."""
    RECOGNISED = "recognised"
    USAGE_RECOGNISED = "usage_recognised"
    """Of what is recognised."""
    INVOICED_GROSS = "invoiced_gross"
    """Invoices less credits and voids, with tax."""
    COLLECTED = "collected"
    """Gross of tax and fees: receipts less refunds."""
    RECEIVABLE = "receivable"
    CREDIT_BALANCE = "credit_balance"
    """Credits that the customer's next invoices will use."""
    UNAPPLIED_CASH = "unapplied_cash"
    WRITTEN_OFF = "written_off"


class DocumentKind(StrEnum):
    VERSION = "version"
    """An accepted version of the contract."""
    PERIOD = "period"
    """A billing period of a contract without end, committed when it begins."""
    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"
    VOID = "void"
    BALANCE_USED = "balance_used"
    """Credit of before that an invoice used up."""
    RECEIPT = "receipt"
    WRITE_OFF = "write_off"
    REVERSAL = "reversal"
    """Of a payment that was lost to a dispute, or of a write-off that was paid after all."""
    OPENING = "opening"
    """What an adopted contract brought along."""
    RECOGNITION = "recognition"
    """An entry of recognised revenue."""


class Entry(Frozen):
    """A document's part of a figure. `day` is the figure's own: acceptance, posting, value."""

    figure: Figure
    amount: Money
    day: date
    contract_key: str
    kind: DocumentKind
    number: str = ""
    source: Ref | None = None
    """The document in the system that owns it."""
    ledger: Ref | None = None
    """The same in the ledger."""
    ledger_amount: Money | None = None
    """In the ledger's currency, at the document's own rate; None where it has none."""


def sum_of(entries: Iterable[Entry], figure: Figure, currency: str) -> Money:
    """All parts of a figure."""
    return Money.total((one.amount for one in entries if one.figure is figure), currency)
