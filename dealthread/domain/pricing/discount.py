"""Discounts: a percentage or an amount, for a while, in a named order, never below nought.

Vendors differ: Stripe applies coupons in the order given, each to what the one before left;
Recurly lets the seller choose percentages or amounts first
(docs.recurly.com/docs/multiple-coupons-per-account). So the order, the base of percentages and
the rounding are a rule that the caller names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money, UnitPrice
from dealthread.domain.rounding import (
    RoundingMode,
    RoundingStep,
    apportioned,
    exact,
    money_of,
    rounded_each,
    unit_price_of,
)
from dealthread.domain.working import Working, worked

HUNDRED = Decimal(100)


class _Duration(Frozen):
    key: str
    """Names the discount on the line that takes it."""
    until: date | None = None
    """First day without it: a period that starts on or after the day is not discounted."""
    first_periods: int | None = Field(default=None, ge=1)
    """For so many periods from the first one."""

    def is_running(self, period: int, start_date: date | None) -> bool:
        """Whether it applies to a period, counted from 1, that starts on a day.

        Raises ValueError when it ends on a date and the period's start is not known.
        """
        if self.first_periods is not None and period > self.first_periods:
            return False
        if self.until is None:
            return True
        if start_date is None:
            raise ValueError(f"start_date: discount {self.key} ends on a date")
        return start_date < self.until


class PercentOff(_Duration):
    """A share of the amount, above 0 and up to 100."""

    kind: Literal["percent"] = "percent"
    percent: ExactDecimal

    @model_validator(mode="after")
    def _share(self) -> PercentOff:
        if not 0 < self.percent <= HUNDRED:
            raise ValueError("percent: above 0 and at most 100")
        return self


class AmountOff(_Duration):
    """A fixed amount of each discounted period; what exceeds the charge is lost."""

    kind: Literal["amount"] = "amount"
    amount: Money

    @model_validator(mode="after")
    def _positive(self) -> AmountOff:
        if self.amount.amount <= 0:
            raise ValueError("amount: a discount is above nought")
        return self


Discount = Annotated[PercentOff | AmountOff, Field(discriminator="kind")]


class DiscountOrder(StrEnum):
    """Which discount is taken first."""

    AS_GIVEN = "as_given"
    PERCENT_FIRST = "percent_first"
    AMOUNT_FIRST = "amount_first"


class PercentBase(StrEnum):
    """What a percentage is a percentage of."""

    REMAINING = "remaining"
    """What the discounts before it left."""
    ORIGINAL = "original"
    """The amount before any discount; percentages add up."""


class DiscountRule(Frozen):
    """How several discounts work together. The default is Stripe's."""

    order: DiscountOrder = DiscountOrder.AS_GIVEN
    base: PercentBase = PercentBase.REMAINING
    step: RoundingStep = RoundingStep.PER_PART
    mode: RoundingMode = RoundingMode.HALF_UP
    source: str = "docs.stripe.com/billing/subscriptions/coupons"


class TakenDiscount(Frozen):
    """What one discount took off."""

    key: str
    amount: Money


class Discounted(Frozen):
    """An amount less its discounts: gross − Σ taken = net, and net is not negative."""

    gross: Money
    taken: tuple[TakenDiscount, ...]
    net: Money
    working: Working


_STRIPE = DiscountRule()


def discounted(
    gross: Money,
    discounts: Sequence[PercentOff | AmountOff],
    rule: DiscountRule = _STRIPE,
    *,
    period: int = 1,
    start_date: date | None = None,
) -> Discounted:
    """Take the discounts that run in a period off its amount.

    Raises ValueError for a negative amount, a discount in another currency, a key given twice and
    a missing start date where a discount ends on a date.
    """
    if gross.amount < 0:
        raise ValueError("gross: a credit is discounted by crediting what was charged")
    if len({one.key for one in discounts}) < len(discounts):
        raise ValueError("discounts: two have the same key")
    running = [one for one in discounts if one.is_running(period, start_date)]
    ordered = _ordered(running, rule.order)
    amounts = rounded_each(_values(gross, ordered, rule), gross.currency, rule.step, rule.mode)
    taken = tuple(
        TakenDiscount(key=one.key, amount=amount)
        for one, amount in zip(ordered, amounts, strict=True)
    )
    net = gross - Money.total(amounts, gross.currency)
    return Discounted(
        gross=gross, taken=taken, net=net, working=_working(gross, ordered, taken, net, rule)
    )


def _ordered(
    discounts: list[PercentOff | AmountOff], order: DiscountOrder
) -> list[PercentOff | AmountOff]:
    if order is DiscountOrder.AS_GIVEN:
        return discounts
    percent_first = order is DiscountOrder.PERCENT_FIRST
    return sorted(discounts, key=lambda one: isinstance(one, PercentOff) is not percent_first)


def _values(
    gross: Money, discounts: Sequence[PercentOff | AmountOff], rule: DiscountRule
) -> list[Fraction]:
    """What each takes, exact; with rounding per part the next one sees the rounded rest."""
    original = rest = exact(gross)
    values: list[Fraction] = []
    for one in discounts:
        if isinstance(one, AmountOff):
            _refuse_other_currency(gross, one)
            value = exact(one.amount)
        else:
            base = original if rule.base is PercentBase.ORIGINAL else rest
            value = base * Fraction(one.percent) / 100
            if rule.step is RoundingStep.PER_PART:
                value = exact(money_of(value, gross.currency, rule.mode))
        values.append(min(value, rest))
        rest -= values[-1]
    return values


def _refuse_other_currency(gross: Money, one: AmountOff) -> None:
    if one.amount.currency != gross.currency:
        raise ValueError(f"discount {one.key}: in {one.amount.currency}, not {gross.currency}")


def _working(
    gross: Money,
    discounts: Sequence[PercentOff | AmountOff],
    taken: tuple[TakenDiscount, ...],
    net: Money,
    rule: DiscountRule,
) -> Working:
    steps = [
        worked(
            f"discount {one.key}",
            "amount, at most what is left"
            if isinstance(one, AmountOff)
            else f"percent of the {rule.base} amount, at most what is left",
            step.amount,
            off=one.amount if isinstance(one, AmountOff) else f"{one.percent} %",
        )
        for one, step in zip(discounts, taken, strict=True)
    ]
    return worked(
        "discounted amount",
        "amount − discounts",
        net,
        source=rule.source,
        parts=steps,
        amount=gross,
        order=rule.order,
        rounding=f"{rule.mode} {rule.step}",
    )


def discounted_unit_price(
    list_price: UnitPrice,
    percent: Decimal,
    places: int = 2,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> UnitPrice:
    """A list price less a percentage, rounded at the unit price (300.00 less 10 % is 270.00).

    Raises ValueError for a percentage that is negative or above 100.
    """
    if not 0 <= percent <= HUNDRED:
        raise ValueError("percent: from 0 to 100")
    value = exact(list_price) * (100 - Fraction(percent)) / 100
    return unit_price_of(value, list_price.currency, places, mode)


def spread_discount(discount: Money, lines: Sequence[Money]) -> tuple[Money, ...]:
    """A discount of a whole document as parts of its lines, by their amounts.

    The parts sum to the discount, or to the lines' total where that is less, and none is more
    than its line. Raises ValueError for negative amounts and other currencies.
    """
    if discount.amount < 0 or any(line.amount < 0 for line in lines):
        raise ValueError("lines: a discount is spread over charges only")
    total = Money.total(lines, discount.currency)
    if not total:
        return tuple(total for _ in lines)
    return apportioned(min(discount, total), [line.amount for line in lines])
