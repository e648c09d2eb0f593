"""Which rate a running contract is billed at, and whether a bill bears its day's (PF-18)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from activities.tax_rates import check_rates
from dealthread.domain.receivable import LedgerInvoice
from dealthread.domain.tax.of_day import (
    RateChange,
    billed_until,
    day_billed_next,
    rate_changes,
    retaxed,
)
from dealthread.errors import StepRejected
from tests.support import postings as p
from tests.support.tax_rows import with_new_rate
from tests.unit.versions import worked as w

JULY = date(2026, 7, 1)
CONFIG = with_new_rate(w.config(), "DE-19", "16", JULY)


def bill(on: str, *parts: tuple[str, str]) -> LedgerInvoice:
    """Of Germany, at DE-19: net and tax of each line."""
    lines = (p.line("2300", net, "DE-19", tax, "EUR", key=f"L-{net}") for net, tax in parts)
    return p.invoice("2", p.PENNINE, on, *lines)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 6, 30, 17, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 18, tzinfo=UTC), JULY),
        (datetime(2026, 7, 1, 17, tzinfo=UTC), JULY),
    ],
)
def test_the_biller_has_a_rate_six_hours_ahead(instant: datetime, day: date) -> None:
    assert day_billed_next(instant) == day


def test_a_change_is_seen_from_its_day_on_and_a_first_row_is_none() -> None:
    assert list(rate_changes(w.config(), JULY)) == []
    assert list(rate_changes(CONFIG, date(2026, 6, 30))) == []
    seen = RateChange(seller="DE01", code="DE-19", valid_from=JULY, before=Decimal(19))
    assert list(rate_changes(CONFIG, JULY)) == [seen]
    assert list(rate_changes(CONFIG, date(2027, 7, 1))) == [seen]


def test_a_row_of_the_same_rate_is_no_change() -> None:
    """Another wording, say."""
    same = with_new_rate(w.config(), "DE-19", "19", JULY)
    assert list(rate_changes(same, JULY)) == []


def test_what_runs_is_taxed_at_the_day_and_what_is_over_stays() -> None:
    contract = w.d2()
    before = retaxed(contract, CONFIG, date(2026, 6, 30))
    assert before == contract
    after = retaxed(contract, CONFIG, JULY)
    # 17,760.00 at 16 %.
    assert [(one.tax.applied_rate, one.tax.amount.amount) for one in after.lines] == [
        (Decimal(16), Decimal("2841.60"))
    ]
    (line,) = contract.lines
    over = contract.model_copy(update={"lines": (line.model_copy(update={"end_date": JULY}),)})
    assert retaxed(over, CONFIG, JULY) == over


@pytest.mark.parametrize("third", ["19", "20"])
def test_what_is_billed_until_a_second_change_is_never_what_follows(third: str) -> None:
    """Sold at 19 %, at 16 % from July on, then at 19 % again or at 20 %."""
    new_year, contract = date(2027, 1, 1), w.d2()
    twice = with_new_rate(CONFIG, "DE-19", third, new_year)
    (after,) = retaxed(contract, twice, new_year).lines
    (before,) = billed_until(contract, twice, new_year, "DE-19").lines
    assert after.tax.applied_rate == Decimal(third)
    assert before.tax.applied_rate != after.tax.applied_rate
    assert billed_until(contract, twice, new_year, "GB-20") == contract
    (line,) = contract.lines
    over = contract.model_copy(update={"lines": (line.model_copy(update={"end_date": JULY}),)})
    assert billed_until(over, twice, new_year, "DE-19") == over


def test_a_bill_bears_the_rate_of_its_tax_point() -> None:
    check_rates(bill("2026-06-30", ("100.00", "19.00")), CONFIG)
    check_rates(bill("2026-07-01", ("100.00", "16.00")), CONFIG)
    # The biller may round the parts of a line each by itself.
    check_rates(bill("2026-07-01", ("100.00", "16.01")), CONFIG)


def test_what_gives_back_an_earlier_charge_may_bear_its_rate() -> None:
    check_rates(bill("2026-07-02", ("100.00", "16.00"), ("-50.00", "-9.50")), CONFIG)
    check_rates(bill("2026-07-02", ("100.00", "16.00"), ("-50.00", "-8.00")), CONFIG)


@pytest.mark.parametrize(
    ("on", "parts", "line", "expected"),
    [
        ("2026-07-01", (("100.00", "19.00"),), "L-100.00", "16 %"),
        ("2026-06-30", (("100.00", "16.00"),), "L-100.00", "19 %"),
        ("2026-07-01", (("100.00", "0.00"),), "L-100.00", "16 %"),
        ("2026-06-30", (("100.00", "19.00"), ("-50.00", "-8.00")), "L--50.00", "19 %"),
        ("2020-12-31", (("100.00", "19.00"),), "L-100.00", "none"),
    ],
)
def test_another_rate_is_the_tax_owners(
    on: str, parts: tuple[tuple[str, str], ...], line: str, expected: str
) -> None:
    """DE-19 begins with 2021: before it no rate is known."""
    with pytest.raises(StepRejected) as refused:
        check_rates(bill(on, *parts), CONFIG)
    found = refused.value
    assert (found.case_kind, found.code) == ("tax.difference", "tax_rate_of_another_day")
    assert (found.evidence["line"], found.evidence["expected_rate"]) == (line, expected)
