"""Contracts as the biller has to bill them: charges, phases, intervals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.stripe.plan import Every, plan_of
from dealthread.domain.deal import BillingFrequency, TermKind
from dealthread.domain.money import Money
from dealthread.errors import (
    StepRejected,
)
from tests.adapters.stripe_samples import NOW, recurring
from tests.support import deals


def test_a_plan_holds_each_line_once_per_billing_period() -> None:
    """D1: seats yearly, onboarding once, amounts exact in minor units."""
    plan = plan_of(deals.d1())
    (seats,), (onboarding_fee,) = plan.first.recurring, plan.first.one_time
    assert (seats.unit_amount, seats.quantity, seats.every) == (
        Decimal(27000),
        50,
        Every("year", 1),
    )
    assert str(seats.unit_amount) == "27000"
    assert (onboarding_fee.unit_amount, onboarding_fee.every) == (Decimal(150000), None)
    assert not plan.needs_schedule(NOW)
    assert plan.next_boundary(NOW) == date(2027, 1, 1)
    assert plan.end == date(2027, 1, 1)


def test_a_ramp_has_a_phase_for_each_segment() -> None:
    """D4."""
    plan = plan_of(deals.d4())
    assert [phase.recurring[0].quantity for phase in plan.phases] == [100, 150, 200]
    assert [phase.start.year for phase in plan.phases] == [2026, 2027, 2028]
    assert plan.phases[-1].end == date(2029, 2, 1)
    assert plan.needs_schedule(NOW)


@pytest.mark.parametrize(
    ("frequency", "price", "period", "unit", "every"),
    [
        (BillingFrequency.YEARLY, "300.00", 12, "30000", Every("year", 1)),
        (BillingFrequency.QUARTERLY, "25.00", 1, "7500", Every("month", 3)),
        (BillingFrequency.MONTHLY, "25.00", 1, "2500", Every("month", 1)),
        (BillingFrequency.SEMI_ANNUAL, "25.00", 1, "15000", Every("month", 6)),
        (BillingFrequency.TERM, "25.00", 1, "30000", Every("year", 1)),
        (BillingFrequency.MONTHLY, "0.000000001234", 1, "0.000000123400", Every("month", 1)),
    ],
)
def test_a_price_is_billed_at_the_billing_frequency(
    frequency: BillingFrequency, price: str, period: int, unit: str, every: Every
) -> None:
    """The price pays for its own period; a bill covers a multiple of it."""
    base = deals.d1().model_copy(update={"billing_frequency": frequency})
    charge = plan_of(recurring(base, price, "1", period, "300.00")).first.recurring[0]
    assert charge.unit_amount == Decimal(unit)
    assert charge.every == every


def test_a_term_shorter_than_its_frequency_is_billed_once_for_what_was_committed() -> None:
    """Six months of a yearly price: 181 of 365 days by the contract, one bill."""
    end = date(2026, 7, 1)
    base = deals.d1().model_copy(update={"end_date": end, "committed_until": end})
    charge = plan_of(recurring(base, "300.00", "10", 12, "1487.67")).first.recurring[0]
    assert charge.every == Every("month", 6)
    assert Money.rounded(charge.unit_amount / 100 * 10, "USD") == Money.of("1487.67", "USD")


def test_an_odd_term_is_billed_by_its_days() -> None:
    """45 days, one bill."""
    end = date(2026, 2, 15)
    base = deals.d1().model_copy(update={"end_date": end, "committed_until": end})
    charge = plan_of(recurring(base, "300.00", "1", 12, "36.99")).first.recurring[0]
    assert charge.every == Every("day", 45)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (
            {"billing_frequency": BillingFrequency.TERM, "term_kind": TermKind.EVERGREEN},
            "prepaid_term_without_end",
        ),
        (
            {
                "billing_frequency": BillingFrequency.TERM,
                "end_date": date(2030, 1, 1),
                "committed_until": date(2030, 1, 1),
            },
            "billing_period_longer_than_three_years",
        ),
    ],
)
def test_terms_that_the_biller_cannot_hold_are_refused(changes: dict[str, Any], code: str) -> None:
    """Never billed in another way than agreed."""
    contract = deals.d1().model_copy(update=changes)
    lines = tuple(line.model_copy(update={"end_date": None}) for line in contract.lines)
    with pytest.raises(StepRejected) as refused:
        plan_of(contract.model_copy(update={"lines": lines}))
    assert refused.value.code == code


def test_a_gap_between_segments_is_refused() -> None:
    """V14: segments are contiguous; a biller without items would end the agreement."""
    contract = deals.d4()
    lines = (contract.lines[0], contract.lines[2])
    with pytest.raises(StepRejected) as refused:
        plan_of(contract.model_copy(update={"lines": lines}))
    assert refused.value.code == "gap_without_recurring_line"
