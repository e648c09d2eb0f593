"""MRR, ARR, contracted ARR and TCV of a contract's lines.

Net of tax and discounts, in one currency, definitions of facts/domain.md §6: ARR is the sum over
lines active on a day of price ÷ months of its period × 12, without one-time charges, usage above
a minimum, trials and suspended lines. Sums are exact and rounded once, half up: ARR is not twelve
times a rounded MRR. What an order changes of them is in `order_delta.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from pydantic import Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money
from dealthread.domain.rounding import exact, money_of
from dealthread.domain.span import add_months, whole_periods
from dealthread.domain.working import Working, worked

MONTHS_OF_YEAR = 12


class LineKind(StrEnum):
    """What a line adds to."""

    RECURRING = "recurring"
    """MRR, ARR and TCV. A minimum of usage is recurring."""
    ONE_TIME = "one_time"
    """TCV only."""


class RevenueLine(Frozen):
    """A line of a contract in one of its states; a changed line is several with the same key."""

    key: str
    kind: LineKind = LineKind.RECURRING
    quantity: ExactDecimal = Decimal(1)
    net: Money
    """Of one period, or of the whole one-time charge."""
    period_months: int = Field(default=1, ge=1)
    start_date: date
    end_date: date | None = None
    """First day not served; None = evergreen."""
    committed_until: date | None = None
    """Of an evergreen line: the end of its notice period. It counts in TCV up to there."""
    is_counted: bool = True
    """False for trials and suspended lines: they are in TCV only."""
    is_end_accepted: bool = False
    """Whether it is agreed that nothing follows the end: cancelled, or another line replaces it.
    An end that awaits renewal is not."""

    @model_validator(mode="after")
    def _forwards(self) -> RevenueLine:
        for field in ("end_date", "committed_until"):
            day = getattr(self, field)
            if day is not None and day < self.start_date:
                raise ValueError(f"{field}: before start_date")
        return self

    def monthly(self) -> Fraction:
        """Recurring net of a month, exact; nought for lines that do not count."""
        if self.kind is not LineKind.RECURRING or not self.is_counted:
            return Fraction()
        return exact(self.net) / self.period_months

    def is_active(self, day: date) -> bool:
        """Whether the line is served on a day."""
        return self.start_date <= day and (self.end_date is None or day < self.end_date)

    def committed(self) -> Money:
        """Net over the committed span: whole periods, each as priced, and of a broken last
        period its actual days. Nought for an evergreen line without a notice period."""
        if self.kind is LineKind.ONE_TIME:
            return self.net
        end = self.end_date or self.committed_until
        if end is None or end == self.start_date:
            return Money.zero(self.net.currency)
        count, share = whole_periods(self.start_date, end, self.period_months)
        value = exact(self.net) * count
        if share:
            reached = add_months(self.start_date, count * self.period_months)
            following = add_months(self.start_date, (count + 1) * self.period_months)
            value += exact(self.net) * (end - reached).days / (following - reached).days
        return money_of(value, self.net.currency)


class Metric(Frozen):
    """A figure and how it came about."""

    amount: Money
    working: Working


def mrr(lines: Sequence[RevenueLine], on: date, currency: str) -> Metric:
    """Monthly recurring revenue of a day. Raises ValueError for a line in another currency."""
    return _recurring("MRR", lines, on, currency, 1)


def arr(lines: Sequence[RevenueLine], on: date, currency: str) -> Metric:
    """Annual recurring revenue of a day. Raises ValueError for a line in another currency."""
    return _recurring("ARR", lines, on, currency, MONTHS_OF_YEAR)


def contracted_arr(lines: Sequence[RevenueLine], on: date, currency: str) -> Metric:
    """ARR of a day, more accepted future starts, less accepted ends from then on."""
    _refuse_other(lines, currency)
    counted = [
        line
        for line in lines
        if not line.is_end_accepted and (line.end_date is None or on < line.end_date)
    ]
    return _sum("contracted ARR", "ARR + future starts − accepted ends", counted, on, currency, 12)


def tcv(lines: Sequence[RevenueLine], currency: str) -> Metric:
    """Total contract value: committed net of all lines, each rounded half up.

    Raises ValueError for a line in another currency.
    """
    _refuse_other(lines, currency)
    parts = [
        worked(line.key, "net of its committed span", line.committed(), net=line.net)
        for line in lines
    ]
    total = Money.total((line.committed() for line in lines), currency)
    return Metric(amount=total, working=worked("TCV", "sum of committed net", total, parts=parts))


def _recurring(
    name: str, lines: Sequence[RevenueLine], on: date, currency: str, months: int
) -> Metric:
    _refuse_other(lines, currency)
    active = [line for line in lines if line.is_active(on)]
    formula = f"sum over active lines of net ÷ months of its period × {months}"
    return _sum(name, formula, active, on, currency, months)


def _sum(
    name: str,
    formula: str,
    lines: Iterable[RevenueLine],
    on: date,
    currency: str,
    months: int,
) -> Metric:
    counted = [line for line in lines if line.monthly()]
    value = sum((line.monthly() for line in counted), Fraction()) * months
    total = money_of(value, currency)
    parts = [
        worked(
            line.key,
            f"net ÷ months of its period × {months}",
            money_of(line.monthly() * months, currency),
            net=line.net,
            months=line.period_months,
        )
        for line in counted
    ]
    return Metric(amount=total, working=worked(name, formula, total, parts=parts, on=on))


def _refuse_other(lines: Iterable[RevenueLine], currency: str) -> None:
    for line in lines:
        if line.net.currency != currency:
            raise ValueError(f"line {line.key}: in {line.net.currency}, not {currency}")
