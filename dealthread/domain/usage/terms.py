"""How a line of usage is measured and priced, as its contract agreed it."""

from __future__ import annotations

from decimal import Decimal

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ProductMapping
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money, UnitPrice
from dealthread.domain.pricing.price import GraduatedPrice
from dealthread.domain.pricing.rating import rate
from dealthread.domain.pricing.tier import Tier, TierTable


class UsageTier(Carried):
    """Units up to a bound, that bound included, and what each costs; None = without end."""

    up_to: ExactDecimal | None
    unit_price: ExactDecimal


class UsageTerms(Carried):
    """The meter that counts a line, and its graduated price in one billing period."""

    meter: str
    unit: str
    quantity_decimals: int = 0
    currency: CurrencyCode
    tiers: tuple[UsageTier, ...]
    licensed: ExactDecimal | None = None
    """Units of a billing period beyond which the customer uses more than it may; None = no such."""

    @property
    def included(self) -> Decimal:
        """Units of a billing period that cost nothing."""
        free = Decimal(0)
        for tier in self.tiers:
            if tier.unit_price or tier.up_to is None:
                break
            free = tier.up_to
        return free

    @property
    def first_charged(self) -> Decimal:
        """Price of the first unit that costs something; this is what the price list shows."""
        return next((tier.unit_price for tier in self.tiers if tier.unit_price), Decimal(0))

    def price(self) -> GraduatedPrice:
        """As `domain.pricing` computes it."""
        return GraduatedPrice(
            table=TierTable(
                tiers=tuple(
                    Tier(
                        up_to=tier.up_to,
                        unit_price=UnitPrice.of(tier.unit_price, self.currency),
                    )
                    for tier in self.tiers
                )
            )
        )

    def rated(self, quantity: Decimal) -> Money:
        """Net of so many units in one billing period. Each tier is rounded, as the biller does."""
        return rate(self.price(), quantity).amount


def terms_of(mapping: ProductMapping, currency: str) -> UsageTerms | None:
    """The terms of a product in a currency; None where it is not counted, or not priced in it."""
    usage = mapping.usage
    if usage is None:
        return None
    table = next((one for one in usage.prices if one.currency == currency), None)
    if table is None:
        return None
    return UsageTerms(
        meter=usage.meter,
        unit=mapping.unit,
        quantity_decimals=mapping.quantity_decimals,
        currency=currency,
        tiers=tuple(
            UsageTier(up_to=tier.up_to, unit_price=tier.unit_price.amount) for tier in table.tiers
        ),
        licensed=usage.licensed,
    )
