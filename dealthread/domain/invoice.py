"""Invoices as the biller computes them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Ref
from dealthread.domain.money import CurrencyCode, Money


class InvoiceStatus(StrEnum):
    PREVIEW = "preview"
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class InvoiceLine(Carried):
    """`net` excludes tax; the period's end is exclusive."""

    line_key: str
    description: str = ""
    quantity: str = "1"
    net: Money
    tax: Money
    tax_rate: str = ""
    period_start: date | None = None
    period_end: date | None = None


class BillingInvoice(Carried):
    """A preview or an invoice of the biller. `gross` is what the document says, never what is
    left to pay (`amount_due` may be less by customer balance)."""

    ref: Ref | None = None
    number: str = ""
    status: InvoiceStatus
    currency: CurrencyCode
    lines: tuple[InvoiceLine, ...]
    net: Money
    tax: Money
    gross: Money
    amount_due: Money
    issue_date: date | None = None
    due_date: date | None = None
    finalised_at: AwareDatetime | None = None
