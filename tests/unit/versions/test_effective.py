"""When changes take effect (`facts/domain.md` §3.2), and which of them wait."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.change_order import ChangeTiming
from dealthread.domain.deal import BillingFrequency, BillingTiming
from dealthread.domain.versions.effective import effective_date, hold_until, is_boundary
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.renewed import renewed
from dealthread.domain.versions.terms import BillingTerms, billing_terms
from tests.unit.versions import worked as w

TODAY = date(2026, 5, 10)


@pytest.mark.parametrize(
    ("timing", "on"),
    [
        (ChangeTiming.NOW, TODAY),
        (ChangeTiming.PERIOD_END, date(2026, 6, 1)),
        (ChangeTiming.TERM_END, date(2027, 1, 1)),
    ],
)
def test_a_timing_names_a_day(timing: ChangeTiming, on: date) -> None:
    assert effective_date(w.monthly(), w.amendment(timing=timing), TODAY) == on


def test_a_given_day_is_taken_and_a_missing_one_refused() -> None:
    assert effective_date(w.d1(), w.amendment(on=w.JULY), TODAY) == w.JULY
    with pytest.raises(OrderRefused, match="date_missing"):
        effective_date(w.d1(), w.amendment(timing=ChangeTiming.ON_DATE), TODAY)


def test_a_rescission_reaches_back_to_the_start() -> None:
    assert effective_date(w.d1(), w.cancellation(**w.RESCISSION), TODAY) == date(2026, 1, 1)


def test_a_contract_without_end_has_no_term_end_but_periods() -> None:
    with pytest.raises(OrderRefused, match="no_such_day"):
        effective_date(w.d3(), w.cancellation(ChangeTiming.TERM_END), TODAY)
    order = w.cancellation(ChangeTiming.PERIOD_END)
    assert effective_date(w.d3(), order, TODAY) == date(2026, 6, 1)


def test_the_next_period_of_a_prepaid_term_is_the_next_term() -> None:
    order = w.amendment(timing=ChangeTiming.PERIOD_END)
    assert effective_date(w.d5(), order, date(2026, 7, 1)) == date(2028, 6, 1)


def test_before_the_start_the_next_boundary_is_the_start_and_after_the_end_none() -> None:
    terms = billing_terms(w.d1())
    assert terms.next_boundary(date(2025, 12, 20)) == date(2026, 1, 1)
    assert terms.next_boundary(date(2027, 1, 1)) is None
    assert not terms.is_boundary(date(2025, 12, 1))
    assert not terms.is_boundary(date(2028, 1, 1))


def test_a_day_inside_a_period_to_come_is_waited_for() -> None:
    contract = w.monthly()
    held = date(2026, 6, 15)
    assert hold_until(contract, w.amendment(on=held), TODAY) == held
    assert hold_until(contract, w.amendment(on=date(2026, 6, 1)), TODAY) is None
    assert hold_until(contract, w.amendment(on=TODAY), TODAY) is None
    assert hold_until(contract, w.amendment(on=date(2026, 5, 1)), TODAY) is None


def test_period_starts_and_the_term_end_are_boundaries() -> None:
    assert is_boundary(w.monthly(), date(2026, 2, 1))
    assert not is_boundary(w.monthly(), date(2026, 2, 2))
    assert is_boundary(w.d2(), date(2027, 3, 15))
    assert not is_boundary(w.d2(), w.SEPTEMBER)


def test_month_ends_do_not_drift() -> None:
    terms = BillingTerms((date(2026, 1, 31),), date(2027, 1, 31), 1, BillingTiming.ADVANCE)
    assert terms.next_boundary(date(2026, 2, 1)) == date(2026, 2, 28)
    assert terms.next_boundary(date(2026, 2, 28)) == date(2026, 3, 31)


def test_a_term_that_the_anchor_does_not_reach_is_counted_from_its_own_start() -> None:
    starts = (date(2026, 1, 1), date(2027, 2, 10))
    terms = BillingTerms(starts, date(2028, 2, 10), 12, BillingTiming.ADVANCE)
    assert terms.period_at(date(2027, 1, 15)).end == date(2027, 2, 10)
    assert terms.period_at(date(2027, 3, 1)).start == date(2027, 2, 10)


def test_a_renewed_contract_has_the_boundaries_of_both_terms() -> None:
    contract = renewed(w.d2(), w.renewal(term_months=6), w.config(), date(2027, 2, 1))
    assert is_boundary(contract, date(2027, 3, 15))
    assert is_boundary(contract, date(2027, 9, 15))


def test_a_prepaid_term_without_end_has_no_periods() -> None:
    contract = w.d3().model_copy(update={"billing_frequency": BillingFrequency.TERM})
    assert not is_boundary(contract, date(2026, 4, 1))
    assert billing_terms(contract).next_boundary(TODAY) is None
    with pytest.raises(ValueError, match="no end"):
        billing_terms(contract).period_at(TODAY)
