"""Deferred revenue, posting dates and journals."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from dealthread.domain.money import Money
from dealthread.domain.revenue.deferred import roll_forward
from dealthread.domain.revenue.journal import Journal, JournalLine, Side, entry, recognised
from dealthread.domain.revenue.posting import (
    AccountingPeriod,
    DocumentDates,
    PeriodState,
    moved,
    posting_for,
)
from dealthread.domain.revenue.schedule import schedule

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def period(start: date, end: date, state: PeriodState) -> AccountingPeriod:
    return AccountingPeriod(start=start, end=end, state=state)


BOOKS = [
    period(date(2025, 11, 1), date(2025, 12, 1), PeriodState.YEAR_CLOSED),
    period(date(2025, 12, 1), JAN, PeriodState.CLOSED),
    period(FEB, date(2026, 3, 1), PeriodState.OPEN),
    period(JAN, FEB, PeriodState.OPEN),
]


def test_an_open_period_is_posted_into() -> None:
    found = posting_for(date(2026, 1, 9), eur("5000"), BOOKS, eur("100"))
    assert (found.posting_date, found.reason) == (date(2026, 1, 9), "")


@pytest.mark.parametrize("amount", ["99.99", "-99.99"])
def test_a_closed_period_moves_a_small_posting_to_the_next_open_day(amount: str) -> None:
    # deal S4 of the fact sheet: 2025-12-15 is posted on 2026-01-01
    found = posting_for(date(2025, 12, 15), eur(amount), BOOKS, eur("100"))
    assert found.posting_date == JAN
    assert "closed" in found.reason


@pytest.mark.parametrize(
    ("day", "amount", "reason"),
    [
        (date(2025, 12, 15), "100.00", "not below"),
        (date(2025, 12, 15), "-100.00", "not below"),
        (date(2025, 11, 15), "1", "the year"),
        (date(2027, 1, 1), "1", "no accounting period"),
    ],
)
def test_otherwise_the_controller_decides(day: date, amount: str, reason: str) -> None:
    found = posting_for(day, eur(amount), BOOKS, eur("100"))
    assert found.needs_controller
    assert reason in found.reason


def test_without_an_open_period_the_controller_decides() -> None:
    found = posting_for(date(2025, 12, 15), eur("1"), BOOKS[:2], eur("100"))
    assert "no period after" in found.reason


def dates() -> DocumentDates:
    return DocumentDates(
        finalised_at=datetime(2025, 12, 15, 9, tzinfo=UTC),
        issue_date=date(2025, 12, 15),
        tax_point=date(2025, 12, 15),
        posting_date=date(2025, 12, 15),
        service_start=date(2025, 12, 15),
        service_end=date(2026, 12, 15),
    )


def test_only_the_posting_date_moves() -> None:
    found = moved(dates(), posting_for(date(2025, 12, 15), eur("1"), BOOKS, eur("100")))
    assert found == dates().model_copy(update={"posting_date": JAN})
    waits = posting_for(date(2025, 11, 15), eur("1"), BOOKS, eur("100"))
    with pytest.raises(ValueError, match="posting_date"):
        moved(dates(), waits)


def test_dates_that_contradict_are_refused() -> None:
    with pytest.raises(ValidationError, match="service_end"):
        DocumentDates.model_validate(dates().model_dump() | {"service_end": date(2025, 1, 1)})
    with pytest.raises(ValidationError, match="end"):
        period(JAN, JAN, PeriodState.OPEN)


def test_months_without_a_movement_stay_in_the_roll_forward() -> None:
    rows = roll_forward(eur("10"), [(JAN, eur("5"))], {date(2026, 3, 1): eur("12")})
    assert [str(row.closing.amount) for row in rows] == ["15.00", "15.00", "3.00"]
    assert roll_forward(eur("10"), [], {}) == ()


def test_what_is_written_off_leaves_deferred_revenue() -> None:
    rows = roll_forward(eur("10"), [], {}, [(JAN, eur("4"))])
    assert rows[0].closing == eur("6")
    assert next(rows[0].working().lines()).startswith(
        "deferred revenue at the end of 2026-01 = 6.00 EUR"
    )


def line(entity: str, side: Side, amount: Money) -> JournalLine:
    return JournalLine(legal_entity=entity, account="1000", side=side, amount=amount)


@pytest.mark.parametrize(
    "lines",
    [
        (line("A", Side.DEBIT, eur("1")), line("A", Side.CREDIT, eur("2"))),
        (line("A", Side.DEBIT, eur("1")), line("B", Side.CREDIT, eur("1"))),
        (line("A", Side.DEBIT, eur("1")), line("A", Side.CREDIT, Money.of(1, "USD"))),
    ],
)
def test_each_entity_and_currency_balances_alone(lines: tuple[JournalLine, ...]) -> None:
    with pytest.raises(ValidationError, match="does not balance"):
        Journal(posting_date=JAN, what="wrong", lines=lines)


def test_a_line_is_never_below_zero() -> None:
    with pytest.raises(ValidationError, match="other side"):
        line("A", Side.DEBIT, eur("-1"))


def test_a_side_below_zero_changes_side_and_nothing_is_left_out() -> None:
    made = entry(
        "A", JAN, "x", [("1", eur("-5")), ("2", eur("0"))], [("3", eur("-7")), ("4", eur("2"))]
    )
    assert [(one.account, one.side) for one in made.lines] == [
        ("1", Side.CREDIT),
        ("3", Side.DEBIT),
        ("4", Side.CREDIT),
    ]


def test_an_obligation_without_an_account_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^accounts: none for seats"):
        recognised("A", [schedule("seats", eur("1"), JAN, FEB)], {}, deferred="2300")
