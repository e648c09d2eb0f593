"""What the core asks of its own store about usage. Implemented in `store/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from dealthread.domain.case import CaseOpening
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.events import BusinessEvent
from dealthread.domain.usage.event import UsageEvent
from dealthread.ports.usage import UsageReport


@dataclass(frozen=True)
class PeriodTotal:
    """What a line used in a billing period, before and after what was just taken in."""

    contract_key: str
    line_key: str
    period_start: date
    before: Decimal
    after: Decimal


class Taken(StrEnum):
    """What became of an event that was to be kept."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """It was taken before, and says the same."""
    CONFLICT = "conflict"
    """Another event was taken under its source and id."""


@dataclass(frozen=True)
class UsageBatch:
    """A sum that waits to be counted by the biller, and what is known of it."""

    report: UsageReport
    contract_key: str
    line_key: str
    period_start: date
    period_end: date
    attempts: int
    first_attempt_at: datetime | None


@dataclass(frozen=True)
class ToldOfUse:
    """What a period's new total tells subscribers, and what of it is for a person."""

    events: tuple[BusinessEvent, ...] = ()
    cases: tuple[CaseOpening, ...] = ()


class UsageTold(Protocol):
    """What is told of a period's new total, in the transaction that made it."""

    def __call__(self, total: PeriodTotal) -> ToldOfUse: ...


class UsageStore(Protocol):
    """Usage that is taken in."""

    async def contracts(self, keys: Sequence[str]) -> dict[str, tuple[Contract, ContractState]]:
        """Contracts by key as they stand; those that are not known are left out."""

    async def known(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """(source, id) → hash of what was taken under it."""

    async def take(
        self, events: Sequence[UsageEvent], told: UsageTold
    ) -> dict[tuple[str, str], Taken]:
        """Keep them, their sums and what is told of these, in one transaction."""


class UsageSendingStore(Protocol):
    """Sums of usage and their way to the biller."""

    async def accounts_due(self, interval_seconds: int) -> tuple[str, ...]:
        """Billing accounts with something to send now."""

    async def plan(
        self, billing_account: str, interval_seconds: int, most: int, oldest: datetime
    ) -> int:
        """Make sums of what was taken in and is in none yet; how many. None tells of an instant
        before `oldest` unless its period had ended by then: the biller takes no older ones."""

    async def due(self, billing_account: str, most: int) -> tuple[UsageBatch, ...]:
        """Sums to send now, oldest first; an attempt is counted before it is made."""

    async def known_sent(self, batch: UsageBatch) -> Decimal:
        """What the biller has of the customer's meter in the batch's period, by our own book."""

    async def sent(self, batch_key: str) -> None:
        """The biller has it."""

    async def not_sent(self, batch_key: str, why: str, wait_seconds: float) -> None:
        """It has it not, or nobody knows: it is tried again later."""

    async def waiting(self, billing_account: str) -> int:
        """Sums that are not known to be at the biller."""
