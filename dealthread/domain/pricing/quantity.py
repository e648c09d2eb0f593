"""Quantities that can be priced: finite, not negative, with no more decimals than the unit has."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

from dealthread.domain.money import UNIT_PRICE_PLACES

QUANTITY_PLACES = UNIT_PRICE_PLACES
"""Most decimals of any quantity: the database column is numeric(38,12)."""
_WHOLE_DIGITS = 26
"""Most digits before the point, by the same column."""
_EXACT = Context(prec=120)
"""Wide enough for any difference of two columns; the thread's own context has 28 digits."""


def checked_quantity(
    quantity: Decimal | int | str, places: int = QUANTITY_PLACES, field: str = "quantity"
) -> Decimal:
    """The quantity as an exact decimal. `places`: decimals of the unit, 0 for seats.

    Raises ValueError, naming the field, for a negative number, a number that is not finite, a
    binary float or one with too many decimals.
    """
    if isinstance(quantity, float | bool):
        raise ValueError(f"{field}: a binary float or truth value is no quantity")
    try:
        value = Decimal(quantity)
    except ArithmeticError:
        raise ValueError(f"{field}: {quantity!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{field}: {quantity} is not a finite number")
    if value < 0:
        raise ValueError(f"{field}: {quantity} is negative")
    if value and value.adjusted() >= _WHOLE_DIGITS:
        raise ValueError(f"{field}: more than {_WHOLE_DIGITS} digits before the point")
    if (Fraction(value) * 10**places).denominator != 1:
        raise ValueError(f"{field}: {quantity} has more than {places} decimals")
    return value.copy_abs()


def minus(one: Decimal, other: Decimal) -> Decimal:
    """The exact difference of two quantities."""
    return _EXACT.subtract(one, other)
