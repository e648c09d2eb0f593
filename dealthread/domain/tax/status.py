"""Estimated tax and tax of record are two types, so that one is never posted as the other.

Tax is of record only with a finalised invoice: then its amounts are taken as the document says,
recomputed only to warn (facts/domain.md §5, "Tax source of truth").
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.invoice import BillingInvoice, InvoiceStatus
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.tax.computation import TaxLine
from dealthread.domain.working import Working, worked

NOT_FINAL = frozenset({InvoiceStatus.PREVIEW, InvoiceStatus.DRAFT})


class EstimatedTax(Frozen):
    """What tax is expected to be. Nothing is posted or credited from it."""

    status: Literal["estimated"] = "estimated"
    tax_date: date
    currency: CurrencyCode
    lines: tuple[TaxLine, ...]

    @property
    def net(self) -> Money:
        """Net of all lines."""
        return Money.total((line.net for line in self.lines), self.currency)

    @property
    def tax(self) -> Money:
        """Tax of all lines."""
        return Money.total((line.tax for line in self.lines), self.currency)

    @property
    def gross(self) -> Money:
        """Net and tax."""
        return self.net + self.tax

    @property
    def working(self) -> Working:
        """How the sum came about, line by line."""
        return worked(
            "estimated tax",
            "sum of the lines' tax",
            self.tax,
            parts=[line.working for line in self.lines],
            tax_date=self.tax_date,
        )


class RecordedLine(Frozen):
    """Net and tax of a line as the finalised document states them."""

    key: str
    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """Net and tax."""
        return self.net + self.tax


class TaxOfRecord(Frozen):
    """The tax of a finalised invoice."""

    status: Literal["of_record"] = "of_record"
    document: str
    """The invoice's number."""
    finalised_at: AwareDatetime
    currency: CurrencyCode
    lines: tuple[RecordedLine, ...]

    @model_validator(mode="after")
    def _consistent(self) -> TaxOfRecord:
        if not self.document:
            raise ValueError("document: a finalised invoice has a number")
        if len({line.key for line in self.lines}) < len(self.lines):
            raise ValueError("lines: two have the same key")
        for line in self.lines:
            if {line.net.currency, line.tax.currency} != {self.currency}:
                raise ValueError(f"lines: {line.key} is not in {self.currency}")
        return self

    @property
    def tax(self) -> Money:
        """Tax of all lines."""
        return Money.total((line.tax for line in self.lines), self.currency)

    def line(self, key: str) -> RecordedLine:
        """The line of a key. Raises ValueError where the document has none."""
        for line in self.lines:
            if line.key == key:
                return line
        raise ValueError(f"line_key: {self.document} has no line {key!r}")


def tax_of_record(invoice: BillingInvoice) -> TaxOfRecord:
    """The tax of a finalised invoice, line by line.

    Raises ValueError for a preview or a draft, and where the lines do not sum to the document.
    """
    if invoice.finalised_at is None or invoice.status in NOT_FINAL:
        raise ValueError("finalised_at: only a finalised invoice has tax of record")
    record = TaxOfRecord(
        document=invoice.number,
        finalised_at=invoice.finalised_at,
        currency=invoice.currency,
        lines=tuple(
            RecordedLine(key=line.line_key, net=line.net, tax=line.tax) for line in invoice.lines
        ),
    )
    net = Money.total((line.net for line in record.lines), record.currency)
    if (net, record.tax, net + record.tax) != (invoice.net, invoice.tax, invoice.gross):
        raise ValueError(f"lines: they do not sum to invoice {invoice.number}")
    return record


def differences(estimate: EstimatedTax, record: TaxOfRecord) -> dict[str, Money]:
    """Tax of record less estimate for each line where they differ; a warning, never a correction.

    A line that only one of them has counts as nought in the other.
    """
    expected = {line.key: line.tax for line in estimate.lines}
    stated = {line.key: line.tax for line in record.lines}
    nought = Money.zero(record.currency)
    found = {
        key: stated.get(key, nought) - expected.get(key, nought)
        for key in dict.fromkeys([*expected, *stated])
    }
    return {key: amount for key, amount in found.items() if amount}
