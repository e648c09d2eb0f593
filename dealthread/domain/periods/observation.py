"""Lines of past invoices with their inputs, and what a convention would have made of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.knobs import CreditBasis, CreditMeasure, PeriodEnd, Rounding
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.moment import Moment, Span
from dealthread.domain.periods.schedule import BillingPeriod, period_at
from dealthread.domain.pricing.quantity import checked_quantity
from dealthread.domain.rounding import exact, money_of


def _quantity(value: Decimal) -> Decimal:
    return checked_quantity(value)


class PastKind(StrEnum):
    """What a line of a past invoice billed."""

    PERIOD = "period"
    """A billing period, whole or a stub."""
    REST = "rest"
    """A new price or quantity from a change to the end of the running period."""
    CREDIT = "credit"
    """The unused part of what was billed, from a change to the end of the running period."""
    ENDED = "ended"
    """The same where the service was ended."""


class PastLine(Frozen):
    """One line of a past invoice: inputs and amount. Amounts of credits are negative."""

    kind: PastKind = PastKind.PERIOD
    service_start: Moment
    service_end: Moment | None = None
    """First moment not served, where it was known when the line was billed."""
    length: PeriodLength
    cycle_day: int | None = Field(default=None, ge=1, le=31)
    zone: str = "UTC"
    quantity: Annotated[ExactDecimal, AfterValidator(_quantity)] = Decimal(1)
    unit_price: UnitPrice
    at: Moment
    """Start of the billed period; of a rest or a credit, the moment of the change."""
    amount: Money
    billed: Money | None = None
    """Of a credit: what had been billed for the period, where it is not quantity × price."""

    @model_validator(mode="after")
    def _agrees(self) -> PastLine:
        if self.amount.currency != self.unit_price.currency:
            raise ValueError("amount: not in the currency of the unit price")
        if self.is_credit and Money.zero(self.amount.currency) < self.amount:
            raise ValueError("amount: that of a credit is not above nought")
        if not self.is_credit and self.amount < Money.zero(self.amount.currency):
            raise ValueError("amount: that of a charge is not below nought")
        if self.billed is not None and self.billed.currency != self.amount.currency:
            raise ValueError("billed: not in the currency of the amount")
        return self

    @property
    def is_credit(self) -> bool:
        """Whether it gives money back."""
        return self.kind in (PastKind.CREDIT, PastKind.ENDED)


class Timing(Frozen):
    """The shares that a convention counts: all that amounts are made of."""

    before: Fraction
    """From the start of the billed period to the moment; 0 for a period."""
    part: Fraction
    """Of the billed part itself."""
    until: Fraction
    """From the start of the billed period to its end."""


def timing_under(line: PastLine, convention: Convention) -> Timing | None:
    """The shares; None where the convention knows no such period or part."""
    at_start = convention.moment(line.service_start, line.zone)
    held = moment = convention.moment(line.at, line.zone)
    if line.kind is PastKind.ENDED and convention.period_end is PeriodEnd.LAST_DAY_INCLUSIVE:
        moment += timedelta(days=1)
    period = _period(line, at_start, held, convention)
    if period is None:
        return None
    span = period.span
    whole = period.share(convention)
    if line.kind is PastKind.PERIOD:
        starts = moment == span.start
        return Timing(before=Fraction(0), part=whole, until=whole) if starts else None
    if moment == span.end:
        return Timing(before=whole, part=Fraction(0), until=whole)
    rest = Span(start=moment, end=span.end)
    used = Span(start=span.start, end=moment) if span.start < moment else None
    return Timing(
        before=Fraction(0) if used is None else period.share(convention, used),
        part=period.share(convention, rest),
        until=whole,
    )


def _period(
    line: PastLine, start: date, moment: date, convention: Convention
) -> BillingPeriod | None:
    """The billing period that holds the moment; None outside the service."""
    zone = convention.zone(line.zone).key
    if line.cycle_day is None:
        cycle = BillCycle(length=line.length, anchor=start, zone=zone)
    else:
        cycle = cycle_for(start, line.length, convention, cycle_day=line.cycle_day, zone=zone)
    end = cycle.boundary(cycle.index_at(moment) + 1)
    if line.service_end is not None:
        end = min(end, convention.moment(line.service_end, line.zone))
    if moment < start or end <= moment:
        return None
    return period_at(moment, Span(start=start, end=end), cycle, convention)


def amount_under(line: PastLine, timing: Timing, convention: Convention) -> Money:
    """The line's amount by the convention, of the shares it counts."""
    price = exact(line.unit_price) * Fraction(line.quantity)
    currency, mode = line.amount.currency, convention.rounding_mode
    if line.kind is PastKind.PERIOD:
        return money_of(price * timing.part, currency, mode)
    billed = money_of(price * timing.until, currency, mode) if line.billed is None else line.billed
    by_billed = line.is_credit and convention.credit_basis is CreditBasis.BILLED
    if by_billed and line.billed is not None and price * timing.until:
        price = exact(billed) / timing.until
    by_difference = (
        convention.rounding is Rounding.CUMULATIVE
        or convention.credit_measure is CreditMeasure.BILLED_LESS_USED
    )
    if by_difference:
        whole = money_of(price * timing.until, currency, mode)
        amount = whole - money_of(price * timing.before, currency, mode)
    else:
        amount = money_of(price * timing.part, currency, mode)
    return -min(amount, billed) if line.is_credit else amount
