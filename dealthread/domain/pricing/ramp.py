"""Ramps: segments of a term with a quantity and a price each, billed period by period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from pydantic import Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money
from dealthread.domain.pricing.price import Price
from dealthread.domain.pricing.rating import Rated, RatingRule, rate
from dealthread.domain.rounding import exact, money_of
from dealthread.domain.span import add_months, whole_periods
from dealthread.domain.working import Working, worked


class Segment(Frozen):
    """A part of the term with one quantity and one price for each period of whole months."""

    start_date: date
    end_date: date
    """First day of the next segment."""
    quantity: ExactDecimal
    price: Price
    period_months: int = Field(ge=1)

    @model_validator(mode="after")
    def _forwards(self) -> Segment:
        if self.end_date <= self.start_date:
            raise ValueError("end_date: after start_date")
        return self


class Ramp(Frozen):
    """Segments of a term, in order, without gap or overlap, in one currency."""

    segments: tuple[Segment, ...]

    @model_validator(mode="after")
    def _joined(self) -> Ramp:
        if not self.segments:
            raise ValueError("segments: at least one is needed")
        for before, after in pairwise(self.segments):
            if after.start_date != before.end_date:
                raise ValueError("segments: each starts where the one before ends")
        if len({segment.price.currency for segment in self.segments}) > 1:
            raise ValueError("segments: all have one currency")
        return self

    def segment_on(self, day: date) -> Segment | None:
        """The segment in force on a day; None outside the term."""
        return next((one for one in self.segments if one.start_date <= day < one.end_date), None)


class RampCharge(Frozen):
    """The charge of one period of one segment."""

    segment: int
    """Number of the segment, from 1."""
    start_date: date
    end_date: date
    quantity: ExactDecimal
    amount: Money
    working: Working


_STRIPE = RatingRule()


def ramp_charges(ramp: Ramp, rule: RatingRule = _STRIPE) -> tuple[RampCharge, ...]:
    """Every charge of the term, in order. One-time prices fall due with a segment's first period.

    A broken last period of a segment costs its actual days ÷ days of that whole period, rounded
    by the rule. Nothing is straight-lined: each segment bills its own quantity.
    """
    return tuple(
        charge
        for number, segment in enumerate(ramp.segments, start=1)
        for charge in _charges(number, segment, rule)
    )


def _charges(number: int, segment: Segment, rule: RatingRule) -> Iterator[RampCharge]:
    months = segment.period_months
    count, share = whole_periods(segment.start_date, segment.end_date, months)
    for index in range(count + bool(share)):
        start = add_months(segment.start_date, index * months)
        whole_end = add_months(segment.start_date, (index + 1) * months)
        end = min(whole_end, segment.end_date)
        rated = rate(segment.price, segment.quantity, rule, period=index + 1)
        amount, working = rated.amount, rated.working
        if end < whole_end and segment.price.model != "one_time":
            amount, working = _broken(rated, start, end, whole_end, rule)
        yield RampCharge(
            segment=number,
            start_date=start,
            end_date=end,
            quantity=segment.quantity,
            amount=amount,
            working=working,
        )


def _broken(
    rated: Rated, start: date, end: date, whole_end: date, rule: RatingRule
) -> tuple[Money, Working]:
    used, days = (end - start).days, (whole_end - start).days
    value = exact(rated.amount) * used / days
    amount = money_of(value, rated.amount.currency, rule.mode)
    working = worked(
        "part of a period",
        "price of the period × days used ÷ days of the period",
        amount,
        source="actual days",
        parts=[rated.working],
        price=rated.amount,
        days_used=used,
        days=days,
    )
    return amount, working
