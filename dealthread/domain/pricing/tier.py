"""Tiers: ranges of a quantity with a price each, and how a quantity falls into them.

The lower bound of a tier is the upper bound of the one before; the upper bound belongs to the
tier ("1–5" is `up_to=5`, docs.stripe.com/subscriptions/pricing-models/tiered-pricing).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money, UnitPrice
from dealthread.domain.pricing.quantity import minus


class Tier(Frozen):
    """A range of a quantity: a price for each unit in it, a fee for reaching it, or both."""

    up_to: ExactDecimal | None = None
    """The last unit of the tier; None = without end, the last tier only."""
    unit_price: UnitPrice
    flat_fee: Money | None = None
    """Due once when the tier applies, whatever number of its units is used."""

    @model_validator(mode="after")
    def _consistent(self) -> Tier:
        if self.up_to is not None and self.up_to <= 0:
            raise ValueError("up_to: a tier ends above nought")
        if self.unit_price.amount < 0:
            raise ValueError("unit_price: a tier has no negative price")
        if self.flat_fee is not None:
            if self.flat_fee.currency != self.unit_price.currency:
                raise ValueError("flat_fee: in another currency than the unit price")
            if self.flat_fee.amount < 0:
                raise ValueError("flat_fee: a tier has no negative fee")
        return self


class TierTable(Frozen):
    """Tiers in order, without gap or overlap: each begins where the one before ends."""

    tiers: tuple[Tier, ...]

    @model_validator(mode="after")
    def _ordered(self) -> TierTable:
        if not self.tiers:
            raise ValueError("tiers: at least one is needed")
        if len({tier.unit_price.currency for tier in self.tiers}) > 1:
            raise ValueError("tiers: all have one currency")
        reached = Decimal(0)
        for tier in self.tiers[:-1]:
            if tier.up_to is None:
                raise ValueError("tiers: only the last is without end")
            if tier.up_to <= reached:
                raise ValueError("tiers: each ends above the one before")
            reached = tier.up_to
        last = self.tiers[-1].up_to
        if last is not None and last <= reached:
            raise ValueError("tiers: each ends above the one before")
        return self

    @property
    def currency(self) -> str:
        """The currency of every tier."""
        return self.tiers[0].unit_price.currency

    def split(self, quantity: Decimal) -> Iterator[tuple[int, Tier, Decimal]]:
        """Number (from 1), tier and quantity within it, for the tiers that are reached.

        The quantities sum to the whole quantity. A quantity of nought reaches the first tier.
        Raises ValueError for a quantity beyond the last tier.
        """
        self._refuse_beyond(quantity)
        begin = Decimal(0)
        for number, tier in enumerate(self.tiers, start=1):
            if number > 1 and quantity <= begin:
                return
            end = quantity if tier.up_to is None else min(quantity, tier.up_to)
            yield number, tier, minus(end, begin)
            begin = end

    def holding(self, quantity: Decimal) -> tuple[int, Tier]:
        """Number and tier that the whole quantity falls into; the upper bound is inside."""
        self._refuse_beyond(quantity)
        return next(
            (number, tier)
            for number, tier in enumerate(self.tiers, start=1)
            if tier.up_to is None or quantity <= tier.up_to
        )

    def _refuse_beyond(self, quantity: Decimal) -> None:
        last = self.tiers[-1].up_to
        if last is not None and quantity > last:
            raise ValueError(f"quantity: {quantity} is beyond the last tier, which ends at {last}")
