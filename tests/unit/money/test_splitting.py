"""Issue 4, point 2: an amount in parts that add up to it, and where the remainder goes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.money import Money
from dealthread.domain.periods.knobs import Remainder, Rounding
from dealthread.domain.periods.parts import split
from dealthread.domain.rounding import RoundingMode
from tests.unit.money.period_strategies import PLAIN


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.integers(0, 400), min_size=1, max_size=12).filter(any),
    st.sampled_from(list(Rounding)),
    st.sampled_from(list(RoundingMode)),
    st.sampled_from(list(Remainder)),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_the_parts_of_an_amount_add_up_to_it(
    minor: int,
    weights: list[int],
    rounding: Rounding,
    mode: RoundingMode,
    remainder: Remainder,
    currency: str,
) -> None:
    amount = Money.from_minor(minor, currency)
    rule = PLAIN.named("rule", rounding=rounding, rounding_mode=mode, remainder=remainder)
    shares = [Fraction(weight) for weight in weights]
    parts = split(amount, shares, rule, full=[weight > 30 for weight in weights])
    assert Money.total(parts, currency) == amount
    assert len(parts) == len(weights)


@pytest.mark.parametrize(
    ("remainder", "expected"),
    [
        (Remainder.FIRST, ["3.34", "3.33", "3.33"]),
        (Remainder.LAST, ["3.33", "3.33", "3.34"]),
        (Remainder.LAST_FULL, ["3.33", "3.34", "3.33"]),
    ],
)
def test_the_remainder_goes_where_the_convention_says(
    remainder: Remainder, expected: list[str]
) -> None:
    rule = PLAIN.named("rule", remainder=remainder)
    parts = split(Money.of(10, "USD"), [Fraction(1)] * 3, rule, full=[True, True, False])
    assert [str(part.amount) for part in parts] == expected


def test_the_largest_part_takes_the_remainder() -> None:
    rule = PLAIN.named("rule", rounding_mode=RoundingMode.DOWN, remainder=Remainder.LARGEST)
    parts = split(Money.of(1, "JPY"), [Fraction(1), Fraction(2), Fraction(2)], rule)
    assert [int(part.amount) for part in parts] == [0, 1, 0]


def test_cumulative_rounding_spreads_the_cents() -> None:
    parts = split(Money.of(1, "USD"), [Fraction(1)] * 3, PLAIN.named("rule", rounding="cumulative"))
    assert [str(part.amount) for part in parts] == ["0.33", "0.34", "0.33"]


@pytest.mark.parametrize("weights", [[], [Fraction(0)], [Fraction(2), Fraction(-1)]])
def test_weights_that_mean_nothing_are_refused(weights: list[Fraction]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(Money.of(1, "USD"), weights, PLAIN)
