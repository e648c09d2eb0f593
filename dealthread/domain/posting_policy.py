"""Whether an invoice is posted as a document of its own, or as a part of its day's summary.

Source of the rule: facts/domain.md §5, "One document or summary". What is sent on terms, or to a
buyer with a tax id, is one document, always. What a card pays by itself is one document below so
many invoices a month and company; from there on the day's are one document against a control
customer. Where a listing of VAT by customer is due nothing is summarised.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from dealthread.domain.base import Frozen
from dealthread.domain.country import EU_MEMBERS

LISTED = EU_MEMBERS | {"GB"}
"""Seats whose returns list what each customer was charged: EC sales list, DATEV. The United
Kingdom's is left out with them: its records are kept by customer too."""


class InvoicePosting(StrEnum):
    EACH = "each"
    DAILY_SUMMARY = "daily_summary"


class PostingPolicy(Frozen):
    """Of one legal entity (`posting` in config/legal_entities.yaml)."""

    invoices: InvoicePosting = InvoicePosting.EACH
    above: int = Field(default=5000, ge=0)
    """Finalised invoices of the month before, from which on a summary is posted."""
    summary_customer: str = ""
    """Our key of the control customer at the ERP."""
