"""Renewal prices: percentage, index, cap, floor and price lock."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dealthread.domain.money import UnitPrice
from dealthread.domain.pricing.uplift import (
    IndexUplift,
    PercentUplift,
    UpliftRule,
    uplifted,
)
from dealthread.domain.rounding import RoundingMode, exact

START = date(2027, 1, 1)


def by(percent: str, **more: Any) -> UpliftRule:
    return UpliftRule(by=PercentUplift(percent=Decimal(percent)), **more)


# http://www.finplan.com/finance/inflationhowto.asp, the example of the Bureau of Labor
# Statistics: 136.0 after 129.9 is 6.1 points, 4.7 percent.
CPI = IndexUplift(
    source="BLS CPI-U",
    earlier_period="previous",
    earlier_value=Decimal("129.9"),
    later_period="current",
    later_value=Decimal("136.0"),
    percent_places=1,
)


@pytest.mark.parametrize(
    ("price", "percent", "expected"),
    # Worked deals D1 and D2.
    [("270.00", "5", "283.50"), ("444.00", "3", "457.32")],
)
def test_the_renewals_of_the_worked_deals(price: str, percent: str, expected: str) -> None:
    result = uplifted(UnitPrice.of(price, "USD"), by(percent), START)
    assert result.price == UnitPrice.of(expected, "USD")
    assert not result.is_capped


def test_the_published_change_of_an_index() -> None:
    assert CPI.change() == Decimal("4.7")
    price = uplifted(UnitPrice.of(100, "USD"), UpliftRule(by=CPI), START).price
    assert price == UnitPrice.of("104.70", "USD")


def test_an_index_may_stay_unrounded_and_carry_a_margin() -> None:
    exactly = CPI.model_copy(update={"percent_places": None, "plus_percent": Decimal(2)})
    result = uplifted(UnitPrice.of("129.9", "USD"), UpliftRule(by=exactly), START)
    # 129.90 × 136.0 ÷ 129.9 = 136.00, and 2 % of 129.90 = 2.598 on top
    assert result.price == UnitPrice.of("138.60", "USD")
    assert "≈ 6.69592" in next(result.working.lines())


def test_the_cap_holds_and_is_said() -> None:
    result = uplifted(UnitPrice.of("100", "USD"), by("9", cap_percent=Decimal(5)), START)
    assert result.price == UnitPrice.of("105.00", "USD")
    assert result.is_capped


def test_rounding_does_not_pass_the_cap() -> None:
    # 0.15 × 1.05 = 0.1575: half up would be 0.16, above the cap.
    result = uplifted(UnitPrice.of("0.15", "USD"), by("5", cap_percent=Decimal(5)), START)
    assert result.price == UnitPrice.of("0.15", "USD")


def test_a_floor_keeps_the_price_when_the_index_falls() -> None:
    falling = CPI.model_copy(update={"later_value": Decimal(120)})
    price = UnitPrice.of("100.00", "USD")
    assert uplifted(price, UpliftRule(by=falling, floor_percent=Decimal(0)), START).price == price
    assert uplifted(price, UpliftRule(by=falling), START).price == UnitPrice.of("92.40", "USD")


def test_a_price_lock_ends_on_its_day() -> None:
    rule = by("5", locked_until=START)
    price = UnitPrice.of("100.00", "USD")
    before = uplifted(price, rule, date(2026, 12, 31))
    assert before.is_locked
    assert before.price == price
    assert uplifted(price, rule, START).price == UnitPrice.of("105.00", "USD")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: PercentUplift(percent=Decimal(-100)), "above -100"),
        (lambda: by("1", cap_percent=Decimal(1), floor_percent=Decimal(2)), "floor_percent"),
        (lambda: by("1", places=13), "places"),
        (lambda: IndexUplift.model_validate(CPI.model_dump() | {"later_value": 0}), "an index"),
        (lambda: IndexUplift.model_validate(CPI.model_dump() | {"plus_percent": -200}), "plus_"),
        (lambda: uplifted(UnitPrice.of(-1, "USD"), by("1"), START), "negative price"),
    ],
)
def test_bad_terms_are_refused_by_name(made: Any, message: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=message):
        made()


@given(
    st.decimals(0, 100_000, places=4),
    st.decimals(-50, 100, places=3),
    st.decimals(-50, 100, places=2),
    st.integers(0, 6),
    st.sampled_from(RoundingMode),
)
def test_the_price_is_never_above_the_cap(
    price: Decimal, percent: Decimal, cap: Decimal, places: int, mode: RoundingMode
) -> None:
    old = UnitPrice.of(price, "EUR")
    rule = by(str(percent), cap_percent=cap, places=places, mode=mode)
    assert exact(uplifted(old, rule, START).price) <= exact(old) * (100 + exact_of(cap)) / 100


def exact_of(value: Decimal) -> Any:
    return exact(UnitPrice.of(value, "EUR"))
