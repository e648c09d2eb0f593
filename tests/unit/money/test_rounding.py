"""Exact fractions become money once, and parts sum to their whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.rounding import (
    RemainderPlace,
    RoundingMode,
    apportioned,
    exact,
    money_of,
    rounded_each,
    rounded_integer,
    unit_price_of,
)

weights = st.lists(st.integers(0, 1_000_000), min_size=1, max_size=12).filter(any)
cents = st.integers(-10_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("value", "half_up", "half_even", "down", "up"),
    [
        ("2.5", 3, 2, 2, 3),
        ("3.5", 4, 4, 3, 4),
        ("-2.5", -3, -2, -2, -3),
        ("2.4", 2, 2, 2, 3),
        ("2.6", 3, 3, 2, 3),
        ("2", 2, 2, 2, 2),
        ("-0.4", 0, 0, 0, -1),
    ],
)
def test_each_mode_treats_signs_alike(
    value: str, half_up: int, half_even: int, down: int, up: int
) -> None:
    given_value = Fraction(value)
    assert rounded_integer(given_value) == half_up
    assert rounded_integer(given_value, RoundingMode.HALF_EVEN) == half_even
    assert rounded_integer(given_value, RoundingMode.DOWN) == down
    assert rounded_integer(given_value, RoundingMode.UP) == up


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [("0.125", "USD", "0.13"), ("0.5", "JPY", "1"), ("0.0005", "KWD", "0.001")],
)
def test_the_decimals_are_those_of_the_currency(value: str, currency: str, expected: str) -> None:
    assert money_of(Decimal(value), currency) == Money.of(expected, currency)


def test_a_value_that_repeats_for_ever_is_rounded_once() -> None:
    just_below = Fraction(1, 200) - Fraction(1, 10**60)
    assert money_of(just_below, "USD") == Money.of("0.00", "USD")


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        money_of(1, "XXX")


def test_a_unit_price_is_rounded_to_the_decimals_asked_for() -> None:
    assert unit_price_of(Fraction(1, 3), "EUR", 4) == UnitPrice.of("0.3333", "EUR")


@pytest.mark.parametrize(
    ("place", "parts"),
    [
        (RemainderPlace.FIRST, ["33.34", "33.33", "33.33"]),
        (RemainderPlace.LAST, ["33.33", "33.33", "33.34"]),
        (RemainderPlace.LARGEST, ["33.34", "33.33", "33.33"]),
        (RemainderPlace.SPREAD, ["33.33", "33.34", "33.33"]),
    ],
)
def test_the_odd_cent_goes_where_the_rule_says(place: RemainderPlace, parts: list[str]) -> None:
    shared = apportioned(Money.of(100, "USD"), [1, 1, 1], place)
    assert [str(part.amount) for part in shared] == parts


@pytest.mark.parametrize("bad", [[], [0, 0], [1, -1]])
def test_weights_that_share_nothing_are_refused(bad: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        apportioned(Money.of(1, "USD"), bad)


@given(cents, weights, st.sampled_from(RemainderPlace), st.sampled_from(RoundingMode))
def test_parts_sum_to_the_whole(
    minor: int, shares: list[int], place: RemainderPlace, mode: RoundingMode
) -> None:
    total = Money.from_minor(minor, "EUR")
    assert Money.total(apportioned(total, shares, place, mode), "EUR") == total


@given(st.lists(st.fractions(-1000, 1000), max_size=10), st.sampled_from(RoundingMode))
def test_parts_of_a_total_sum_to_the_rounded_sum(
    values: list[Fraction], mode: RoundingMode
) -> None:
    total = Money.total(rounded_each(values, "USD", mode=mode), "USD")
    assert total == money_of(sum(values, Fraction()), "USD", mode)


@given(st.fractions(-1000, 1000), st.sampled_from(RoundingMode))
def test_rounding_moves_by_less_than_one_unit(value: Fraction, mode: RoundingMode) -> None:
    moved = abs(exact(money_of(value, "USD", mode)) - value)
    assert moved < Fraction(1, 100)
    if mode in {RoundingMode.HALF_UP, RoundingMode.HALF_EVEN}:
        assert moved <= Fraction(1, 200)
