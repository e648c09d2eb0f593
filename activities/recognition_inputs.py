"""Inputs and results of the activities that recognise revenue."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.money import Money
from dealthread.domain.recognition.due import LeftOut
from dealthread.domain.recognition.roll_forward import RollForward
from dealthread.domain.transaction import SagaContext


class RecognitionInput(Carried):
    """Input of the RecognitionRun workflow: post what a month owes, or reverse what was posted."""

    seller: str
    period: date
    """First day of the month."""
    erp: str
    company: str
    requested_by: str
    reverses: tuple[str, ...] = ()
    """Keys of documents; a reversal posts nothing else."""
    reason: str = ""
    tenant: str = "default"
    business_offset_seconds: int = 0


class PlanRecognition(Carried):
    """Input of `recognition.plan`."""

    context: SagaContext
    seller: str
    period: date
    is_approved: bool = False
    """The controller has let late revenue into the month."""
    is_dry: bool = False
    """Tell what would be posted; nothing is kept."""


class PlannedEntry(Carried):
    """One document, without the contract lines behind it."""

    document_key: str
    number: int
    posting_date: date
    amount: Money
    ledger_amount: Money
    accounts: dict[str, Money]
    """Revenue account → amount in the ledger's currency."""
    contract_lines: int


class RecognitionPlan(Carried):
    """What a month's run posts, or why it posts nothing."""

    refused: str = ""
    """Code of a refusal; nothing was kept."""
    action: str = ""
    erp: str = ""
    company: str = ""
    entries: tuple[PlannedEntry, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """The first hundred."""
    left_out_count: int = 0
    waits_for_controller: Money | None = None


class PostRecognition(Carried):
    """Input of `recognition.post` and `recognition.reverse`."""

    context: SagaContext
    document_key: str
    reason: str = ""


class WithdrawRecognition(Carried):
    """Input of `recognition.withdraw`: what was planned and never sent counts no longer."""

    context: SagaContext
    seller: str
    period: date


class RecognitionResult(Carried):
    """How a run ended."""

    outcome: str
    """completed, refused, reversed or stopped."""
    refused: str = ""
    action: str = ""
    entries: tuple[PlannedEntry, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0


class RollForwardInput(Carried):
    """Input of the DeferredRollForward workflow and of its activity."""

    seller: str
    period: date
    erp: str
    company: str


class RollForwardAnswer(Carried):
    """The roll-forward, or why there is none."""

    refused: str = ""
    action: str = ""
    found: RollForward | None = None
