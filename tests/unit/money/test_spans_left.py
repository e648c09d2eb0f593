"""What is left of a span when another is taken away."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.amendment.billed import without
from dealthread.domain.periods.moment import Span


def days(first: int, end: int) -> Span:
    return Span(start=date(2026, 1, first), end=date(2026, 1, end))


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        (days(20, 25), (days(5, 15),)),
        (days(15, 20), (days(5, 15),)),
        (days(1, 20), ()),
        (days(5, 15), ()),
        (days(1, 8), (days(8, 15),)),
        (days(8, 20), (days(5, 8),)),
        (days(8, 10), (days(5, 8), days(10, 15))),
    ],
)
def test_a_part_taken_away_leaves_none_one_or_two(gone: Span, left: tuple[Span, ...]) -> None:
    assert without(days(5, 15), gone) == left
