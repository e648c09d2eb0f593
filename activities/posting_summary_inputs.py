"""Inputs and results of the activities that post a day's invoices as one document."""

from __future__ import annotations

from dealthread.domain.base import Carried, Ref
from dealthread.domain.party import BuyerSnapshot
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import Held
from dealthread.domain.transaction import SagaContext


class SummaryInput(Carried):
    """Input of the PostingSummary workflow."""

    summary_id: str
    key: str
    """What stands for a contract's key (`naming.summary_key`)."""
    seller: str
    erp: str
    company: str
    number: str
    due_at: str
    """ISO 8601, with zone."""
    tenant: str = "default"
    business_offset_seconds: int = 0


class OfSummary(Carried):
    """Input of a step that is about one summary."""

    context: SagaContext
    summary_id: str
    erp: str


class Waiting(Carried):
    """Invoices that wait in a summary, a page of them."""

    invoices: tuple[Ref, ...] = ()


class TakeIn(Carried):
    """Input of `summary.take_in`."""

    context: SagaContext
    summary_id: str
    invoices: tuple[Ref, ...]


class ClosedSummary(Carried):
    """How a summary was closed: False while somebody joined meanwhile."""

    is_closed: bool
    count: int = 0
    """Invoices in it."""


class RecordHeld(Carried):
    """Input of `summary.record` and of the steps that take an invoice out."""

    context: SagaContext
    held: Held
    erp: str
    buyer: BuyerSnapshot | None = None
    """As the biller's document says it."""


class HeldDocuments(Carried):
    """An invoice that the ledger holds in a summary, as we record it."""

    invoice: PostedDocument
    receipt_keys: tuple[str, ...]
    """Of its payments, as they have them where they stand by themselves."""


class WantSingle(Carried):
    """Input of `summary.want_single`: an invoice that needs a document of its own."""

    bill: Ref


class SingleWanted(Carried):
    """Whether a summary has it at all."""

    is_held: bool
