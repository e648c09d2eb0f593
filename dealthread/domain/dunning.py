"""Pursuit of an overdue invoice: stages by policy, where one stands, and when what comes next.

Days are counted from the due date. No stage overtakes another: whatever kept one waiting (a
promise, a system that was away), the next keeps its distance from it, so that nobody is warned
and suspended on the same day.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, ConfigDict

from dealthread.domain.base import Carried, Ref
from dealthread.domain.bill import Bill
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money


class NoticeKind(StrEnum):
    """What the customer is told; the service that tells customers has a template for each."""

    REMINDER = "payment_reminder"
    FINAL = "final_notice"
    SUSPENSION = "suspension_notice"


class DunningStage(Carried):
    """One step of a pursuit, and what is done with it."""

    after_days: int
    """Days after the due date."""
    notice: NoticeKind | None = None
    suspend: bool = False
    escalate: bool = False
    """Those who look after the customer are told to step in."""
    hand_over: bool = False
    """A person decides what becomes of the claim. The last stage, and only that."""


class CollectionsPolicy(Carried):
    """How overdue invoices of some sellers are pursued (`config/collections.yaml`)."""

    sellers: tuple[str, ...]
    grace_days: int = 1
    """An open invoice is overdue so many days after its due date; a failed charge at once."""
    max_promise_days: int = 30
    max_promises: int = 2
    stages: tuple[DunningStage, ...]


class ConfiguredStage(DunningStage):
    """As finance writes it: a field that is not known is a mistake, not a newer version's."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ConfiguredCollections(CollectionsPolicy):
    """As finance writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: tuple[ConfiguredStage, ...]


class PursuitState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    """A promise to pay, or a person's word, holds the rest."""
    WITH_PERSON = "with_person"
    """The last stage: a person decides."""
    HANDED_OVER = "handed_over"
    """Somebody else pursues it; a payment still restores what was suspended."""
    WRITTEN_OFF = "written_off"
    """Given up, and still payable."""
    CLOSED = "closed"


class PursuitOutcome(StrEnum):
    """How a pursuit ended."""

    PAID = "paid"
    CREDITED = "credited"
    VOIDED = "voided"
    STOPPED = "stopped"
    """A person stopped it: disputed, agreed otherwise."""


GIVEN_UP = (PursuitState.HANDED_OVER, PursuitState.WRITTEN_OFF)
"""Nothing is done any more, and a payment is still heard of."""


class Pursuit(Carried):
    """One pursuit of one invoice, as it is shown everywhere."""

    business_key: str
    generation: int
    contract_key: str
    customer_key: str
    seller: str
    invoice: Ref
    invoice_number: str
    amount_due: Money
    due_date: date
    state: PursuitState
    stage: int = 0
    """How many stages were taken."""
    suspended: bool = False
    promised_until: date | None = None
    """While it is paused: the last day of the promise."""
    reason: str = ""
    outcome: PursuitOutcome | None = None
    sequence: int = 0
    """Rises with each telling: an older one never takes the place of a newer one."""
    opened_at: AwareDatetime | None = None
    changed_at: AwareDatetime | None = None


def due_date_of(bill: Bill) -> date | None:
    """The last day on which it is in time; what is charged at once is due when it is issued."""
    return bill.due_date or bill.issue_date


def is_pursuable(bill: Bill) -> bool:
    """Whether a claim is left that somebody may still pay."""
    known = bill.status in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
    return known and bill.remaining.amount > 0 and due_date_of(bill) is not None


def outcome_of(bill: Bill) -> PursuitOutcome | None:
    """How a pursuit ends by what became of the invoice; None while something is open."""
    if bill.status is InvoiceStatus.VOID:
        return PursuitOutcome.VOIDED
    if is_pursuable(bill):
        return None
    return PursuitOutcome.PAID if bill.payments else PursuitOutcome.CREDITED


def opens_on(bill: Bill, policy: CollectionsPolicy, due: date) -> date:
    """First day of the pursuit: at once where a charge has failed."""
    return due if bill.failed_attempts else due + timedelta(days=policy.grace_days)


def next_stage(policy: CollectionsPolicy, taken: int | None) -> tuple[int, DunningStage] | None:
    """Number (from 1) and stage that follows the one taken `taken` days after the due date.

    By days and not by number: the policy may have been changed in between.
    """
    for number, stage in enumerate(policy.stages, start=1):
        if taken is None or stage.after_days > taken:
            return number, stage
    return None


def stage_day(
    stage: DunningStage, due: date, taken: tuple[int, date] | None, not_before: date | None
) -> date:
    """When a stage is due. `taken`: days of the stage before it, and the day it was taken on."""
    day = due + timedelta(days=stage.after_days)
    if taken is not None:
        days, on = taken
        day = max(day, on + timedelta(days=stage.after_days - days))
    return day if not_before is None else max(day, not_before)
