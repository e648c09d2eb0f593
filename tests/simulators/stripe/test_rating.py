"""Tiers, packages and decimals cost what Stripe's published examples say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dealthread.simulators.stripe.catalogue import rating


def per_unit(unit: str, **more: Any) -> Any:
    """A price of one unit, in minor units."""
    return {"billing_scheme": "per_unit", "unit_amount_decimal": unit, **more}


def tiered(mode: str, *tiers: tuple[int | None, str | None, str | None]) -> Any:
    """A tiered price of (up to, unit amount, flat amount)."""
    return {
        "billing_scheme": "tiered",
        "tiers_mode": mode,
        "tiers": [
            {"up_to": up_to, "unit_amount_decimal": unit, "flat_amount_decimal": flat}
            for up_to, unit, flat in tiers
        ],
    }


# docs.stripe.com/subscriptions/pricing-models/tiered-pricing: 1-5 fonts at 7 USD, 6-10 at 6.50,
# from 11 on at 6.
FONTS = ((5, "700", None), (10, "650", None), (None, "600", None))
# The same page, "Add a flat rate".
FLAT = (
    (5, "500", "1000"),
    (10, "400", "2000"),
    (15, "300", "3000"),
    (20, "200", "4000"),
    (None, "100", "5000"),
)


@pytest.mark.parametrize(
    ("quantity", "usd"), [(1, "7"), (5, "35"), (6, "39"), (20, "120"), (25, "150")]
)
def test_volume_tiers_price_the_whole_quantity_by_one_tier(quantity: int, usd: str) -> None:
    """docs.stripe.com/subscriptions/pricing-models/tiered-pricing#volume-based-pricing."""
    assert rating.amount_of(tiered("volume", *FONTS), quantity) == Decimal(usd) * 100


@pytest.mark.parametrize(
    ("quantity", "usd"), [(1, "7"), (5, "35"), (6, "41.5"), (20, "127.5"), (25, "157.5")]
)
def test_graduated_tiers_price_each_unit_by_its_tier(quantity: int, usd: str) -> None:
    """docs.stripe.com/subscriptions/pricing-models/tiered-pricing#graduated-pricing."""
    assert rating.amount_of(tiered("graduated", *FONTS), quantity) == Decimal(usd) * 100


@pytest.mark.parametrize(
    ("mode", "quantity", "usd"),
    [("volume", 12, 66), ("graduated", 12, 111), ("volume", 0, 10), ("graduated", 0, 10)],
)
def test_flat_rates_are_added_and_the_first_is_billed_for_nothing(
    mode: str, quantity: int, usd: int
) -> None:
    """Same page, "Add a flat rate": 12 × 3 + 30; 25 + 10 + 20 + 20 + 6 + 30; quantity 0 is 10."""
    assert rating.amount_of(tiered(mode, *FLAT), quantity) == usd * 100


@pytest.mark.parametrize(("minutes", "usd"), [(150, 30), (120, 20), (1, 10), (0, 0)])
def test_packages_are_rounded_up(minutes: int, usd: int) -> None:
    """150 minutes at 10 USD an hour are 30 USD: docs.stripe.com/billing/subscriptions/usage-based/
    transform-quantities. The other rows follow from the same rule."""
    hourly = per_unit("1000", transform_quantity={"divide_by": 60, "round": "up"})
    assert rating.amount_of(hourly, minutes) == usd * 100


@pytest.mark.parametrize(("users", "usd"), [(1, 10), (3, 10), (5, 10), (6, 20), (7, 20)])
def test_a_package_begun_is_a_package(users: int, usd: int) -> None:
    """10 USD for every 5 users: stripe.com/docs/billing/subscriptions/quantity-transformation."""
    price = per_unit("1000", transform_quantity={"divide_by": 5, "round": "up"})
    assert rating.amount_of(price, users) == usd * 100


def test_packages_rounded_down_charge_full_ones_only() -> None:
    """9 of 5 is one full package."""
    price = per_unit("1000", transform_quantity={"divide_by": 5, "round": "down"})
    assert rating.amount_of(price, 9) == 1000
    assert rating.amount_of(price, 4) == 0


def test_each_graduated_tier_is_a_line_and_each_flat_fee_another() -> None:
    """6 units: 5 in the first tier, 1 in the second, and both tiers' fees."""
    parts = rating.rate(tiered("graduated", *FLAT), 6)
    assert [(part.tier, int(part.quantity), part.amount, part.is_flat_fee) for part in parts] == [
        (1, 5, 2500, False),
        (1, 0, 1000, True),
        (2, 1, 400, False),
        (2, 0, 2000, True),
    ]


def test_a_tier_without_a_unit_amount_bills_its_fee_alone() -> None:
    """Units of a tier that has only a flat fee cost nothing."""
    price = tiered("graduated", (100, None, "999"), (None, "0.02", None))
    assert rating.amount_of(price, 50) == 999
    # 50 units above the first hundred at 0.02 cents: 1 cent.
    assert rating.amount_of(price, 150) == 1000


def test_fractions_of_units_and_cents_are_exact_until_the_line_is_rounded() -> None:
    """2.5 units at 0.3 cents are 0.75: one cent; and 5.5 units reach the second tier."""
    assert rating.amount_of(per_unit("0.3"), Decimal("2.5")) == 1
    assert rating.amount_of(tiered("volume", *FONTS), Decimal("5.5")) == 3575
    assert rating.amount_of(tiered("graduated", *FONTS), Decimal("5.5")) == 3500 + 325
