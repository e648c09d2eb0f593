"""Issue 4, point 2: zones, clock changes, spans; conventions that are named or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given

from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.knobs import DayCount, LongPeriod, PeriodEnd
from dealthread.domain.periods.length import ANNUAL, MONTHLY, WEEKLY, years
from dealthread.domain.periods.measure import share
from dealthread.domain.periods.moment import Span, start_of, zone_of
from dealthread.domain.rounding import money_of
from tests.unit.money.period_strategies import CONVENTIONS, terms


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
