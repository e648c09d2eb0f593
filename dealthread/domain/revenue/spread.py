"""A whole into parts by weight, to the cent: the parts sum to the whole, always.

As `rounding.apportioned`, in whole numbers of minor units and of weights: a run over ten thousand
lines makes more than a hundred thousand parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

from dealthread.domain.money import Money
from dealthread.domain.rounding import RoundingMode, rounded_integer


class Remainder(StrEnum):
    """Where what rounding leaves over goes."""

    LAST = "last"
    """Each part is rounded, the last takes the rest."""
    FIRST = "first"
    LARGEST = "largest"
    """The largest part, the earliest of equals."""
    LAST_FULL = "last_full"
    """The last but one, as NetSuite's proration of the first and last period does."""
    CUMULATIVE = "cumulative"
    """The running total is rounded and parts are its differences: no part is off by more than
    one minor unit, and an audit of any date finds the rounded share."""


def divided(numerator: int, denominator: int, mode: RoundingMode = RoundingMode.HALF_UP) -> int:
    """A quotient as a whole number.

    Raises ValueError for a denominator that is not positive.
    """
    if denominator <= 0:
        raise ValueError(f"denominator: {denominator} is not positive")
    return rounded_integer(Fraction(numerator, denominator), mode)


def spread_minor(
    total: int,
    weights: Sequence[int],
    remainder: Remainder = Remainder.LAST,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> list[int]:
    """Minor units in proportion to the weights.

    Raises ValueError when there is no weight or one is negative.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights: none may be negative and one must be positive")
    if remainder is Remainder.CUMULATIVE:
        return _by_running_total(total, weights, whole, mode)
    if mode is RoundingMode.HALF_UP and total >= 0:
        twice = 2 * whole
        parts = [(2 * total * weight + whole) // twice for weight in weights]
    else:
        parts = [divided(total * weight, whole, mode) for weight in weights]
    parts[_place(parts, remainder)] += total - sum(parts)
    return parts


def spread(
    total: Money,
    weights: Sequence[int],
    remainder: Remainder = Remainder.LAST,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> tuple[Money, ...]:
    """Money in proportion to the weights; raises as `spread_minor`."""
    parts = spread_minor(total.to_minor(), weights, remainder, mode)
    return tuple(Money.from_minor(part, total.currency) for part in parts)


def _by_running_total(
    total: int, weights: Sequence[int], whole: int, mode: RoundingMode
) -> list[int]:
    parts: list[int] = []
    passed = reached = 0
    for weight in weights:
        passed += weight
        now = divided(total * passed, whole, mode)
        parts.append(now - reached)
        reached = now
    return parts


def _place(parts: Sequence[int], remainder: Remainder) -> int:
    if remainder is Remainder.FIRST:
        return 0
    if remainder is Remainder.LARGEST:
        return max(range(len(parts)), key=lambda at: (abs(parts[at]), -at))
    if remainder is Remainder.LAST_FULL and len(parts) > 1:
        return len(parts) - 2
    return len(parts) - 1
