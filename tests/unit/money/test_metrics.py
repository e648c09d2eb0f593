"""MRR, ARR, contracted ARR, TCV and what an order changes of them.

Left out because the page contradicts its own inputs: part 4 of Zuora's order metrics example
(twelve months of 80.00 are not 720.00).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dealthread.domain.metrics import LineKind, RevenueLine, arr, contracted_arr, mrr, tcv
from dealthread.domain.money import Money
from dealthread.domain.order_delta import Movement, order_delta

START = date(2026, 1, 1)
END = date(2027, 1, 1)


def line(net: str, key: str = "L1", currency: str = "USD", **more: Any) -> RevenueLine:
    return RevenueLine.model_validate(
        {"key": key, "net": Money.of(net, currency), "start_date": START, "end_date": END} | more
    )


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


@pytest.mark.parametrize(
    ("lines", "monthly", "yearly"),
    [
        # https://profoundtips.com/advice/what-is-the-formula-for-calculating-mrr, which quotes
        # Stripe's help: a yearly subscription of 1,200 counts 100.
        ([line("1200", period_months=12)], "100", "1200"),
        # https://calculatorlib.com/mrr-arr-calculator: 100 customers at 50 a month
        ([line("50", key=str(number)) for number in range(100)], "5000", "60000"),
        # The same page: 10 a month and 120 a year are each 10 a month.
        ([line("10"), line("120", "L2", period_months=12)], "20", "240"),
        # Worked deal D4, year 1.
        ([line("43200", period_months=12)], "3600", "43200"),
    ],
)
def test_published_recurring_revenue(lines: list[RevenueLine], monthly: str, yearly: str) -> None:
    assert mrr(lines, START, "USD").amount == usd(monthly)
    assert arr(lines, START, "USD").amount == usd(yearly)


def test_the_bundle_of_the_worked_deal_is_annualised() -> None:
    # Worked deal D5: 9,600.00 for 24 months.
    seats = line("9600", currency="EUR", period_months=24, end_date=date(2028, 1, 1))
    assert arr([seats], START, "EUR").amount == Money.of("4800", "EUR")


def test_arr_is_not_twelve_rounded_months() -> None:
    lines = [line("100", period_months=12)]
    assert mrr(lines, START, "USD").amount == usd("8.33")
    assert arr(lines, START, "USD").amount == usd("100")


def test_only_what_recurs_and_is_served_counts() -> None:
    lines = [
        line("10"),
        line("500", "setup", kind=LineKind.ONE_TIME),
        line("10", "trial", is_counted=False),
        line("10", "later", start_date=date(2026, 6, 1)),
        line("10", "open", end_date=None),
    ]
    assert mrr(lines, START, "USD").amount == usd("20")
    assert mrr(lines, END, "USD").amount == usd("10")
    said = list(mrr(lines, START, "USD").working.lines())
    assert [text.split(" = ")[0].strip() for text in said] == ["MRR", "L1", "open"]


def test_the_ramp_of_the_worked_deal_is_contracted_at_its_end() -> None:
    # Worked deal D4: ARR 43,200.00 in 2026, contracted 86,400.00.
    ramp = [
        line(
            net,
            f"Y{year}",
            period_months=12,
            start_date=date(2026 + year, 2, 1),
            end_date=date(2027 + year, 2, 1),
            is_end_accepted=year < 2,
        )
        for year, net in enumerate(["43200", "64800", "86400"])
    ]
    on = date(2026, 12, 31)
    assert arr(ramp, on, "USD").amount == usd("43200")
    assert contracted_arr(ramp, on, "USD").amount == usd("86400")
    assert contracted_arr(ramp, date(2029, 2, 1), "USD").amount == usd("0")
    assert tcv(ramp, "USD").amount == usd("194400")


def test_total_contract_value_counts_commitments_only() -> None:
    once = line("1500", "onboarding", kind=LineKind.ONE_TIME)
    assert tcv([line("13500", period_months=12), once], "USD").amount == usd("15000")
    evergreen = line("400", end_date=None)
    assert tcv([evergreen], "USD").amount == usd("0")
    noticed = evergreen.model_copy(update={"committed_until": date(2026, 2, 1)})
    assert tcv([noticed], "USD").amount == usd("400")
    assert tcv([line("1", end_date=START)], "USD").amount == usd("0")


# --- orders ---

YEAR = {"period_months": 12}
SEATS = line("13500", quantity=50, **YEAR)
ADDED = line("5400", "A1", quantity=20, start_date=date(2026, 7, 1), **YEAR)


def test_the_amendment_of_the_worked_deal() -> None:
    # Worked deal D1: 20 seats more for 184 of 365 days; ARR 13,500.00 to 18,900.00.
    delta = order_delta([SEATS], [SEATS, ADDED], date(2026, 7, 1), "USD")
    assert (delta.arr, delta.mrr, delta.tcv) == (usd("5400"), usd("450"), usd("2722.19"))
    assert "TCV 2,722.19 USD" in next(delta.working.lines())
    assert [(one.key, one.movement, one.quantity) for one in delta.lines] == [
        ("L1", Movement.NONE, 0),
        ("A1", Movement.NEW, 20),
    ]


def test_the_renewal_of_the_worked_deal_is_a_price() -> None:
    # Worked deal D1: 70 seats at 283.50 after 70 at 270.00.
    old = line("18900", quantity=70, **YEAR)
    new = line("19845", quantity=70, start_date=END, end_date=date(2028, 1, 1), **YEAR)
    delta = order_delta([old.model_copy(update={"end_date": None})], [new], END, "USD")
    assert delta.arr == usd("945")
    assert delta.lines[0].movement is Movement.PRICE


def test_the_published_order_metrics() -> None:
    # https://docs.zuora.com/ … /order-metrics/product-order-update-to-increase-quantity:
    # three units more at 5.00 a month from April to December.
    def state(units: int, since: date, until: date) -> RevenueLine:
        return line(str(units * 5), quantity=units, start_date=since, end_date=until)

    start, change, end = date(2018, 1, 1), date(2018, 4, 1), date(2019, 1, 1)
    before = [state(10, start, end)]
    after = [state(10, start, change), state(13, change, end)]
    delta = order_delta(before, after, change, "USD")
    (only,) = delta.lines
    assert (only.quantity, only.mrr, only.tcv) == (3, usd("15.00"), usd("135.00"))
    assert only.movement is Movement.EXPANSION


def test_less_and_nothing_are_told_apart() -> None:
    less = line("8100", quantity=30, **YEAR)
    assert order_delta([SEATS], [less], START, "USD").lines[0].movement is Movement.CONTRACTION
    gone = order_delta([SEATS], [], START, "USD")
    assert gone.lines[0].movement is Movement.CHURN
    assert (gone.arr, gone.lines[0].quantity) == (usd("-13500"), -50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end_date": date(2025, 12, 31)}, "end_date: before start_date"),
        ({"committed_until": date(2025, 12, 31)}, "committed_until: before"),
        ({"period_months": 0}, "period_months"),
    ],
)
def test_a_bad_line_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        line("1", **changes)


def test_currencies_do_not_mix() -> None:
    lines = [line("1", currency="EUR")]
    for made in (
        lambda: mrr(lines, START, "USD"),
        lambda: contracted_arr(lines, START, "USD"),
        lambda: tcv(lines, "USD"),
    ):
        with pytest.raises(ValueError, match="line L1: in EUR, not USD"):
            made()


# --- what must hold ---


@st.composite
def lines_of(draw: st.DrawFn) -> list[RevenueLine]:
    found = []
    for _ in range(draw(st.integers(0, 5))):
        since = draw(st.dates(date(2025, 1, 1), date(2027, 1, 1)))
        days = draw(st.integers(0, 900))
        found.append(
            RevenueLine(
                key=draw(st.sampled_from("abc")),
                kind=draw(st.sampled_from(LineKind)),
                quantity=Decimal(draw(st.integers(0, 100))),
                net=Money.from_minor(draw(st.integers(0, 1_000_000)), "USD"),
                period_months=draw(st.integers(1, 36)),
                start_date=since,
                end_date=draw(st.none() | st.just(date.fromordinal(since.toordinal() + days))),
            )
        )
    return found


@given(lines_of(), lines_of(), st.dates(date(2025, 1, 1), date(2028, 1, 1)))
def test_an_order_and_its_inverse_cancel(
    before: list[RevenueLine], after: list[RevenueLine], on: date
) -> None:
    there = order_delta(before, after, on, "USD")
    back = order_delta(after, before, on, "USD")
    assert (there.mrr, there.arr, there.tcv) == (-back.mrr, -back.arr, -back.tcv)
    assert arr(before, on, "USD").amount + there.arr == arr(after, on, "USD").amount
    assert Money.total((one.tcv for one in there.lines), "USD") == there.tcv


@given(lines_of(), st.dates(date(2025, 1, 1), date(2028, 1, 1)))
def test_arr_is_a_year_of_mrr_to_the_rounding(lines: list[RevenueLine], on: date) -> None:
    monthly, yearly = mrr(lines, on, "USD").amount, arr(lines, on, "USD").amount
    assert abs(yearly.amount - 12 * monthly.amount) <= Decimal("0.065")
