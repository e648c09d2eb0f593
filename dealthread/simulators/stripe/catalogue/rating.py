"""What a price makes of a quantity: the one place where units become money. Pure.

Sources: docs.stripe.com/subscriptions/pricing-models/tiered-pricing (volume, graduated, flat
amounts, quantity 0), docs.stripe.com/billing/subscriptions/usage-based/transform-quantities and
docs.stripe.com/products-prices/pricing-models. Amounts are minor units; each part is rounded half
up by itself, since each becomes a line of the invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.money import half_up

_ONE = Decimal(1)
_ROUNDINGS = {"up": ROUND_CEILING, "down": ROUND_FLOOR}


@dataclass(frozen=True)
class Part:
    """One line of a rated quantity: the units of a tier, or the flat fee of one."""

    amount: int
    quantity: Decimal
    # The price of one unit, exact, in minor units; of a flat fee the fee itself.
    unit_amount: Decimal
    # Counted from 1 in graduated prices; None where the whole quantity has one price.
    tier: int | None = None
    is_flat_fee: bool = False


def rate(price: Json, quantity: int | Decimal) -> list[Part]:
    """The lines that bill a quantity at a price, at least one.

    Graduated tiers make a line each, and a line more for a flat fee; volume tiers price the whole
    quantity by the tier it falls into. A quantity of 0 is billed by the first tier.
    """
    units = Decimal(quantity)
    if price.get("billing_scheme", "per_unit") == "per_unit":
        return [_units(transformed(price, units), Decimal(price["unit_amount_decimal"]), units)]
    if price["tiers_mode"] == "graduated":
        return _graduated(price["tiers"], units)
    tier = next(one for one in price["tiers"] if one["up_to"] is None or units <= one["up_to"])
    return _tier(tier, units, None)


def amount_of(price: Json, quantity: int | Decimal) -> int:
    """What a quantity costs at a price, in minor units: the sum of its lines."""
    return sum(part.amount for part in rate(price, quantity))


def transformed(price: Json, quantity: Decimal) -> Decimal:
    """The quantity that is billed: packages, where the price divides and rounds."""
    transform = price.get("transform_quantity")
    if transform is None:
        return quantity
    packages = quantity / Decimal(transform["divide_by"])
    return packages.quantize(_ONE, rounding=_ROUNDINGS[transform["round"]])


def _graduated(tiers: Sequence[Json], quantity: Decimal) -> list[Part]:
    parts: list[Part] = []
    begin = Decimal(0)
    for number, tier in enumerate(tiers, start=1):
        if number > 1 and quantity <= begin:
            break
        end = quantity if tier["up_to"] is None else min(quantity, Decimal(tier["up_to"]))
        parts += _tier(tier, end - begin, number)
        begin = end
    return parts


def _tier(tier: Json, units: Decimal, number: int | None) -> list[Part]:
    """The line of a tier's units, and one of its flat fee if it has one."""
    parts = [_units(units, Decimal(tier["unit_amount_decimal"] or 0), units, number)]
    if tier["flat_amount_decimal"] is not None:
        fee = Decimal(tier["flat_amount_decimal"])
        parts.append(Part(half_up(fee), Decimal(0), fee, number, is_flat_fee=True))
    return parts


def _units(
    billed: Decimal, unit_amount: Decimal, shown: Decimal, number: int | None = None
) -> Part:
    return Part(half_up(billed * unit_amount), shown, unit_amount, number)
