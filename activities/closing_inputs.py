"""Inputs and results of the activities that close a month."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried, Ref
from dealthread.domain.closing.checklist import ChecklistItem
from dealthread.domain.closing.of_processor import ProcessorMonth
from dealthread.domain.processor import KnownBalance
from dealthread.domain.transaction import SagaContext


class CloseInput(Carried):
    """Input of the PeriodClose workflow."""

    seller: str
    period: date
    """First day of the month."""
    erp: str
    company: str
    number: int
    """Which attempt; the next one after one that was stopped."""
    requested_by: str
    tenant: str = "default"
    business_offset_seconds: int = 0


class OfClose(Carried):
    """Which month of which company, and which attempt to close it."""

    context: SagaContext
    seller: str
    period: date
    number: int


class CloseRefusal(Carried):
    """Why a month cannot be closed at all; "" where it can."""

    refused: str = ""
    action: str = ""


class RevenueRun(Carried):
    """How the month's recognition ended."""

    outcome: str
    """completed, refused, stopped; `elsewhere` where another run of the month is under way."""
    refused: str = ""
    left_out: tuple[str, ...] = ()


class ReadProcessor(Carried):
    """What the processor says of the month: for each billing account and currency."""

    months: tuple[ProcessorMonth, ...] = ()
    known: tuple[KnownBalance, ...] = ()
    """What later months begin with; nothing while the month may still move."""


class CheckClose(OfClose):
    """Input of `closing.check`."""

    erp: str
    company: str
    revenue: RevenueRun
    processor: ReadProcessor | None = None
    """None where the processor was not asked."""


class CloseChecked(Carried):
    """What was looked at, without the evidence, which the store holds."""

    fingerprint: str
    items: tuple[ChecklistItem, ...]

    @property
    def in_the_way(self) -> tuple[ChecklistItem, ...]:
        """What keeps the month from being signed."""
        return tuple(one for one in self.items if one.state == "open")


class SignClose(OfClose):
    """Input of `closing.sign`."""

    fingerprint: str
    actor: str
    reason: str = ""


class ClosePeriod(OfClose):
    """Input of `closing.close`: the month as it was signed."""

    erp: str
    company: str
    fingerprint: str
    revenue: RevenueRun
    processor: ReadProcessor | None = None
    """Read anew."""


class PeriodClosed(Carried):
    """The ledger's period, or that the books are not what was signed any more."""

    ref: Ref | None = None
    is_changed: bool = False


class EndClose(OfClose):
    """Input of `closing.end`."""

    state: str
    reason: str = ""
    ledger_period: str = ""
    fingerprint: str = ""
    """Of what was signed, where it was closed."""


class CloseResult(Carried):
    """How an attempt ended."""

    outcome: str
    """closed, refused or stopped."""
    refused: str = ""
    action: str = ""
    signed_by: str = ""
    fingerprint: str = ""
