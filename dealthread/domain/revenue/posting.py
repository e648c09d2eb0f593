"""Five dates of a document, and what a closed period moves: the posting date, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money


class DocumentDates(Frozen):
    """The dates of an invoice or credit note, never merged."""

    finalised_at: AwareDatetime
    issue_date: date
    """The legal date on the document."""
    tax_point: date
    """Decides the tax return. Never moved."""
    posting_date: date
    service_start: date
    service_end: date
    """First day not served."""

    @model_validator(mode="after")
    def _in_order(self) -> DocumentDates:
        if self.service_end <= self.service_start:
            raise ValueError("service_end: not after service_start")
        return self


class PeriodState(StrEnum):
    """Of an accounting period."""

    OPEN = "open"
    CLOSED = "closed"
    YEAR_CLOSED = "year_closed"


class AccountingPeriod(Frozen):
    """A period of one legal entity's books; `end` is the first day after it."""

    start: date
    end: date
    state: PeriodState

    @model_validator(mode="after")
    def _in_order(self) -> AccountingPeriod:
        if self.end <= self.start:
            raise ValueError("end: not after the start")
        return self


class Posting(Frozen):
    """Where a document is posted, or that the controller decides."""

    posting_date: date | None
    """None: it waits for the controller."""
    reason: str = ""
    """Why the date is not the wanted one."""

    @property
    def needs_controller(self) -> bool:
        """Whether a person decides."""
        return self.posting_date is None


def posting_for(
    wanted: date, amount: Money, periods: Sequence[AccountingPeriod], threshold: Money
) -> Posting:
    """The wanted date in an open period; else the first day of the next open one.

    Only when the amount, whatever its sign, is below the entity's threshold and the year is not
    closed; otherwise, and in a period that nobody has declared, the controller decides. Raises
    ValueError when amount and threshold differ in currency.
    """
    home = next((period for period in periods if period.start <= wanted < period.end), None)
    if home is None:
        return Posting(posting_date=None, reason=f"no accounting period holds {wanted}")
    if home.state is PeriodState.OPEN:
        return Posting(posting_date=wanted)
    if home.state is PeriodState.YEAR_CLOSED:
        return Posting(posting_date=None, reason=f"the year of {wanted} is closed")
    if not abs(amount) < threshold:
        return Posting(
            posting_date=None,
            reason=f"the period of {wanted} is closed and {amount} is not below {threshold}",
        )
    later = [
        period.start
        for period in periods
        if period.state is PeriodState.OPEN and period.start > wanted
    ]
    if not later:
        return Posting(posting_date=None, reason=f"no period after {wanted} is open")
    return Posting(posting_date=min(later), reason=f"the period of {wanted} is closed")


def moved(dates: DocumentDates, posting: Posting) -> DocumentDates:
    """The dates with the posting date of a decision; the other four stay.

    Raises ValueError while the controller has not decided.
    """
    if posting.posting_date is None:
        raise ValueError(f"posting_date: the controller decides: {posting.reason}")
    return dates.model_copy(update={"posting_date": posting.posting_date})
