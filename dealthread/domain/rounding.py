"""Rounding of exact fractions to money, and parts that sum to their whole.

A calculation stays an exact fraction until the one place where its rule says "round"; the rule
names how. `Decimal` division alone would round twice: once to its 28 digits, once to the cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from dealthread.domain.money import EXPONENTS, Money, UnitPrice

Exact = Decimal | Fraction | int
"""A number without rounding error. A binary float is none."""


class RoundingMode(StrEnum):
    """What becomes of the part below the smallest unit; signs are treated alike."""

    HALF_UP = "half_up"
    """The half goes away from zero: 0.125 is 0.13, −0.125 is −0.13. Commercial rounding."""
    HALF_EVEN = "half_even"
    """The half goes to the even digit: 0.125 is 0.12, 0.135 is 0.14."""
    DOWN = "down"
    """Towards zero."""
    UP = "up"
    """Away from zero."""


class RoundingStep(StrEnum):
    """Where a calculation of several parts rounds."""

    PER_PART = "per_part"
    """Each part by itself, since each is a line of the document (Stripe)."""
    IN_TOTAL = "in_total"
    """The sum once; the parts are steps of the running total."""


class RemainderPlace(StrEnum):
    """Which part takes what is left when each part was rounded by itself."""

    FIRST = "first"
    LAST = "last"
    LARGEST = "largest"
    """The largest part, signs aside; the first of them where several are equal."""
    SPREAD = "spread"
    """None alone: the running total is rounded and the parts are its steps."""


def rounded_integer(value: Fraction, mode: RoundingMode = RoundingMode.HALF_UP) -> int:
    """The integer that the mode makes of an exact value."""
    whole, rest = divmod(abs(value.numerator), value.denominator)
    twice = 2 * rest
    if mode is RoundingMode.HALF_UP:
        goes_up = twice >= value.denominator
    elif mode is RoundingMode.HALF_EVEN:
        goes_up = twice > value.denominator or (twice == value.denominator and whole % 2 == 1)
    else:
        goes_up = mode is RoundingMode.UP and rest > 0
    return (whole + goes_up) * (-1 if value < 0 else 1)


def money_of(value: Exact, currency: str, mode: RoundingMode = RoundingMode.HALF_UP) -> Money:
    """An exact amount in major units, rounded once to the currency's decimals.

    Raises ValueError for an unknown currency.
    """
    places = EXPONENTS[Money.zero(currency).currency]
    return Money.from_minor(rounded_integer(Fraction(value) * 10**places, mode), currency)


def unit_price_of(
    value: Exact, currency: str, places: int, mode: RoundingMode = RoundingMode.HALF_UP
) -> UnitPrice:
    """An exact price in major units, rounded once to `places` decimals."""
    scaled = rounded_integer(Fraction(value) * 10**places, mode)
    return UnitPrice.of(Decimal(scaled).scaleb(-places), currency)


def exact(amount: Money | UnitPrice) -> Fraction:
    """The amount as an exact fraction of major units."""
    return Fraction(amount.amount)


def apportioned(
    total: Money,
    weights: Sequence[Exact],
    place: RemainderPlace = RemainderPlace.SPREAD,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> tuple[Money, ...]:
    """The total in parts by weight; the parts always sum to it exactly.

    Raises ValueError when there are no weights, when one is negative, or when all are nought.
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares, Fraction())
    if any(share < 0 for share in shares) or not whole:
        raise ValueError("weights: none may be negative, and one must be above nought")
    return placed([exact(total) * share / whole for share in shares], total.currency, place, mode)


def placed(
    values: Sequence[Fraction],
    currency: str,
    place: RemainderPlace = RemainderPlace.SPREAD,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> tuple[Money, ...]:
    """Exact values as money that sums to their sum, rounded once; the rule places the remainder."""
    if place is RemainderPlace.SPREAD or not values:
        return _steps(values, currency, mode)
    parts = [money_of(value, currency, mode) for value in values]
    rest = money_of(sum(values, Fraction()), currency, mode) - Money.total(parts, currency)
    sizes = [abs(value) for value in values]
    index = {
        RemainderPlace.FIRST: 0,
        RemainderPlace.LAST: len(parts) - 1,
        RemainderPlace.LARGEST: sizes.index(max(sizes)),
    }[place]
    parts[index] = parts[index] + rest
    return tuple(parts)


def _steps(values: Sequence[Fraction], currency: str, mode: RoundingMode) -> tuple[Money, ...]:
    parts: list[Money] = []
    running, reached = Fraction(), Money.zero(currency)
    for value in values:
        running += value
        now = money_of(running, currency, mode)
        parts.append(now - reached)
        reached = now
    return tuple(parts)


def rounded_each(
    values: Sequence[Fraction],
    currency: str,
    step: RoundingStep = RoundingStep.IN_TOTAL,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> tuple[Money, ...]:
    """Exact values as money: each rounded by itself, or so that they sum to their rounded sum."""
    if step is RoundingStep.PER_PART:
        return tuple(money_of(value, currency, mode) for value in values)
    return _steps(values, currency, mode)
