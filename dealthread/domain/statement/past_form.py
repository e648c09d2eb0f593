"""Lines of past invoices as a person writes them down, to ask which convention made them.

docs/money.md describes the form; `periods/inference.py` answers.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import CurrencyCode, Money, UnitPrice
from dealthread.domain.periods.length import LengthUnit, PeriodLength
from dealthread.domain.periods.moment import Moment, zone_of
from dealthread.domain.periods.observation import PastKind, PastLine
from dealthread.domain.statement.form import YEARS, NotNegative, Number, Quantity

MOST_LINES = 1_000
"""A dozen lines settle a convention; more is a ledger, and takes minutes."""


def _in_years(value: Any) -> Any:
    if not isinstance(value, str | date):
        raise ValueError("a day or an instant is text, like 2026-07-01 or 2026-07-01T09:30:00Z")
    year = value.year if isinstance(value, date) else int(value[:4]) if value[:4].isdigit() else 0
    if year not in YEARS:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[-1]} is needed")
    return value


When = Annotated[Moment, BeforeValidator(_in_years)]


class PastLineForm(Frozen):
    """One line of a past invoice or credit note: what was known, and what it came to, net."""

    invoice: str = ""
    """Its number, to find the line again; nothing is computed from it."""
    kind: PastKind = PastKind.PERIOD
    service_start: When
    service_end: When | None = None
    billing_months: int | None = Field(strict=True, default=None, ge=1, le=600)
    billing_days: int | None = Field(strict=True, default=None, ge=1, le=1_000)
    cycle_day: int | None = Field(strict=True, default=None, ge=1, le=31)
    quantity: Quantity = Decimal(1)
    unit_price: NotNegative
    at: When
    amount: Number
    billed: Number | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.billing_months is None) is (self.billing_days is None):
            raise ValueError("billing_months: exactly one of billing_months and billing_days")
        if self.cycle_day is not None and self.billing_months is None:
            raise ValueError("cycle_day: only periods of months have one")
        return self

    @property
    def length(self) -> PeriodLength:
        """Of its billing period."""
        if self.billing_months is not None:
            return PeriodLength.of_months(self.billing_months)
        return PeriodLength(unit=LengthUnit.DAY, count=self.billing_days or 0)


class PastForm(Frozen):
    """Lines of one customer in one currency."""

    currency: CurrencyCode
    time_zone: str = "UTC"
    lines: tuple[PastLineForm, ...] = Field(min_length=1, max_length=MOST_LINES)

    @model_validator(mode="after")
    def _read(self) -> Self:
        try:
            zone_of(self.time_zone)
        except ValueError as error:
            raise ValueError(f"time_zone: {error}") from None
        for place in range(len(self.lines)):
            self._past_line(place)
        return self

    def past_lines(self) -> tuple[PastLine, ...]:
        """What inference asks."""
        return tuple(self._past_line(place) for place in range(len(self.lines)))

    def _past_line(self, place: int) -> PastLine:
        line = self.lines[place]
        try:
            return PastLine(
                kind=line.kind,
                service_start=line.service_start,
                service_end=line.service_end,
                length=line.length,
                cycle_day=line.cycle_day,
                zone=self.time_zone,
                quantity=line.quantity,
                unit_price=UnitPrice.of(line.unit_price, self.currency),
                at=line.at,
                amount=Money.of(line.amount, self.currency),
                billed=None if line.billed is None else Money.of(line.billed, self.currency),
            )
        except ValueError as error:
            raise ValueError(f"lines.{place}: {_said(error)}") from None


def _said(error: ValueError) -> str:
    """The sentence alone, without pydantic's heading."""
    errors = getattr(error, "errors", None)
    return str(errors()[0]["msg"]).removeprefix("Value error, ") if errors else str(error)
