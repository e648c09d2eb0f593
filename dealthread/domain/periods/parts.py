"""An amount in parts, rounded as a convention says; the parts always add up to the amount."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dealthread.domain.money import Money
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import Remainder, Rounding
from dealthread.domain.rounding import RemainderPlace, apportioned, exact, money_of


def split(
    amount: Money,
    weights: Sequence[Fraction],
    convention: Convention,
    *,
    full: Sequence[bool] = (),
) -> tuple[Money, ...]:
    """The amount by weight.

    Cumulative rounding leaves no remainder. Otherwise each part is rounded by itself and the
    part that the convention names takes the rest. `full` marks the parts that are whole periods,
    for `Remainder.LAST_FULL`. Raises ValueError for no weights, a negative one, or none above
    nought.
    """
    mode = convention.rounding_mode
    if convention.rounding is Rounding.CUMULATIVE:
        return apportioned(amount, weights, RemainderPlace.SPREAD, mode)
    if convention.remainder is not Remainder.LAST_FULL:
        return apportioned(amount, weights, RemainderPlace(convention.remainder.value), mode)
    parts = list(apportioned(amount, weights, RemainderPlace.LAST, mode))
    taker = max((index for index, whole in enumerate(full) if whole), default=len(parts) - 1)
    by_itself = exact(amount) * weights[-1] / sum(weights)
    rest = parts[-1] - money_of(by_itself, amount.currency, mode)
    parts[-1] = parts[-1] - rest
    parts[taker] = parts[taker] + rest
    return tuple(parts)
