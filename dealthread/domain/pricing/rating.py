"""What a quantity costs at a price: the lines, their sum, and how it came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money, UnitPrice
from dealthread.domain.pricing.price import (
    FlatPrice,
    GraduatedPrice,
    OneTimePrice,
    PackagePrice,
    PartialPackage,
    PerUnitPrice,
    Price,
    UsagePrice,
    VolumePrice,
)
from dealthread.domain.pricing.quantity import QUANTITY_PLACES, checked_quantity, minus
from dealthread.domain.pricing.tier import Tier
from dealthread.domain.rounding import RoundingMode, RoundingStep, exact, rounded_each
from dealthread.domain.working import Working, worked


class RatingRule(Frozen):
    """How a price becomes money. The default is Stripe's."""

    step: RoundingStep = RoundingStep.PER_PART
    mode: RoundingMode = RoundingMode.HALF_UP
    quantity_places: int = QUANTITY_PLACES
    """Decimals a quantity may have: 0 for seats."""
    is_first_fee_due_unused: bool = True
    """Whether a quantity of nought owes the fee of the first tier."""
    source: str = "docs.stripe.com/subscriptions/pricing-models/tiered-pricing"


class RatedPart(Frozen):
    """One line of a rating: units at a price, or a fee (then without a unit price)."""

    what: str
    quantity: ExactDecimal
    """Units, or packages where those are priced."""
    unit_price: UnitPrice | None
    amount: Money
    tier: int | None = None
    """Number of the tier, from 1."""


class Rated(Frozen):
    """What a quantity costs. The parts sum to the amount exactly."""

    amount: Money
    parts: tuple[RatedPart, ...]
    working: Working


@dataclass(frozen=True)
class _Part:
    what: str
    quantity: Decimal
    unit_price: UnitPrice | None
    value: Fraction
    tier: int | None = None


_STRIPE = RatingRule()


def rate(
    price: Price,
    quantity: Decimal | int | str,
    rule: RatingRule = _STRIPE,
    *,
    period: int = 1,
) -> Rated:
    """Rate a quantity for one period; `period` counts from 1 and matters for one-time prices.

    Raises ValueError for a quantity that is negative, has too many decimals or lies beyond the
    last tier, and for a period below 1.
    """
    units = checked_quantity(quantity, rule.quantity_places)
    if period < 1:
        raise ValueError("period: counted from 1")
    parts = tuple(_parts(price, units, rule, period))
    values = [part.value for part in parts]
    amounts = rounded_each(values, price.currency, rule.step, rule.mode)
    rated = tuple(
        RatedPart(
            what=part.what,
            quantity=part.quantity,
            unit_price=part.unit_price,
            amount=amount,
            tier=part.tier,
        )
        for part, amount in zip(parts, amounts, strict=True)
    )
    total = Money.total(amounts, price.currency)
    return Rated(amount=total, parts=rated, working=_working(price, units, rule, rated, total))


def _parts(price: Price, units: Decimal, rule: RatingRule, period: int) -> Iterator[_Part]:
    if isinstance(price, FlatPrice):
        yield _Part("flat fee", Decimal(1), None, exact(price.amount))
    elif isinstance(price, PerUnitPrice):
        yield _units("units", units, price.unit_price)
    elif isinstance(price, OneTimePrice):
        if period == 1:
            yield _units("one-time charge", units, price.unit_price)
    elif isinstance(price, GraduatedPrice):
        for number, tier, inside in price.table.split(units):
            yield from _tier(number, tier, inside, is_fee_due=_is_fee_due(units, rule))
    elif isinstance(price, VolumePrice):
        number, tier = price.table.holding(units)
        yield from _tier(number, tier, units, is_fee_due=_is_fee_due(units, rule))
    elif isinstance(price, PackagePrice):
        yield _packages(price, units)
    else:
        if price.base_fee is not None:
            yield _Part("base fee", Decimal(1), None, exact(price.base_fee))
        yield from _overage(price, units, rule)


def _overage(price: UsagePrice, units: Decimal, rule: RatingRule) -> Iterator[_Part]:
    included = min(units, price.included_units)
    if included:
        yield _Part("included units", included, None, Fraction())
    if units > included:
        yield from _parts(price.overage, minus(units, included), rule, 1)


def _is_fee_due(units: Decimal, rule: RatingRule) -> bool:
    return bool(units) or rule.is_first_fee_due_unused


def _tier(number: int, tier: Tier, inside: Decimal, *, is_fee_due: bool) -> Iterator[_Part]:
    yield _units(f"units of tier {number}", inside, tier.unit_price, number)
    if tier.flat_fee is not None and is_fee_due:
        yield _Part(f"fee of tier {number}", Decimal(1), None, exact(tier.flat_fee), number)


def _packages(price: PackagePrice, units: Decimal) -> _Part:
    beyond = max(Fraction(units) - Fraction(price.free_units), Fraction())
    whole, rest = divmod(beyond, Fraction(price.size))
    if rest and price.partial is PartialPackage.CHARGED:
        whole += 1
    fee = UnitPrice.of(price.package_price.amount, price.currency)
    return _units("packages", Decimal(int(whole)), fee)


def _units(what: str, units: Decimal, unit_price: UnitPrice, tier: int | None = None) -> _Part:
    return _Part(what, units, unit_price, Fraction(units) * exact(unit_price), tier)


_FORMULAS = {
    "flat": "flat amount",
    "per_unit": "quantity × unit price",
    "one_time": "quantity × unit price, in the first period only",
    "graduated": "sum over tiers of units in the tier × its price + its fee",
    "volume": "quantity × price of the tier that holds it + its fee",
    "package": "packages × package price",
    "usage": "base fee + price of the units beyond those included",
}


def _working(
    price: Price, units: Decimal, rule: RatingRule, parts: tuple[RatedPart, ...], total: Money
) -> Working:
    steps = [
        worked(part.what, "fee", part.amount)
        if part.unit_price is None
        else worked(
            part.what,
            "quantity × unit price",
            part.amount,
            quantity=part.quantity,
            unit_price=part.unit_price,
        )
        for part in parts
    ]
    return worked(
        f"{price.model} price",
        _FORMULAS[price.model],
        total,
        source=rule.source,
        parts=steps,
        quantity=units,
        rounding=f"{rule.mode} {rule.step}",
    )
