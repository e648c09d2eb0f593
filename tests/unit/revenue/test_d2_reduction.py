"""Deal D2, a reduction, DE01: revenue by month, deferred revenue, ledger.

Inputs and results: §9 of `facts/domain.md`; all amounts net of tax unless said.
"""

from __future__ import annotations

from datetime import date

from dealthread.domain.money import Money
from dealthread.domain.revenue.deferred import roll_forward
from dealthread.domain.revenue.journal import billed
from dealthread.domain.revenue.modification import Change, ChangeKind, Treatment, decide
from dealthread.domain.revenue.replanning import Replanned, replan
from dealthread.domain.revenue.schedule import monthly, schedule
from tests.unit.revenue.worked import YEAR_END, eur, months, sides, taxed


def d2_reduction() -> Replanned:
    seats = schedule("seats", eur("17,760"), date(2026, 3, 15), date(2027, 3, 15))
    return replan(seats, date(2026, 9, 15), eur("-2,201.75"))


def test_d2_fewer_seats_are_prospective() -> None:
    decision = decide(
        Change(obligation="seats", kind=ChangeKind.REDUCE, accepted_at=date(2026, 9, 10))
    )
    assert (decision.row, decision.treatment) == ("M4", Treatment.PROSPECTIVE)


def test_d2_revenue_by_month() -> None:
    after = d2_reduction()
    assert after.kept is not None
    assert after.ahead is not None
    assert after.kept.total == eur("8,952.99")
    assert after.kept.minors[-1] == 681_21
    assert after.ahead.total == eur("6,605.26")
    assert after.ahead.minors[0] == 583_89
    found = monthly(after.schedules(), "EUR")
    assert (
        months(found)
        == (
            "827.18 1,459.73 1,508.38 1,459.73 1,508.38 1,508.38 1,265.10 1,131.29 1,094.79 "
            "1,131.29 1,131.29 1,021.81 510.90"
        ).split()
    )
    in_2026 = (amount for month, amount in found.items() if month < YEAR_END)
    assert Money.total(in_2026, "EUR") == eur("12,894.25")


def test_d2_deferred_revenue_in_september() -> None:
    rows = roll_forward(
        eur("0"),
        [(date(2026, 3, 15), eur("17,760")), (date(2026, 9, 15), eur("-2,201.75"))],
        monthly(d2_reduction().schedules(), "EUR"),
    )
    september = next(row for row in rows if row.month == date(2026, 9, 1))
    assert september.opening == eur("9,488.22")
    assert september.billed == eur("-2,201.75")
    assert september.recognised == eur("1,265.10")
    assert september.closing == eur("6,021.37")
    december = next(row for row in rows if row.month == date(2026, 12, 1))
    assert december.deferred == eur("2,664.00")
    assert rows[-1].closing == eur("0")


def test_d2_journals() -> None:
    credit = eur("-2,201.75")
    assert taxed(credit, "19") == eur("-418.33")
    note = billed(
        "DE01",
        date(2026, 9, 15),
        credit,
        [("2120", taxed(credit, "19"))],
        receivable="2210",
        deferred="2300",
    )
    assert note.what == "credit note"
    assert sides(note) == (
        {"2300": eur("2,201.75"), "2120": eur("418.33")},
        {"2210": eur("2,620.08")},
    )
    renewal = billed(
        "DE01",
        date(2027, 3, 15),
        eur("13,719.60"),
        [("2120", taxed(eur("13,719.60"), "19"))],
        receivable="1100",
        deferred="2300",
    )
    assert sides(renewal)[0] == {"1100": eur("16,326.32")}
    assert eur("16,326.32") - eur("2,620.08") == eur("13,706.24")
