"""The five worked deals: revenue by month, deferred revenue and the ledger.

Inputs and results are those of the fact sheet, §9 of `facts/domain.md`; all amounts net of tax
unless said. Prices, tax and credits of the same deals are in their own modules' tests.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.deferred import current_and_later, roll_forward
from dealthread.domain.revenue.journal import Journal, Side, billed, entry, recognised
from dealthread.domain.revenue.ledger_currency import in_ledger_currency
from dealthread.domain.revenue.modification import Change, ChangeKind, Treatment, decide
from dealthread.domain.revenue.obligation import PerformanceObligation
from dealthread.domain.revenue.replanning import Replanned, replan
from dealthread.domain.revenue.schedule import (
    Schedule,
    as_used,
    at_milestones,
    monthly,
    schedule,
)

YEAR_END = date(2027, 1, 1)


def usd(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "USD")


def eur(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "EUR")


def gbp(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "GBP")


def months(one: Schedule | dict[date, Money]) -> list[str]:
    found = one.by_month() if isinstance(one, Schedule) else one
    return [f"{amount.amount:,}" for amount in found.values()]


def sides(journal: Journal) -> tuple[dict[str, Money], dict[str, Money]]:
    debits = {line.account: line.amount for line in journal.lines if line.side is Side.DEBIT}
    credits = {line.account: line.amount for line in journal.lines if line.side is Side.CREDIT}
    return debits, credits


def taxed(net: Money, percent: str) -> Money:
    return Money.rounded(net.amount * Decimal(percent) / 100, net.currency)


# D1: annual seats and onboarding, US01


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


# D2: reduction, DE01


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


# D3: evergreen and usage, UK01


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


# D4: quantity ramp, US01


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


# D5: bundle in euros, ledger in pounds, UK01


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
