"""The changes an amendment can make, each effective at a moment.

A change holds from its moment on, until a later change says otherwise: one that is accepted
late for an early date (backdated) does not undo what was agreed for later dates.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dealthread.domain.amendment.line import Quantity, Segment
from dealthread.domain.base import Frozen
from dealthread.domain.money import UnitPrice
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.moment import Moment


class _Change(Frozen):
    line_key: str = Field(min_length=1)
    effective: Moment
    """The first moment of the new state."""


class AddLine(_Change):
    """A new line, or one that comes back, from `effective` to its end."""

    kind: Literal["add"] = "add"
    segment: Segment

    @model_validator(mode="after")
    def _starts_when_effective(self) -> AddLine:
        if self.segment.start != self.effective:
            raise ValueError("effective: not the start of the added line")
        return self


class RemoveLine(_Change):
    """The end of a line. Where a convention counts the last day as served, `effective` is it."""

    kind: Literal["remove"] = "remove"


class ChangeQuantity(_Change):
    """Another quantity: the new total, not the difference."""

    kind: Literal["quantity"] = "quantity"
    quantity: Quantity


class ChangePrice(_Change):
    """Another price for one unit and period."""

    kind: Literal["price"] = "price"
    unit_price: UnitPrice


class ChangePlan(_Change):
    """Another product at its price, with the same or another period.

    Another length starts a new cycle at `effective`, unless `keeps_anchor`; then its periods are
    counted from the old anchor and the first is a stub.
    """

    kind: Literal["plan"] = "plan"
    product: str
    unit_price: UnitPrice
    length: PeriodLength | None = None
    keeps_anchor: bool = False


class ChangeTerms(_Change):
    """Other payment terms. Nothing is credited or charged; issued invoices keep their due date."""

    kind: Literal["terms"] = "terms"
    payment_terms: str


class ChangeCycleDay(_Change):
    """Another bill-cycle day: the running period ends and a stub leads to the new day."""

    kind: Literal["cycle_day"] = "cycle_day"
    cycle_day: int = Field(ge=1, le=31)


class Pause(_Change):
    """Nothing is served nor billed, until a moment or until it is resumed."""

    kind: Literal["pause"] = "pause"
    until: Moment | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Pause:
        if self.until is not None and self.until <= self.effective:
            raise ValueError(f"until: {self.until} is not after {self.effective}")
        return self


class Resume(_Change):
    """The end of a pause."""

    kind: Literal["resume"] = "resume"


Change = Annotated[
    AddLine
    | RemoveLine
    | ChangeQuantity
    | ChangePrice
    | ChangePlan
    | ChangeTerms
    | ChangeCycleDay
    | Pause
    | Resume,
    Field(discriminator="kind"),
]
