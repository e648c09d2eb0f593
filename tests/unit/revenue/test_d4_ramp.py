"""Deal D4, a quantity ramp, US01: revenue by month, position at the year's end, ledger.

Inputs and results: §9 of `facts/domain.md`; all amounts net of tax unless said.
"""

from __future__ import annotations

from datetime import date

from dealthread.domain.money import Money
from dealthread.domain.revenue.deferred import roll_forward
from dealthread.domain.revenue.journal import billed, entry
from dealthread.domain.revenue.schedule import Schedule, monthly, schedule
from tests.unit.revenue.worked import YEAR_END, months, sides, taxed, usd


def d4_schedules() -> list[Schedule]:
    return [
        schedule(
            f"year {number}",
            usd(net),
            date(2025 + number, 2, 1),
            date(2026 + number, 2, 1),
        )
        for number, net in ((1, "43,200"), (2, "64,800"), (3, "86,400"))
    ]


def test_d4_each_years_seats_are_recognised_in_their_year() -> None:
    found = monthly(d4_schedules(), "USD")
    assert (
        months(found)[:12]
        == (
            "3,313.97 3,669.04 3,550.68 3,669.04 3,550.68 3,669.04 3,669.04 3,550.68 3,669.04 "
            "3,550.68 3,669.04 3,669.07"
        ).split()
    )
    assert (
        months(found)[12:]
        == (
            "4,970.96 5,503.56 5,326.03 5,503.56 5,326.03 5,503.56 5,503.56 5,326.03 5,503.56 "
            "5,326.03 5,503.56 5,503.56 "
            "6,845.90 7,318.03 7,081.97 7,318.03 7,081.97 7,318.03 7,318.03 7,081.97 7,318.03 "
            "7,081.97 7,318.03 7,318.04"
        ).split()
    )


def test_d4_position_at_the_end_of_2026() -> None:
    before = Money.total((one.recognised_before(YEAR_END) for one in d4_schedules()), "USD")
    assert before == usd("39,530.93")
    rows = roll_forward(usd("0"), [(date(2026, 2, 1), usd("43,200"))], d4_schedules()[0].by_month())
    december = next(row for row in rows if row.month == date(2026, 12, 1))
    assert december.deferred == usd("3,669.07")
    sold = Money.total((one.total for one in d4_schedules()), "USD")
    assert sold == usd("194,400")
    backlog = sold - usd("43,200")
    assert sold - before == usd("154,869.07") == december.deferred + backlog


def test_d4_journals() -> None:
    tax = taxed(usd("43,200"), "8.875")
    invoice = billed(
        "US01",
        date(2026, 2, 1),
        usd("43,200"),
        [("2110-NY", tax)],
        receivable="1100",
        deferred="2300",
    )
    assert sides(invoice) == (
        {"1100": usd("47,034")},
        {"2300": usd("43,200"), "2110-NY": usd("3,834")},
    )
    receipt = entry(
        "US01",
        date(2026, 3, 3),
        "receipt",
        [("1000", usd("47,043"))],
        [("1100", usd("47,034")), ("2200", usd("9"))],
    )
    assert len(receipt.lines) == 3
