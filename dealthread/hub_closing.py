"""What the core asks of its own store about closing a month. Implemented in `store/`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from dealthread.domain.closing.books import UsedPeriod
from dealthread.domain.closing.checklist import Checklist, Evidence
from dealthread.domain.events import BusinessEvent
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.posted import PostedDocument
from dealthread.domain.processor import KnownBalance
from dealthread.domain.recognition.rows import RecognitionDocument


class CloseState(StrEnum):
    """Of one attempt to close a month."""

    BEGUN = "begun"
    CHECKED = "checked"
    """Looked at; it waits for what stands in the way, or for the signature."""
    SIGNED = "signed"
    CLOSED = "closed"
    STOPPED = "stopped"
    """Given up, or not signed: the month is open as before."""


FINAL = (CloseState.CLOSED, CloseState.STOPPED)


@dataclass(frozen=True)
class Close:
    """A month's closing: the latest attempt is `number`."""

    seller: str
    period: date
    number: int
    state: CloseState
    begun_by: str
    begun_at: datetime
    checklist: Checklist | None = None
    fingerprint: str = ""
    signed_by: str = ""
    signed_at: datetime | None = None
    reason: str = ""
    """Of the signature, or why it was stopped."""
    closed_at: datetime | None = None
    ledger_period: str = ""
    """The ledger's own id of the period."""


@dataclass(frozen=True)
class ClosingPosition:
    """What is recorded of a company's month."""

    contracts: tuple[ContractFacts, ...]
    used: tuple[UsedPeriod, ...]
    recognised: tuple[RecognitionDocument, ...]
    undone: frozenset[str]
    unsent_writes: tuple[str, ...]
    """Writes to the company's ledger that are begun and have no end."""
    under_way: tuple[str, ...]
    """Changes of contracts that have not ended."""
    unsent_usage: tuple[str, ...]
    """Sums of use that the biller does not have."""
    stuck: tuple[str, ...]
    """Open cases of the company's invoices and revenue."""
    other_cases: tuple[str, ...]
    banked: tuple[PostedDocument, ...] = ()
    """Money of the bank that was posted before it was applied."""
    payouts: frozenset[str] = frozenset()
    """Keys of entries of payouts, and of their return."""
    disputes: frozenset[str] = frozenset()
    """Keys of entries of what disputes moved."""


class Closing(Protocol):
    """Closing of months."""

    async def begin(self, seller: str, period: date, number: int, actor: str) -> None:
        """Keep that it was begun; the same again changes nothing."""

    async def position(self, seller: str, period: date, erp: str, company: str) -> ClosingPosition:
        """What is recorded, as of the month's last day."""

    async def checked(
        self, seller: str, period: date, number: int, evidence: Evidence, journal: str
    ) -> None:
        """Keep what was looked at, in the place of an earlier look of the same attempt."""

    async def signed(
        self, seller: str, period: date, number: int, fingerprint: str, actor: str, reason: str
    ) -> None:
        """Keep who signed what. Raises Conflict where something else was looked at since."""

    async def ended(
        self,
        seller: str,
        period: date,
        number: int,
        state: CloseState,
        *,
        reason: str = "",
        ledger_period: str = "",
        events: tuple[BusinessEvent, ...] = (),
    ) -> None:
        """How the attempt ended; events of it are kept with it. The same again changes nothing."""

    async def known_balances(self, seller: str, period: date) -> tuple[KnownBalance, ...]:
        """The processor's balances that the last closed month before a month was closed on."""

    async def latest(self, seller: str, period: date) -> Close | None:
        """The latest attempt."""

    async def evidence(self, seller: str, period: date) -> tuple[Close, Evidence, str] | None:
        """The latest attempt that was looked at: what was found, and the month's entries as text
        for hledger."""
