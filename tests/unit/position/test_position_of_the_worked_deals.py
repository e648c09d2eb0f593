"""OB-09: the five worked deals on 2026-12-31, to the cent (facts/domain.md §9.9)."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.position.entry import Figure
from dealthread.domain.position.figures import added_up, untied
from tests.unit.position import worked

STORIES = {name: getattr(worked, name) for name in ("d1", "d2", "d3", "d4", "d5")}
FIELDS = (
    "sold billed recognised deferred unbilled_backlog remaining_obligations invoiced_gross "
    "collected written_off receivable credit_balance unapplied_cash arr"
).split()
ON_YEAR_END = {
    "d1": "17,722.19 17,722.19 17,722.19 0.00 0.00 0.00 18,792.86 18,792.86 0.00 0.00 0.00 0.00 "
    "18,900.00",
    "d2": "15,558.25 15,558.25 12,894.25 2,664.00 0.00 2,664.00 18,514.32 21,134.40 0.00 0.00 "
    "2,620.08 0.00 13,320.00",
    "d3": "2,737.04 2,737.04 2,737.04 0.00 0.00 0.00 3,284.45 1,480.00 1,804.45 0.00 0.00 0.00 "
    "0.00",
    "d4": "194,400.00 43,200.00 39,530.93 3,669.07 151,200.00 154,869.07 47,034.00 47,043.00 0.00 "
    "0.00 0.00 9.00 43,200.00",
    "d5": "12,000.00 12,000.00 5,210.38 6,789.62 0.00 6,789.62 12,000.00 12,000.00 0.00 0.00 0.00 "
    "0.00 4,800.00",
}


@pytest.mark.parametrize("name", STORIES)
def test_each_worked_deal_stands_as_published(name: str) -> None:
    position = STORIES[name]().position()
    shown = {field: f"{getattr(position, field).amount:,}" for field in FIELDS}
    assert shown == dict(zip(FIELDS, ON_YEAR_END[name].split(), strict=True))
    assert not untied(position)


def test_currencies_are_summed_each_by_itself() -> None:
    eur, gbp, usd = added_up(STORIES[name]().position() for name in STORIES)
    assert (eur.currency, gbp.currency, usd.currency) == ("EUR", "GBP", "USD")
    # US01 of facts/domain.md §9.9.
    assert [str(usd.billed), str(usd.recognised), str(usd.deferred), str(usd.unapplied_cash)] == [
        "60,922.19 USD",
        "57,253.12 USD",
        "3,669.07 USD",
        "9.00 USD",
    ]


@pytest.mark.parametrize(
    ("day", "sold", "billed", "receivable", "arr"),
    [
        (date(2025, 12, 17), "0.00", "0.00", "0.00", "0.00"),
        (date(2025, 12, 31), "15,000.00", "0.00", "0.00", "0.00"),
        (date(2026, 6, 30), "15,000.00", "15,000.00", "0.00", "13,500.00"),
        (date(2026, 7, 1), "17,722.19", "17,722.19", "0.00", "18,900.00"),
        (date(2027, 1, 1), "17,722.19", "17,722.19", "0.00", "0.00"),
    ],
)
def test_d1_on_any_day(day: date, sold: str, billed: str, receivable: str, arr: str) -> None:
    position = worked.d1().position(day)
    found = (position.sold, position.billed, position.receivable, position.arr)
    assert [f"{one.amount:,}" for one in found] == [sold, billed, receivable, arr]


@pytest.mark.parametrize(
    ("day", "sold", "receivable", "arr"),
    [
        (date(2026, 4, 30), "400.00", "0.00", "4,800.00"),
        (date(2026, 5, 15), "2,737.04", "2,804.45", "4,800.00"),
        (date(2026, 6, 30), "2,737.04", "1,804.45", "0.00"),
    ],
)
def test_d3_is_sold_a_month_at_a_time(day: date, sold: str, receivable: str, arr: str) -> None:
    position = worked.d3().position(day)
    found = (position.sold, position.receivable, position.arr)
    assert [f"{one.amount:,}" for one in found] == [sold, receivable, arr]


def test_every_part_of_a_figure_names_its_document() -> None:
    story = worked.d2()
    parts = {
        (one.figure, one.kind, one.number or str(one.source), str(one.amount))
        for one in story.entries()
        if one.figure in (Figure.BILLED, Figure.CREDIT_BALANCE)
    }
    assert parts == {
        ("billed", "invoice", "DE-2026-00001", "17,760.00 EUR"),
        ("billed", "credit_memo", "CN-1", "-2,201.75 EUR"),
        ("credit_balance", "credit_memo", "CN-1", "2,620.08 EUR"),
    }
    assert all(
        one.source is not None
        for one in story.entries()
        if one.figure in (Figure.BILLED, Figure.COLLECTED)
    )
