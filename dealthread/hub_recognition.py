"""What the core asks of its own store about recognised revenue. Implemented in `store/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dealthread.domain.events import BusinessEvent
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.domain.recognition.rows import PlannedRevenue, RecognitionDocument


@dataclass(frozen=True)
class RecognitionPosition:
    """What a company plans to recognise and what was taken of it, read at one moment."""

    sequence: int
    """Rises with whatever is taken or given back: a plan made on another one is refused."""
    planned: tuple[PlannedRevenue, ...]
    documents: tuple[RecognitionDocument, ...]
    """Planned or posted, not those that were reversed."""


@dataclass(frozen=True)
class ServiceAcceptance:
    """The customer has accepted a service: its revenue has a month. `evidence` says how we know."""

    contract_key: str
    version: int
    obligation: str
    line_key: str
    account: str
    amount: Money
    accepted_on: date
    evidence: str
    actor: str


class Recognition(Protocol):
    """Recognised revenue: planned by contracts, taken by documents, posted to the ledger."""

    async def position(self, seller: str, through: date) -> RecognitionPosition:
        """Plans of the company's contracts that run or ran, of those without end up to the billing
        period of a day, and what was taken of them."""

    async def plan(
        self, seller: str, sequence: int, documents: Sequence[RecognitionDocument]
    ) -> None:
        """Keep documents before the first of them is sent. Raises Conflict where something was
        taken since the position was read."""

    async def document(self, document_key: str) -> RecognitionDocument:
        """One document with its rows. Raises NotFound."""

    async def of_period(self, seller: str, period: date) -> tuple[RecognitionDocument, ...]:
        """Documents that a month's runs made, reversed ones among them."""

    async def posted(
        self, *, seller: str = "", contract_key: str = "", until: date | None = None
    ) -> tuple[RecognitionDocument, ...]:
        """What stands in the ledger, posted before a day; of a contract, its rows alone."""

    async def withdraw(self, seller: str, period: date, document_key: str = "") -> None:
        """Planned documents of a month, or one of them, that were never sent count no longer."""

    async def reversals(self, seller: str) -> frozenset[str]:
        """Keys of documents that were reversed, and of the entries that did it."""

    async def accept_service(
        self, acceptance: ServiceAcceptance, events: tuple[BusinessEvent, ...] = ()
    ) -> bool:
        """Keep it, and what is told of it; False where it was known. Raises Conflict for another
        day."""

    async def posted_bills(
        self, erp: str, company: str, contract_key: str = ""
    ) -> tuple[PostedDocument, ...]:
        """Invoices and credit memos that we posted at a company, oldest first."""
