"""Deal D1, annual seats and onboarding, US01: revenue by month, deferred revenue, ledger.

Inputs and results: §9 of `facts/domain.md`; all amounts net of tax unless said.
"""

from __future__ import annotations

from datetime import date

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.deferred import roll_forward
from dealthread.domain.revenue.journal import billed, entry, recognised
from dealthread.domain.revenue.modification import Change, ChangeKind, Treatment, decide
from dealthread.domain.revenue.obligation import PerformanceObligation
from dealthread.domain.revenue.schedule import Schedule, at_milestones, monthly, schedule
from tests.unit.revenue.worked import YEAR_END, months, sides, taxed, usd


def d1_obligations() -> list[PerformanceObligation]:
    return [
        PerformanceObligation(key="seats", price=usd("13,500"), ssp=usd("15,000")),
        PerformanceObligation(key="onboarding", price=usd("1,500"), ssp=usd("3,000")),
    ]


def d1_schedules() -> list[Schedule]:
    found = allocate(d1_obligations())
    return [
        schedule("seats", found.of("seats"), date(2026, 1, 1), YEAR_END),
        at_milestones("onboarding", found.of("onboarding"), [(date(2026, 2, 13), 1)]),
        schedule("amendment", usd("2,722.19"), date(2026, 7, 1), YEAR_END),
    ]


def test_d1_the_discount_is_allocated() -> None:
    found = allocate(d1_obligations())
    assert found.transaction_price == usd("15,000")
    assert found.amounts == (("seats", usd("12,500")), ("onboarding", usd("2,500")))


def test_d1_revenue_by_month() -> None:
    seats, onboarding, amendment = d1_schedules()
    assert (
        months(seats)
        == (
            "1,061.64 958.90 1,061.64 1,027.40 1,061.64 1,027.40 "
            "1,061.64 1,061.64 1,027.40 1,061.64 1,027.40 1,061.66"
        ).split()
    )
    assert onboarding.by_month() == {date(2026, 2, 1): usd("2,500")}
    assert months(amendment) == "458.63 458.63 443.84 458.63 443.84 458.62".split()
    assert Money.total((one.total for one in d1_schedules()), "USD") == usd("17,722.19")


def test_d1_more_seats_at_their_price_are_a_separate_contract() -> None:
    decision = decide(
        Change(
            obligation="seats",
            kind=ChangeKind.ADD,
            accepted_at=date(2026, 7, 1),
            unit_price=UnitPrice.of("270.00", "USD"),
            ssp_low=UnitPrice.of("270.00", "USD"),
            ssp_high=UnitPrice.of("330.00", "USD"),
        )
    )
    assert (decision.row, decision.treatment) == ("M2", Treatment.SEPARATE_CONTRACT)


def test_d1_nothing_is_deferred_at_the_end() -> None:
    rows = roll_forward(
        usd("0"),
        [(date(2026, 1, 1), usd("15,000")), (date(2026, 7, 1), usd("2,722.19"))],
        monthly(d1_schedules(), "USD"),
    )
    assert rows[-1].month == date(2026, 12, 1)
    assert rows[-1].closing == usd("0")


def test_d1_journals() -> None:
    first = billed(
        "US01",
        date(2026, 1, 1),
        usd("15,000"),
        [("2110-TX", taxed(usd("13,500"), "6.6")), ("2110-TX", usd("0"))],
        receivable="1100",
        deferred="2300",
    )
    assert sides(first) == (
        {"1100": usd("15,891")},
        {"2300": usd("15,000"), "2110-TX": usd("891")},
    )
    second = billed(
        "US01",
        date(2026, 7, 1),
        usd("2,722.19"),
        [("2110-TX", taxed(usd("9,527.67"), "6.6") + taxed(usd("-6,805.48"), "6.6"))],
        receivable="1100",
        deferred="2300",
    )
    assert sides(second) == (
        {"1100": usd("2,901.86")},
        {"2300": usd("2,722.19"), "2110-TX": usd("179.67")},
    )
    accounts = {"seats": "4000", "onboarding": "4200", "amendment": "4000"}
    entries = {
        journal.posting_date: journal
        for journal in recognised("US01", d1_schedules(), accounts, deferred="2300")
    }
    assert sides(entries[date(2026, 1, 31)]) == (
        {"2300": usd("1,061.64")},
        {"4000": usd("1,061.64")},
    )
    assert sides(entries[date(2026, 2, 13)]) == ({"2300": usd("2,500")}, {"4200": usd("2,500")})
    # 12 and 6 lines of recognition and one of service
    assert sum(len(journal.lines) for journal in entries.values()) == 2 * (12 + 6 + 1)


def test_d1_payout_less_the_fee() -> None:
    payout = entry(
        "US01",
        date(2026, 1, 5),
        "payout",
        [("1000", usd("15,429.86")), ("6600", usd("461.14"))],
        [("1050", usd("15,891"))],
    )
    assert len(payout.lines) == 3
