"""Amounts in minor units and their rounding: half up, exact decimals throughout."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError

_ONE = Decimal(1)
HUNDRED = Decimal(100)
# Unit amounts have at most this many decimals (docs.stripe.com/api/prices).
_TWELVE_PLACES = Decimal("1e-12")


def half_up(amount: Decimal) -> int:
    """Whole minor units, halves away from zero."""
    return int(amount.quantize(_ONE, rounding=ROUND_HALF_UP))


def per_unit(amount: int, quantity: int | Decimal) -> Decimal:
    """An amount divided by its quantity, to twelve places; the amount itself for none."""
    return (Decimal(amount) / (quantity or 1)).quantize(_TWELVE_PLACES, rounding=ROUND_HALF_UP)


def unit_price(given: Json, param: str) -> Decimal:
    """`unit_amount` or `unit_amount_decimal` in minor units; exactly one is needed."""
    has_whole, has_exact = "unit_amount" in given, "unit_amount_decimal" in given
    if has_whole and has_exact:
        raise StripeError.invalid(
            "You may only specify one of these parameters: unit_amount, unit_amount_decimal.",
            param=f"{param}[unit_amount]" if param else "unit_amount",
        )
    if not has_whole and not has_exact:
        raise StripeError.missing(f"{param}[unit_amount]" if param else "unit_amount")
    return Decimal(given["unit_amount"]) if has_whole else given["unit_amount_decimal"]


def plain(number: Decimal) -> str:
    """A decimal as Stripe writes it: no exponent, no trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
