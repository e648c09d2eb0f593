"""Prices of quantities: what the vendors publish, what must always hold, what is refused.

Left out because the page contradicts its own inputs: Zuora's "usage tiered pricing with
adjustments" (1,000 units at 0.05 are not 40, and its 10,000 units are not 340).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dealthread.domain.money import Money, UnitPrice
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
from dealthread.domain.pricing.quantity import checked_quantity
from dealthread.domain.pricing.rating import RatingRule, rate
from dealthread.domain.pricing.tier import Tier, TierTable
from dealthread.domain.rounding import RoundingMode, RoundingStep

PRICES: TypeAdapter[Price] = TypeAdapter(Price)


def table(*rows: tuple[object, ...], currency: str = "USD") -> TierTable:
    """Rows of (up_to or None, unit price, fee or nothing)."""
    return TierTable(
        tiers=tuple(
            Tier(
                up_to=None if row[0] is None else Decimal(str(row[0])),
                unit_price=UnitPrice.of(str(row[1]), currency),
                flat_fee=Money.of(str(row[2]), currency) if len(row) > 2 else None,
            )
            for row in rows
        )
    )


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


# https://docs.stripe.com/subscriptions/pricing-models/tiered-pricing
FONTS = table((5, "7"), (10, "6.5"), (None, "6"))
# https://stripe.com/docs/billing/subscriptions/tiers
OLD_TIERS = table((5, 5), (10, 4), (15, 3), (20, 2), (None, 1))
# https://docs.killbill.io/latest/catalog-examples.html (water-monthly, litres)
WATER = UsagePrice(
    included_units=Decimal(0),
    overage=GraduatedPrice(table=table((1000, "1.5"), (None, "2.0"))),
    base_fee=usd("30"),
)
# https://docs.oracle.com/en/industries/financial-services/banking-virtual-account/14.7.2.0.0/
# chgug/examples-tier-based-amount.html
SLAB_FEES = table((250, 0, 10), (500, 0, 20), (None, 0, 30))
SLAB_UNITS = table((250, 1), (500, 2), (None, 3))
# https://docs.recurly.com/docs/billing-models
SEATS = table((10, 0, 50), (20, 0, 100), (None, 0, 150))
# https://docs.recurly.com/docs/billing-models: over 20 shirts cost 9 each
SHIRTS = table((20, 10), (None, 9))
# https://knowledgecenter.zuora.com/Zuora_Billing/B_Set_up_Zuora_Billing/
# Build_products_and_prices/Charge_models_-_configure_any_pricing/DD_Volume_pricing
LICENSES = table((50, 120), (100, 100))
# https://docs.zuora.com/en/zuora-billing/ … /example-tiered-pricing-mode
OVERAGE = table((100, 0), (200, 2))
# https://docs.recurly.com/recurly-subscriptions/docs/quantity-based-pricing
DOCUMENTS = table((100, 1), (None, "0.50"))
# https://docs.getlago.com/guide/plans/charges/charge-models/package
CALLS = PackagePrice(size=Decimal(100), package_price=usd("5"), free_units=Decimal(100))
# https://www.chargebee.com/docs/2.0/package-pricing.html (per million tokens)
TOKENS = PackagePrice(size=Decimal(1_000_000), package_price=usd("1.25"))
# https://docs.stripe.com/billing/subscriptions/usage-based/transform-quantities (minutes)
HOURS = PackagePrice(size=Decimal(60), package_price=usd("10"))


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [
        *((VolumePrice(table=FONTS), units, total) for units, total in
          [(1, "7"), (5, "35"), (6, "39"), (20, "120"), (25, "150")]),
        (GraduatedPrice(table=FONTS), 5, "35"),
        *((VolumePrice(table=OLD_TIERS), units, total) for units, total in
          [(1, "5"), (5, "25"), (6, "24"), (20, "40"), (25, "25")]),
        (GraduatedPrice(table=OLD_TIERS), 6, "29"),
        (PerUnitPrice(unit_price=UnitPrice.of(5, "USD")), 25, "125"),
        (WATER, 400, "630"),
        (WATER, 1200, "1930"),
        (GraduatedPrice(table=SLAB_FEES), 1000, "60"),
        (VolumePrice(table=SLAB_FEES), 1000, "30"),
        (GraduatedPrice(table=SLAB_UNITS), 1000, "2250"),
        (VolumePrice(table=SLAB_UNITS), 1000, "3000"),
        (VolumePrice(table=SEATS), 10, "50"),
        (VolumePrice(table=SEATS), 11, "100"),
        (VolumePrice(table=SEATS), 21, "150"),
        (VolumePrice(table=SHIRTS), 21, "189"),
        (VolumePrice(table=LICENSES), 5, "600"),
        (VolumePrice(table=LICENSES), 60, "6000"),
        (GraduatedPrice(table=OVERAGE), 130, "60"),
        (GraduatedPrice(table=DOCUMENTS), 150, "125"),
        (CALLS, 201, "10"),
        (TOKENS, 1_000_000, "1.25"),
        (TOKENS, 10, "1.25"),
        (TOKENS, 1_500_000, "2.50"),
        (HOURS, 150, "30"),
        # https://doc.getlago.com/docs/guide/plans/charges (standard model)
        (PerUnitPrice(unit_price=UnitPrice.of("0.05", "USD")), 1000, "50"),
        # https://knowledgecenter.zuora.com/Billing/Subscriptions/Product_Catalog/B_Charge_Models
        (FlatPrice(amount=usd("50")), 17, "50"),
    ],
)  # fmt: skip
def test_published_examples_come_out(price: Price, quantity: int, expected: str) -> None:
    assert rate(price, quantity).amount == usd(expected)


# Worked deal D3: 612,345 calls, 100,000 free, to 500,000 at 0.0040, above at 0.0030.
API_USE = GraduatedPrice(
    table=table((100_000, 0), (500_000, "0.0040"), (None, "0.0030"), currency="GBP")
)


@pytest.mark.parametrize(("calls", "expected"), [(612_345, "1937.04"), (90_000, "0.00")])
def test_the_usage_of_the_worked_deal_rates_to_the_cent(calls: int, expected: str) -> None:
    assert rate(API_USE, calls).amount == Money.of(expected, "GBP")


def test_the_lines_of_the_worked_deal_are_its_tiers() -> None:
    parts = rate(API_USE, 612_345).parts
    assert [(part.quantity, str(part.amount.amount)) for part in parts] == [
        (100_000, "0.00"),
        (400_000, "1600.00"),
        (112_345, "337.04"),
    ]


def test_rounding_in_total_differs_from_rounding_each_part() -> None:
    price = GraduatedPrice(table=table((1, "0.005"), (2, "0.005"), (None, "0.005")))
    in_total = RatingRule(step=RoundingStep.IN_TOTAL)
    assert rate(price, 3).amount == usd("0.03")
    assert rate(price, 3, in_total).amount == usd("0.02")
    down = RatingRule(step=RoundingStep.IN_TOTAL, mode=RoundingMode.DOWN)
    assert rate(price, 3, down).amount == usd("0.01")


def test_nothing_used_owes_the_fee_of_the_first_tier_or_not_by_rule() -> None:
    lenient = RatingRule(is_first_fee_due_unused=False)
    for price in (GraduatedPrice(table=SEATS), VolumePrice(table=SEATS)):
        assert rate(price, 0).amount == usd("50")
        assert rate(price, 0, lenient).amount == usd("0")


def test_a_one_time_price_is_due_in_the_first_period_only() -> None:
    setup = OneTimePrice(unit_price=UnitPrice.of("1500", "USD"))
    assert rate(setup, 1).amount == usd("1500")
    later = rate(setup, 1, period=2)
    assert later.amount == usd("0")
    assert later.parts == ()


def test_units_that_are_included_cost_the_base_fee_only() -> None:
    price = UsagePrice(
        included_units=Decimal(100),
        overage=PerUnitPrice(unit_price=UnitPrice.of("0.25", "USD")),
        base_fee=usd("20"),
    )
    assert rate(price, 100).amount == usd("20")
    assert rate(price, 104).amount == usd("21")
    assert [part.what for part in rate(price, 104).parts] == ["base fee", "included units", "units"]
    assert rate(price.model_copy(update={"base_fee": None}), 100).amount == usd("0")


def test_a_package_begun_may_be_free() -> None:
    price = HOURS.model_copy(update={"partial": PartialPackage.FREE})
    assert rate(price, 150).amount == usd("20")


def test_the_working_says_what_was_done() -> None:
    lines = list(rate(GraduatedPrice(table=DOCUMENTS), 150).working.lines())
    assert lines[0].startswith("graduated price = 125.00 USD")
    assert "quantity 50, unit price 0.5 USD" in lines[2]
    assert "fee" in list(rate(FlatPrice(amount=usd("50")), 1).working.lines())[1]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (-1, "quantity: -1 is negative"),
        ("1.5", "more than 0 decimals"),
        ("NaN", "not a finite number"),
        ("Infinity", "not a finite number"),
        ("many", "is not a number"),
        ("1e26", "more than 26 digits"),
        (1.5, "binary float"),
        (True, "truth value"),
    ],
)
def test_a_bad_quantity_is_refused_by_name(bad: Any, message: str) -> None:
    price = PerUnitPrice(unit_price=UnitPrice.of(5, "USD"))
    with pytest.raises(ValueError, match=message):
        rate(price, bad, RatingRule(quantity_places=0))


def test_trailing_zeros_are_not_decimals() -> None:
    assert checked_quantity("5.000", 0) == 5
    assert checked_quantity("5E+2", 0) == 500


def test_a_quantity_beyond_a_closed_table_is_refused() -> None:
    for price in (GraduatedPrice(table=OVERAGE), VolumePrice(table=OVERAGE)):
        with pytest.raises(ValueError, match="beyond the last tier"):
            rate(price, 201)


def test_periods_count_from_one() -> None:
    with pytest.raises(ValueError, match="period"):
        rate(FlatPrice(amount=usd("1")), 1, period=0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least one"),
        ([(10, 1), (10, 2)], "above the one before"),
        ([(10, 1), (5, 2), (None, 3)], "above the one before"),
        ([(None, 1), (10, 2)], "only the last"),
        ([(0, 1)], "above nought"),
        ([(10, -1)], "no negative price"),
        ([(10, 1, -1)], "no negative fee"),
    ],
)
def test_conflicting_tiers_are_refused(rows: list[tuple[object, ...]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        table(*rows)


def test_currencies_of_one_price_do_not_mix() -> None:
    euro = Tier(unit_price=UnitPrice.of(1, "EUR"))
    dollar = Tier(up_to=Decimal(1), unit_price=UnitPrice.of(1, "USD"))
    with pytest.raises(ValidationError, match="one currency"):
        TierTable(tiers=(dollar, euro))
    with pytest.raises(ValidationError, match="flat_fee"):
        Tier(unit_price=UnitPrice.of(1, "EUR"), flat_fee=usd("1"))
    with pytest.raises(ValidationError, match="base_fee"):
        UsagePrice(
            included_units=Decimal(0),
            overage=PerUnitPrice(unit_price=UnitPrice.of(1, "EUR")),
            base_fee=usd("1"),
        )


@pytest.mark.parametrize(
    ("update", "message"),
    [({"size": 0}, "size"), ({"free_units": -1}, "free_units")],
)
def test_a_package_without_size_is_refused(update: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PackagePrice.model_validate({"size": 1, "package_price": usd("1")} | update)


def test_negative_included_units_are_refused() -> None:
    with pytest.raises(ValidationError, match="included_units"):
        UsagePrice(
            included_units=Decimal(-1),
            overage=PerUnitPrice(unit_price=UnitPrice.of(1, "USD")),
        )


# --- what must hold for any price ---

quantities = st.decimals(0, 10_000, places=3)
steps = st.lists(st.integers(1, 2_000), min_size=1, max_size=5)
unit_amounts = st.decimals(0, 50, places=4)


@st.composite
def tables(draw: st.DrawFn) -> TierTable:
    bounds: list[int] = []
    for step in draw(steps):
        bounds.append(step + (bounds[-1] if bounds else 0))
    fees = st.none() | st.decimals(0, 90, places=2)
    rows = []
    for bound in [*bounds, None]:
        fee = draw(fees)
        rows.append((bound, draw(unit_amounts)) + (() if fee is None else (fee,)))
    return table(*rows)


rules = st.builds(
    RatingRule, step=st.sampled_from(RoundingStep), mode=st.sampled_from(RoundingMode)
)


@given(tables(), quantities)
def test_tiers_partition_the_quantity(tiers: TierTable, quantity: Decimal) -> None:
    inside = [part for _, _, part in tiers.split(quantity)]
    assert sum(inside, Decimal(0)) == quantity
    assert all(part > 0 for part in inside[1:])
    assert tiers.holding(quantity)[0] == len(inside)


@given(tables(), quantities, quantities, rules)
def test_graduated_rating_never_falls_as_the_quantity_grows(
    tiers: TierTable, one: Decimal, other: Decimal, rule: RatingRule
) -> None:
    less, more = sorted([one, other])
    price = GraduatedPrice(table=tiers)
    assert not rate(price, more, rule).amount < rate(price, less, rule).amount


@given(tables(), quantities, rules)
def test_the_lines_sum_to_the_amount(tiers: TierTable, quantity: Decimal, rule: RatingRule) -> None:
    for price in (GraduatedPrice(table=tiers), VolumePrice(table=tiers)):
        rated = rate(price, quantity, rule)
        assert Money.total((part.amount for part in rated.parts), "USD") == rated.amount


@given(st.integers(1, 500), st.integers(0, 500), quantities)
def test_packages_cover_what_is_used(size: int, free: int, quantity: Decimal) -> None:
    price = PackagePrice(size=Decimal(size), package_price=usd("1"), free_units=Decimal(free))
    packages = rate(price, quantity).parts[0].quantity
    assert (packages - 1) * size < max(quantity - free, Decimal(0)) <= packages * size or (
        packages == 0 and quantity <= free
    )


@given(tables(), st.decimals(0, 500, places=2))
def test_a_price_survives_json(tiers: TierTable, fee: Decimal) -> None:
    price = UsagePrice(
        included_units=Decimal(3), overage=GraduatedPrice(table=tiers), base_fee=usd(str(fee))
    )
    assert PRICES.validate_json(PRICES.dump_json(price)) == price
