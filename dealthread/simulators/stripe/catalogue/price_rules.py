"""Which parameters of a price go together: schemes, tiers, packages. Pure.

Sources: docstrings of `PriceCreateParams` (stripe 16.1) and
docs.stripe.com/subscriptions/pricing-models/tiered-pricing.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.money import plain

_TIERED_ONLY = ("tiers", "tiers_mode")
_PER_UNIT_ONLY = ("unit_amount", "unit_amount_decimal", "transform_quantity")


def scheme_of(given: Json, recurring: Json | None, param: str) -> str:
    """`per_unit` or `tiered`, where the other parameters agree with it."""
    scheme: str = given.get("billing_scheme", "per_unit")
    if scheme == "per_unit":
        for name in _TIERED_ONLY:
            if name in given:
                raise StripeError.invalid(
                    f"`{name}` can only be set when `billing_scheme` is `tiered`.",
                    param=f"{param}[{name}]" if param else name,
                )
        return scheme
    if recurring is None:
        raise StripeError.invalid(
            "`billing_scheme=tiered` is only supported for recurring prices.",
            param="billing_scheme",
        )
    for name in _PER_UNIT_ONLY:
        if name in given:
            raise StripeError.invalid(
                f"`{name}` cannot be set when `billing_scheme` is `tiered`.", param=name
            )
    for name in _TIERED_ONLY:
        if not given.get(name):
            raise StripeError.missing(name)
    return scheme


def read_tiers(given: Json) -> list[Json] | None:
    """Tiers as the price shows them: rising, the last without an end; None where there are none."""
    rows = given.get("tiers")
    if rows is None:
        return None
    tiers = []
    bound = 0
    for index, row in enumerate(rows):
        name, is_last = f"tiers[{index}]", index == len(rows) - 1
        up_to = row["up_to"]
        if is_last != (up_to == "inf"):
            raise StripeError.invalid(
                "The last tier, and only the last, must have `up_to=inf`.", param=f"{name}[up_to]"
            )
        if not is_last:
            if up_to <= bound:
                raise StripeError.invalid(
                    "Tiers must be in ascending order of `up_to`.", param=f"{name}[up_to]"
                )
            bound = up_to
        unit, flat = _amount(row, "unit_amount", name), _amount(row, "flat_amount", name)
        if unit is None and flat is None:
            raise StripeError.invalid(
                "A tier needs a `unit_amount` or a `flat_amount`.", param=f"{name}[unit_amount]"
            )
        tiers.append(
            {
                "flat_amount": _whole(flat),
                "flat_amount_decimal": None if flat is None else plain(flat),
                "unit_amount": _whole(unit),
                "unit_amount_decimal": None if unit is None else plain(unit),
                "up_to": None if is_last else up_to,
            }
        )
    return tiers


def _amount(row: Json, name: str, param: str) -> Decimal | None:
    exact = f"{name}_decimal"
    if name in row and exact in row:
        raise StripeError.invalid(
            f"You may only specify one of these parameters: {name}, {exact}.",
            param=f"{param}[{exact}]",
        )
    if name in row:
        return Decimal(row[name])
    found: Decimal | None = row.get(exact)
    return found


def _whole(amount: Decimal | None) -> int | None:
    if amount is None or amount != amount.to_integral_value():
        return None
    return int(amount)
