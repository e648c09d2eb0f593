"""Issue 4, points 1 and 2: published periods and shares, each with its source.

Left out because the page contradicts its own inputs or ours on purpose:
- Salesforce "Weekly proration": 12.01 × 12 × 10.71 is 1,543.53, the page says 1,543.36.
- Chargebee "proration-old", example 2: a change on 10 April counts 10 days used, while example 1
  counts 20 days for a change on 21 April.
- Kill Bill `testSinglePlan_ChangeBCDTo31`: it steps back from the clamped 28 February to
  28 November (92 days); a cycle of month ends has 30 November there (90 days).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY, WEEKLY, PeriodLength
from dealthread.domain.periods.measure import periods_in, share
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import billing_periods
from dealthread.domain.rounding import money_of

KILL_BILL_TESTS = "github.com/killbill/killbill, org.killbill.billing.invoice.proRations.inAdvance"


def days(start: str, end: str) -> Span:
    return Span(start=date.fromisoformat(start), end=date.fromisoformat(end))


def money(value: Fraction) -> str:
    return str(money_of(value, "USD").amount)


@pytest.mark.parametrize(
    ("start", "last", "actual", "actual_360", "strict_360"),
    [
        ("2021-01-27", "2021-01-31", "5/31", "5/30", "4/30"),
        ("2021-02-27", "2021-02-28", "2/28", "2/30", "4/30"),
        ("2020-02-01", "2020-02-29", "29/29", "29/30", "30/30"),
        ("2021-04-21", "2021-04-29", "9/30", "9/30", "9/30"),
    ],
)
def test_zuoras_three_day_counts(
    start: str, last: str, actual: str, actual_360: str, strict_360: str
) -> None:
    """docs.zuora.com: "When prorating a month, assume 30 days in a month or use actual days?".

    The whole of February 2020 is a whole month to us and costs 1; its actual/360 row is the
    ratio of a part of that size, tested on a month that is longer.
    """
    first = date.fromisoformat(start)
    part = Span(start=first, end=date.fromisoformat(last) + timedelta(days=1))
    month = BillCycle(length=MONTHLY, anchor=date(2020, 1, 1)).period_at(first)
    for convention, expected in (
        (presets.ZUORA, actual),
        (presets.ZUORA_ACTUAL_360, actual_360),
        (presets.ZUORA_STRICT_360, strict_360),
    ):
        if part == month and convention is presets.ZUORA_ACTUAL_360:
            continue
        assert share(part, month, MONTHLY, convention) == Fraction(expected)


@pytest.mark.parametrize(
    ("convention", "total"),
    [(presets.ZUORA_ACTUAL_360, "156.33"), (presets.ZUORA, "155.81")],
)
def test_zuora_counts_months_first_then_the_days_of_the_partial_month(
    convention: Convention, total: str
) -> None:
    """docs.zuora.com, order metrics "Part 3 - Example": 35.00 a month, 18 August to 31 December
    2018; TCB with 30 days, TCV with actual days."""
    term = days("2018-08-18", "2019-01-01")
    calendar = BillCycle(length=MONTHLY, anchor=date(2018, 1, 1))
    assert money(35 * periods_in(term, MONTHLY, convention, cycle=calendar)) == total


def test_zuora_divides_a_stub_by_the_month_from_cycle_day_to_cycle_day() -> None:
    """docs.zuora.com, "Order Delta TCB calculation details": 50.00 a month, cycle day 16, from
    2021-01-01 to 2021-03-01: 24.2 (15/31), 50, 23.2 (13/28); the page shows one decimal."""
    term = days("2021-01-01", "2021-03-01")
    cycle = cycle_for(term.start, MONTHLY, presets.ZUORA, cycle_day=16)
    periods = billing_periods(term, cycle, presets.ZUORA)
    assert [period.share(presets.ZUORA) for period in periods] == [
        Fraction(15, 31),
        1,
        Fraction(13, 28),
    ]
    assert [f"{float(50 * period.share(presets.ZUORA)):.1f}" for period in periods] == [
        "24.2",
        "50.0",
        "23.2",
    ]
    assert f"{float(65 * periods[-1].share(presets.ZUORA)):.1f}" == "30.2"


def test_zuora_credits_half_a_year_by_months() -> None:
    """docs.zuora.com, "Case I: canceling a subscription": 1,200 a year, cancelled 2021-07-01."""
    year = days("2021-01-01", "2022-01-01")
    left = days("2021-07-01", "2022-01-01")
    assert money(1200 * share(left, year, ANNUAL, presets.ZUORA)) == "600.00"


KILL_BILL_CASES = [
    # monthly/TestDoubleProRation
    (MONTHLY, "2011-01-01", "2011-02-27", 15, ["14/31", "1", "12/28"]),
    # quarterly/TestDoubleProRation
    (QUARTERLY, "2011-01-01", "2011-04-27", 15, ["14/92", "1", "12/91"]),
    # quarterly/TestProRation
    (QUARTERLY, "2011-02-10", "2011-02-24", 10, ["14/89"]),
    (QUARTERLY, "2011-02-24", "2011-05-10", 10, ["75/89"]),
    (QUARTERLY, "2011-02-17", "2011-08-03", 3, ["75/89", "1"]),
    (QUARTERLY, "2011-02-01", "2011-02-14", 1, ["13/89"]),
    (QUARTERLY, "2011-02-14", "2011-05-27", 27, ["13/92", "1"]),
    (QUARTERLY, "2012-02-01", "2012-02-15", 1, ["14/90"]),
    (QUARTERLY, "2011-02-07", "2011-02-15", 7, ["8/89"]),
    (QUARTERLY, "2011-05-07", "2011-08-15", 15, ["8/89", "1"]),
    (QUARTERLY, "2011-02-07", "2011-05-10", 7, ["1", "3/92"]),
    (QUARTERLY, "2011-05-10", "2011-11-15", 15, ["5/89", "1", "1"]),
    (QUARTERLY, "2011-01-31", "2011-05-10", 7, ["66/90", "33/91"]),
    (QUARTERLY, "2010-12-15", "2011-06-17", 15, ["1", "1", "2/92"]),
    # quarterly/TestTrailingProRation
    (QUARTERLY, "2010-06-17", "2010-09-25", 17, ["1", "8/91"]),
]


@pytest.mark.parametrize(("length", "start", "end", "day", "shares"), KILL_BILL_CASES)
def test_kill_bill_divides_stubs_by_the_aligned_period(
    length: PeriodLength, start: str, end: str, day: int, shares: list[str]
) -> None:
    """The tests of `KILL_BILL_TESTS`; they give the sum, the comments there the parts."""
    term = days(start, end)
    cycle = cycle_for(term.start, length, presets.KILL_BILL, cycle_day=day)
    periods = billing_periods(term, cycle, presets.KILL_BILL)
    assert [period.share(presets.KILL_BILL) for period in periods] == [
        Fraction(part) for part in shares
    ]


@pytest.mark.parametrize(
    ("start", "end", "actual", "fixed"),
    [
        ("2023-05-23", "2023-06-15", "0.741935484", "0.733333333"),
        ("2023-06-23", "2023-07-15", "0.733333333", "0.733333333"),
    ],
)
def test_kill_bill_with_and_without_fixed_days(
    start: str, end: str, actual: str, fixed: str
) -> None:
    """TestInvoiceDateUtilsWithoutFixedProration and its twin with 30 fixed days; for February
    the twin gives 22/30 too."""
    part = days(start, end)
    whole = BillCycle(length=MONTHLY, anchor=part.start).period(0)
    for convention, expected in (
        (presets.KILL_BILL, actual),
        (presets.KILL_BILL_FIXED_30, fixed),
    ):
        assert f"{float(share(part, whole, MONTHLY, convention)):.9f}" == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [("2023-02-15", "2023-03-01", "1/2"), ("2023-01-15", "2023-02-01", "17/31")],
)
def test_stripe_measures_a_backdated_part_over_a_month_from_its_start(
    start: str, end: str, expected: str
) -> None:
    """docs.stripe.com/billing/subscriptions/backdating, first of the month."""
    stripe = presets.STRIPE
    begin = stripe.moment(date.fromisoformat(start))
    term = Span(start=begin, end=stripe.moment(date.fromisoformat(end)))
    cycle = cycle_for(begin, MONTHLY, stripe, cycle_day=1)
    (stub,) = billing_periods(term, cycle, stripe)
    assert stub.share(stripe) == Fraction(expected)


def test_stripe_bills_the_last_day_of_a_month_that_lacks_the_anchor_day() -> None:
    """docs.stripe.com/billing/subscriptions/billing-cycle: anchor 31 January; Friday 3 June."""
    cycle = BillCycle(length=MONTHLY, anchor=datetime(2023, 1, 31, 12, tzinfo=UTC))
    assert [cycle.boundary(index).isoformat() for index in range(1, 4)] == [
        "2023-02-28T12:00:00+00:00",
        "2023-03-31T12:00:00+00:00",
        "2023-04-30T12:00:00+00:00",
    ]
    leap = BillCycle(length=MONTHLY, anchor=date(2024, 1, 31))
    assert leap.boundary(1) == date(2024, 2, 29)
    weekly = BillCycle(length=WEEKLY, anchor=date(2022, 6, 3))
    assert {weekly.boundary(index).isoweekday() for index in range(-3, 60)} == {5}


def test_lago_bills_the_days_after_a_trial() -> None:
    """doc.getlago.com/docs/guide/plans/plan-model: 50 a month, trial of 5 days from 1 April."""
    april = days("2023-04-01", "2023-05-01")
    due = days("2023-04-06", "2023-05-01")
    assert money(50 * share(due, april, MONTHLY, presets.LAGO)) == "41.67"


def test_zuora_usage_is_prorated_by_actual_days() -> None:
    """docs.zuora.com, "Usage charge proration": 31.00, 15 to 31 January 2023."""
    january, used = days("2023-01-01", "2023-02-01"), days("2023-01-15", "2023-02-01")
    assert money(31 * share(used, january, MONTHLY, presets.ZUORA)) == "17.00"


def test_salesforce_day_precision_is_days_over_365() -> None:
    """community.steelbrick.com, "Subscription Prorate Precision": 830 days."""
    start = date(2017, 1, 1)
    term = Span(start=start, end=start + timedelta(days=830))
    ratio = periods_in(term, ANNUAL, presets.SALESFORCE_CPQ_DAY)
    assert f"{float(ratio):.4f}" == "2.2740"


def test_salesforce_month_precision_rounds_up() -> None:
    """Same page: 1 January 2017 to 10 January 2018 is 13 months; 35 months are 2.9167."""
    month = presets.SALESFORCE_CPQ_MONTH
    assert periods_in(days("2017-01-01", "2018-01-11"), ANNUAL, month) == Fraction(13, 12)
    three = periods_in(days("2017-01-01", "2019-12-01"), ANNUAL, month)
    assert f"{float(three):.4f}" == "2.9167"


def test_salesforce_counts_periods_between_a_day_of_the_month() -> None:
    """help.salesforce.com, pricing_monthly_proration_examples, 1: 90.00, 28 March 2025 to
    4 February 2026 included, day 5: 8/31 and 10 whole months, 923.23."""
    term = days("2025-03-28", "2026-02-05")
    cycle = cycle_for(term.start, MONTHLY, presets.SALESFORCE_CPQ, cycle_day=5)
    count = periods_in(term, MONTHLY, presets.SALESFORCE_CPQ, cycle=cycle)
    assert f"{float(count):.6f}" == "10.258065"
    assert money(90 * count) == "923.23"
