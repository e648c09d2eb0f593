"""Issue 4, point 2: billing periods, cycle days, stubs, zones and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money
from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.knobs import (
    CycleDay,
    DayCount,
    LongPeriod,
    PeriodEnd,
    Remainder,
    Rounding,
)
from dealthread.domain.periods.length import (
    ANNUAL,
    DAILY,
    MONTHLY,
    QUARTERLY,
    SEMI_ANNUAL,
    WEEKLY,
    PeriodLength,
    years,
)
from dealthread.domain.periods.measure import periods_in, share
from dealthread.domain.periods.moment import Span, start_of, zone_of
from dealthread.domain.periods.parts import split
from dealthread.domain.periods.schedule import (
    CycleChange,
    PeriodKind,
    billing_periods,
    coterminate,
    period_at,
    periods_with_changes,
)
from dealthread.domain.rounding import RoundingMode, money_of

PLAIN = Convention(name="plain")
DATES = st.dates(date(2019, 1, 1), date(2032, 12, 31))
LENGTHS = st.sampled_from([DAILY, WEEKLY, MONTHLY, QUARTERLY, SEMI_ANNUAL, ANNUAL, years(3)])
CONVENTIONS = st.sampled_from(list(presets.PRESETS.values()))
DAY_CONVENTIONS = st.sampled_from([c for c in presets.PRESETS.values() if not c.counts_seconds])


@st.composite
def cycles(draw: st.DrawFn) -> BillCycle:
    length = draw(LENGTHS)
    day = draw(st.none() | st.integers(1, 31)) if length.months else None
    return BillCycle(length=length, anchor=draw(DATES), day=day)


@st.composite
def terms(draw: st.DrawFn, most: int = 1500) -> Span:
    start = draw(DATES)
    return Span(start=start, end=start + timedelta(days=draw(st.integers(1, most))))


@given(cycles(), terms(), CONVENTIONS)
def test_the_periods_of_a_term_follow_one_another_and_cover_it(
    cycle: BillCycle, term: Span, convention: Convention
) -> None:
    periods = billing_periods(term, cycle, convention)
    assert periods[0].span.start == term.start
    assert periods[-1].span.end == term.end
    assert [p.number for p in periods] == list(range(1, len(periods) + 1))
    for before, after in pairwise(periods):
        assert before.span.end == after.span.start
    for period in periods:
        assert period.whole.start <= period.span.start < period.span.end <= period.whole.end
        assert (period.kind is PeriodKind.FULL) is (period.span == period.whole) or (
            period.kind is PeriodKind.LEADING_STUB
        )
    assert all(p.kind is PeriodKind.FULL for p in periods[1:-1])


@given(cycles(), DATES)
def test_every_day_lies_in_exactly_one_whole_period(cycle: BillCycle, day: date) -> None:
    index = cycle.index_at(day)
    assert cycle.boundary(index) <= day < cycle.boundary(index + 1)
    assert cycle.period_at(day).holds(day)


@given(st.integers(1, 31), DATES, st.integers(-40, 40))
def test_a_month_end_does_not_drift(day: int, anchor: date, index: int) -> None:
    cycle = BillCycle(length=MONTHLY, anchor=anchor, day=day)
    found = cycle.boundary(index)
    following = found + timedelta(days=1)
    assert found.day == day or (found.day < day and following.month != found.month)


@given(DAY_CONVENTIONS, st.sampled_from([MONTHLY, QUARTERLY, ANNUAL]), DATES, st.data())
def test_the_shares_of_a_cut_period_add_up_to_the_whole(
    convention: Convention, length: PeriodLength, anchor: date, data: st.DataObject
) -> None:
    """Exactly, for every day count whose parts add up; the others are the remark of `share`."""
    whole = BillCycle(length=length, anchor=anchor).period(0)
    cut = anchor + timedelta(days=data.draw(st.integers(1, whole.size - 1)))
    shares = [
        share(Span(start=whole.start, end=cut), whole, length, convention, cycle_day=anchor.day),
        share(Span(start=cut, end=whole.end), whole, length, convention, cycle_day=anchor.day),
    ]
    if convention.long_period is LongPeriod.MONTHS_UP:
        assert 1 <= sum(shares) <= 1 + Fraction(1, length.months)
    elif convention.day_count in (DayCount.ALIGNED_PERIOD, DayCount.ACTUAL_MONTH):
        assert sum(shares) == 1
    else:
        assert abs(sum(shares) - 1) < Fraction(1, 12)
    assert all(part >= 0 for part in shares)


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.integers(0, 400), min_size=1, max_size=12).filter(any),
    st.sampled_from(list(Rounding)),
    st.sampled_from(list(RoundingMode)),
    st.sampled_from(list(Remainder)),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_the_parts_of_an_amount_add_up_to_it(
    minor: int,
    weights: list[int],
    rounding: Rounding,
    mode: RoundingMode,
    remainder: Remainder,
    currency: str,
) -> None:
    amount = Money.from_minor(minor, currency)
    rule = PLAIN.named("rule", rounding=rounding, rounding_mode=mode, remainder=remainder)
    shares = [Fraction(weight) for weight in weights]
    parts = split(amount, shares, rule, full=[weight > 30 for weight in weights])
    assert Money.total(parts, currency) == amount
    assert len(parts) == len(weights)


@pytest.mark.parametrize(
    ("remainder", "expected"),
    [
        (Remainder.FIRST, ["3.34", "3.33", "3.33"]),
        (Remainder.LAST, ["3.33", "3.33", "3.34"]),
        (Remainder.LAST_FULL, ["3.33", "3.34", "3.33"]),
    ],
)
def test_the_remainder_goes_where_the_convention_says(
    remainder: Remainder, expected: list[str]
) -> None:
    rule = PLAIN.named("rule", remainder=remainder)
    parts = split(Money.of(10, "USD"), [Fraction(1)] * 3, rule, full=[True, True, False])
    assert [str(part.amount) for part in parts] == expected


def test_the_largest_part_takes_the_remainder() -> None:
    rule = PLAIN.named("rule", rounding_mode=RoundingMode.DOWN, remainder=Remainder.LARGEST)
    parts = split(Money.of(1, "JPY"), [Fraction(1), Fraction(2), Fraction(2)], rule)
    assert [int(part.amount) for part in parts] == [0, 1, 0]


def test_cumulative_rounding_spreads_the_cents() -> None:
    parts = split(Money.of(1, "USD"), [Fraction(1)] * 3, PLAIN.named("rule", rounding="cumulative"))
    assert [str(part.amount) for part in parts] == ["0.33", "0.34", "0.33"]


@pytest.mark.parametrize("weights", [[], [Fraction(0)], [Fraction(2), Fraction(-1)]])
def test_weights_that_mean_nothing_are_refused(weights: list[Fraction]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(Money.of(1, "USD"), weights, PLAIN)


def test_the_period_of_a_day_is_the_one_in_the_row() -> None:
    term = Span(start=date(2026, 1, 20), end=date(2026, 4, 3))
    cycle = cycle_for(term.start, MONTHLY, PLAIN, cycle_day=1)
    row = billing_periods(term, cycle, PLAIN)
    for day in range(term.size):
        moment = term.start + timedelta(days=day)
        found = period_at(moment, term, cycle, PLAIN)
        assert found == next(period for period in row if period.span.holds(moment))
    with pytest.raises(ValueError, match="moment"):
        period_at(term.end, term, cycle, PLAIN)


def test_in_arrears_a_period_is_billed_at_its_end() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 3, 1))
    cycle = cycle_for(term.start, MONTHLY, PLAIN)
    ahead = billing_periods(term, cycle, PLAIN)
    behind = billing_periods(term, cycle, PLAIN, timing=BillingTiming.ARREARS)
    assert [period.bill_at for period in ahead] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert [period.bill_at for period in behind] == [date(2026, 2, 1), date(2026, 3, 1)]


def test_a_term_inside_one_period_is_short_at_both_ends() -> None:
    term = Span(start=date(2026, 1, 10), end=date(2026, 1, 20))
    cycle = cycle_for(term.start, MONTHLY, PLAIN, cycle_day=1)
    (period,) = billing_periods(term, cycle, PLAIN)
    assert period.kind is PeriodKind.SHORT
    assert period.share(PLAIN) == Fraction(10, 31)
    half = Span(start=date(2026, 1, 10), end=date(2026, 1, 15))
    assert period.share(PLAIN, half) == Fraction(5, 31)


def test_the_leading_stub_reaches_the_next_cycle_day_or_jumps_a_whole_period() -> None:
    start = date(2026, 1, 20)
    near = cycle_for(start, QUARTERLY, PLAIN, cycle_day=15)
    far = cycle_for(start, QUARTERLY, presets.KILL_BILL, cycle_day=15)
    assert near.anchor == date(2026, 2, 15)
    assert far.anchor == date(2026, 4, 15)
    assert cycle_for(date(2026, 1, 15), QUARTERLY, PLAIN, cycle_day=15).anchor == date(2026, 1, 15)


def test_a_fixed_day_must_be_given() -> None:
    assert presets.ZUORA.cycle_day is CycleDay.FIXED_DAY
    with pytest.raises(ValueError, match="cycle_day"):
        cycle_for(date(2026, 1, 1), MONTHLY, presets.ZUORA)
    assert cycle_for(date(2026, 1, 1), WEEKLY, presets.ZUORA).length is WEEKLY


def test_a_change_of_the_cycle_day_cuts_the_running_period_and_leads_to_the_new_day() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 4, 20))
    periods = periods_with_changes(
        term,
        cycle_for(term.start, MONTHLY, PLAIN),
        PLAIN,
        [CycleChange(effective=date(2026, 2, 10), cycle_day=20)],
    )
    assert [(p.number, p.span.start, p.span.end, p.kind, p.share(PLAIN)) for p in periods] == [
        (1, date(2026, 1, 1), date(2026, 2, 1), PeriodKind.FULL, 1),
        (2, date(2026, 2, 1), date(2026, 2, 10), PeriodKind.TRAILING_STUB, Fraction(9, 28)),
        (3, date(2026, 2, 10), date(2026, 2, 20), PeriodKind.LEADING_STUB, Fraction(10, 31)),
        (4, date(2026, 2, 20), date(2026, 3, 20), PeriodKind.FULL, 1),
        (5, date(2026, 3, 20), date(2026, 4, 20), PeriodKind.FULL, 1),
    ]


def test_changes_of_the_cycle_day_come_in_order_inside_the_term() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2026, 4, 20))
    for wrong in (date(2026, 1, 1), date(2026, 5, 1)):
        with pytest.raises(ValueError, match="effective"):
            periods_with_changes(
                term,
                cycle_for(term.start, MONTHLY, PLAIN),
                PLAIN,
                [CycleChange(effective=wrong, cycle_day=20)],
            )


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6), cycles(), CONVENTIONS)
def test_coterminated_lines_share_one_end(
    offsets: list[int], cycle: BillCycle, convention: Convention
) -> None:
    end = date(2028, 3, 1)
    starts = [end - timedelta(days=1 + offset) for offset in offsets]
    lines = coterminate(starts, end, cycle, convention)
    assert {line[-1].span.end for line in lines} == {end}
    assert [line[0].span.start for line in lines] == starts


def test_local_midnight_makes_a_half_year_an_hour_longer() -> None:
    """facts: the reduction of deal D2 counts from 15 September 2026 to 15 March 2027."""
    local = presets.STRIPE.named("local", day_zone="customer")
    start, change, end = date(2026, 3, 15), date(2026, 9, 15), date(2027, 3, 15)
    utc = [presets.STRIPE.moment(day, "Europe/Berlin") for day in (start, change, end)]
    berlin = [local.moment(day, "Europe/Berlin") for day in (start, change, end)]
    assert Span(start=utc[1], end=utc[2]).size == 181 * 86_400
    assert Span(start=berlin[1], end=berlin[2]).size == 181 * 86_400 + 3_600
    assert Span(start=berlin[0], end=berlin[2]).size == 365 * 86_400
    for moments, credit in ((utc, "2201.75"), (berlin, "2202.26")):
        whole = Span(start=moments[0], end=moments[2])
        left = Span(start=moments[1], end=moments[2])
        unused = money_of(4440 * share(left, whole, ANNUAL, local), "EUR")
        assert str(unused.amount) == credit


def test_an_instant_falls_on_the_customers_day_or_on_that_of_utc() -> None:
    late = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert presets.LAGO.moment(late, "Europe/Berlin") == date(2026, 7, 1)
    assert presets.ZUORA.moment(late, "Europe/Berlin") == date(2026, 6, 30)
    assert presets.ZUORA.moment(date(2026, 6, 30)) == date(2026, 6, 30)
    assert presets.STRIPE.moment(late) == late


def test_a_cycle_of_instants_keeps_its_local_hour_over_a_clock_change() -> None:
    anchor = start_of(date(2026, 3, 1), zone_of("Europe/Berlin"))
    cycle = BillCycle(length=MONTHLY, anchor=anchor, zone="Europe/Berlin")
    assert cycle.boundary(0) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert cycle.boundary(1) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert cycle.cycle_day == 1
    assert cycle.period(0).size == 31 * 86_400 - 3_600
    assert cycle.index_at(datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC)) == 0
    assert cycle.index_at(datetime(2026, 3, 31, 22, tzinfo=UTC)) == 1


def test_midnight_that_a_clock_change_removes_is_the_first_instant_after_it() -> None:
    """Beirut went from 00:00 to 01:00 on 2022-03-27."""
    found = start_of(date(2022, 3, 27), zone_of("Asia/Beirut"))
    assert found == datetime(2022, 3, 26, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        (presets.ZUORA, Fraction(2 * 31 + 17, 93)),
        (presets.ZUORA_ACTUAL_360, Fraction(2 * 30 + 17, 90)),
        (presets.ZUORA_STRICT_360, Fraction(2 * 30 + 16, 90)),
        (presets.ZUORA_BY_DAY, Fraction(78, 92)),
        (presets.ZUORA_BY_DAY_360, Fraction(78, 90)),
        (presets.SALESFORCE_CPQ_MONTH, Fraction(1)),
        (presets.SALESFORCE_CPQ_DAY, Fraction(78 * 12, 365 * 3)),
        (presets.KILL_BILL_FIXED_30, Fraction(76, 90)),
        (PLAIN.named("year", day_count="year_actual"), Fraction(78 * 12, 365 * 3)),
        (PLAIN.named("strict", day_count="thirty_360"), Fraction(76, 90)),
    ],
)
def test_a_part_of_a_quarter_by_each_count(convention: Convention, expected: Fraction) -> None:
    """1 October to 1 January, of which 15 October on: 17 + 30 + 31 days."""
    quarter = Span(start=date(2014, 10, 1), end=date(2015, 1, 1))
    left = Span(start=date(2014, 10, 15), end=date(2015, 1, 1))
    assert share(left, quarter, QUARTERLY, convention) == expected


def test_thirty_fixed_days_never_cost_more_than_the_whole() -> None:
    january = Span(start=date(2026, 1, 1), end=date(2026, 2, 1))
    most = Span(start=date(2026, 1, 1), end=date(2026, 1, 31))
    assert share(most, january, MONTHLY, presets.KILL_BILL_FIXED_30) == 1


def test_a_part_outside_the_whole_is_refused() -> None:
    january = Span(start=date(2026, 1, 1), end=date(2026, 2, 1))
    for part in (
        Span(start=date(2025, 12, 31), end=date(2026, 1, 2)),
        Span(start=date(2026, 1, 31), end=date(2026, 2, 2)),
    ):
        with pytest.raises(ValueError, match="part"):
            share(part, january, MONTHLY, PLAIN)


def test_terms_are_counted_in_price_periods() -> None:
    term = Span(start=date(2026, 1, 1), end=date(2027, 7, 1))
    assert periods_in(term, ANNUAL, PLAIN) == 1 + Fraction(181, 365)
    assert periods_in(term, ANNUAL, presets.ZUORA) == Fraction(3, 2)
    assert periods_in(term, WEEKLY, PLAIN) == Fraction(546, 7)
    seconds = Span(
        start=presets.STRIPE.moment(term.start), end=presets.STRIPE.moment(date(2026, 1, 16))
    )
    assert periods_in(seconds, MONTHLY, presets.STRIPE) == Fraction(15, 31)
    assert seconds.unit == "seconds"
    assert term.unit == "days"


def test_lengths_and_spans_read_as_a_person_says_them() -> None:
    assert str(MONTHLY) == "1 month"
    assert str(years(2)) == "24 months"
    assert str(WEEKLY) == "1 week"
    assert MONTHLY.days == 0
    assert WEEKLY.days == 7
    assert "end not included" in str(Span(start=date(2026, 1, 1), end=date(2026, 2, 1)))


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (date(2026, 1, 2), date(2026, 1, 2), "not after the start"),
        (date(2026, 1, 2), date(2026, 1, 1), "not after the start"),
        (date(2026, 1, 2), datetime(2026, 2, 1, tzinfo=UTC), "of days or of instants"),
        (datetime(2026, 1, 2), datetime(2026, 2, 1), "without a zone"),  # noqa: DTZ001
        (
            datetime(2026, 1, 2, microsecond=1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
            "parts",
        ),
    ],
)
def test_spans_that_mean_nothing_are_refused(start: date, end: date, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Span(start=start, end=end)


@given(terms(), CONVENTIONS)
def test_spans_keep_their_kind_through_json(term: Span, convention: Convention) -> None:
    counted = Span(start=convention.moment(term.start), end=convention.moment(term.end))
    assert Span.model_validate_json(counted.model_dump_json()) == counted
    assert Convention.model_validate_json(convention.model_dump_json()) == convention


def test_presets_are_found_by_name_and_variants_are_checked() -> None:
    assert presets.convention_named("zuora") is presets.ZUORA
    with pytest.raises(ValueError, match="convention"):
        presets.convention_named("nobody")
    with pytest.raises(ValueError, match="day_count"):
        presets.STRIPE.named("wrong", day_count=DayCount.ACTUAL_360)
    with pytest.raises(ValueError, match="long_period"):
        presets.STRIPE.named("wrong", long_period=LongPeriod.MONTHS_THEN_DAYS)
    assert presets.STRIPE.period_end is PeriodEnd.TO_THE_SECOND


def test_zones_and_cycle_days_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone_of("Mars/Base")
    with pytest.raises(ValueError, match="day: only a cycle of months"):
        BillCycle(length=WEEKLY, anchor=date(2026, 1, 1), day=3)
    with pytest.raises(ValueError, match="less than or equal to 31"):
        BillCycle(length=MONTHLY, anchor=date(2026, 1, 1), day=32)
