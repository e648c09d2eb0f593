"""Deal D5, a bundle in euros with its ledger in pounds, UK01: revenue in both currencies.

Inputs and results: §9 of `facts/domain.md`; all amounts net of tax unless said.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.money import Money
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.deferred import current_and_later
from dealthread.domain.revenue.journal import billed, entry
from dealthread.domain.revenue.ledger_currency import in_ledger_currency
from dealthread.domain.revenue.obligation import PerformanceObligation
from dealthread.domain.revenue.schedule import Schedule, schedule
from tests.unit.revenue.worked import YEAR_END, eur, gbp, months, sides


def d5_obligations() -> list[PerformanceObligation]:
    return [
        PerformanceObligation(key="seats", price=eur("12,000"), ssp=eur("11,040")),
        PerformanceObligation(key="onboarding", price=eur("0"), ssp=eur("2,760")),
    ]


def in_ledger(amount: Money) -> Money:
    return Money.rounded(amount.amount * Decimal("0.8500"), "GBP")


def d5_seats() -> tuple[Schedule, Schedule]:
    found = allocate(d5_obligations()).of("seats")
    seats = schedule("seats", found, date(2026, 6, 1), date(2028, 6, 1))
    return seats, in_ledger_currency(seats, Decimal("0.8500"), "GBP")


def test_d5_the_bundle_is_allocated() -> None:
    found = allocate(d5_obligations())
    assert found.amounts == (("seats", eur("9,600")), ("onboarding", eur("2,400")))
    assert in_ledger(found.of("seats")) == gbp("8,160")
    assert in_ledger(found.of("onboarding")) == gbp("2,040")


def test_d5_revenue_by_month_in_both_currencies() -> None:
    seats, ledger = d5_seats()
    assert (
        months(seats)
        == (
            "393.98 407.11 407.11 393.98 407.11 393.98 407.11 "
            "407.11 367.72 407.11 393.98 407.11 393.98 407.11 407.11 393.98 407.11 393.98 407.11 "
            "407.11 380.85 407.11 393.98 407.16"
        ).split()
    )
    assert (
        months(ledger)
        == (
            "334.88 346.04 346.04 334.88 346.04 334.88 346.04 "
            "346.04 312.56 346.04 334.88 346.04 334.88 346.04 346.04 334.88 346.04 334.88 346.04 "
            "346.04 323.72 346.04 334.88 346.16"
        ).split()
    )


def test_d5_deferred_current_and_later() -> None:
    seats, ledger = d5_seats()
    assert current_and_later([seats], YEAR_END, "EUR") == (eur("4,793.41"), eur("1,996.21"))
    assert seats.total - seats.recognised_before(YEAR_END) == eur("6,789.62")
    assert current_and_later([ledger], YEAR_END, "GBP") == (gbp("4,074.36"), gbp("1,696.84"))
    assert ledger.total - ledger.recognised_before(YEAR_END) == gbp("5,771.20")


def test_d5_journals() -> None:
    invoice = billed(
        "UK01",
        date(2026, 6, 1),
        in_ledger(eur("12,000")),
        [],
        receivable="1100",
        deferred="2300",
    )
    assert sides(invoice) == ({"1100": gbp("10,200")}, {"2300": gbp("10,200")})
    settled = entry(
        "UK01",
        date(2026, 6, 29),
        "receipt",
        [
            ("1000", Money.rounded(Decimal("12000") * Decimal("0.8420"), "GBP")),
            ("7000", gbp("96")),
        ],
        [("1100", gbp("10,200"))],
    )
    assert sides(settled)[0]["1000"] == gbp("10,104")
