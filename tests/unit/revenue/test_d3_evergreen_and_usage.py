"""Deal D3, evergreen and usage, UK01: revenue by month, unbilled revenue, ledger.

Inputs and results: §9 of `facts/domain.md`; all amounts net of tax unless said.
"""

from __future__ import annotations

from datetime import date

from dealthread.domain.money import Money
from dealthread.domain.revenue.deferred import roll_forward
from dealthread.domain.revenue.journal import entry
from dealthread.domain.revenue.schedule import Schedule, as_used, monthly, schedule
from tests.unit.revenue.worked import gbp, sides, taxed


def d3_schedules() -> list[Schedule]:
    return [
        schedule("platform april", gbp("400"), date(2026, 4, 1), date(2026, 5, 1)),
        schedule("platform may", gbp("400"), date(2026, 5, 1), date(2026, 6, 1)),
        as_used("usage", [(date(2026, 4, 30), gbp("1,937.04")), (date(2026, 5, 31), gbp("0"))]),
    ]


def test_d3_revenue_by_month() -> None:
    found = monthly(d3_schedules(), "GBP")
    assert found == {date(2026, 4, 1): gbp("2,337.04"), date(2026, 5, 1): gbp("400")}


def test_d3_usage_is_an_asset_until_it_is_billed() -> None:
    rows = roll_forward(
        gbp("0"),
        [(date(2026, 4, 1), gbp("400")), (date(2026, 5, 1), gbp("2,337.04"))],
        monthly(d3_schedules(), "GBP"),
    )
    assert rows[0].unbilled == gbp("1,937.04")
    assert rows[0].deferred == gbp("0")
    assert rows[1].closing == gbp("0")


def test_d3_journals() -> None:
    accrual = entry(
        "UK01",
        date(2026, 4, 30),
        "revenue",
        [("1150", gbp("1,937.04")), ("2300", gbp("400"))],
        [("4100", gbp("1,937.04")), ("4000", gbp("400"))],
    )
    assert len(accrual.lines) == 4
    tax = taxed(gbp("400"), "20") + taxed(gbp("1,937.04"), "20")
    second = entry(
        "UK01",
        date(2026, 5, 1),
        "invoice",
        [("1100", gbp("2,804.45"))],
        [("1150", gbp("1,937.04")), ("2300", gbp("400")), ("2120", tax)],
    )
    assert sides(second)[1]["2120"] == gbp("467.41")
    relief = Money.rounded(gbp("1,804.45").amount / 6, "GBP")
    loss = entry(
        "UK01",
        date(2026, 12, 5),
        "write-off",
        [("6500", gbp("1,503.71")), ("2120", relief)],
        [("1100", gbp("1,804.45"))],
    )
    assert sides(loss)[0]["2120"] == gbp("300.74")
