"""Issue 4, point 3: what a billing run bills of a contract that changed."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import ChangePlan
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.knobs import Rounding
from dealthread.domain.periods.length import MONTHLY
from tests.unit.money.amending import DAYS, JUNE, billed, june, on, run, seats


def test_a_free_line_credits_and_charges_nothing() -> None:
    free = billed("0", JUNE, None, MONTHLY, DAYS)
    assert run(free, seats(11, 5)).lines == ()
    assert bill_due(free, key="B", as_of=date(2026, 7, 1), convention=DAYS).lines == ()


def test_in_arrears_nothing_is_credited_and_the_period_is_billed_in_its_parts() -> None:
    standing = june().model_copy(update={"items": ()})
    change = amend(
        standing,
        [seats(11, 12)],
        key="A1",
        as_of=on(11),
        convention=DAYS,
        timing=BillingTiming.ARREARS,
    )
    assert change.lines == ()
    bill = bill_due(
        change.standing,
        key="B1",
        as_of=date(2026, 7, 1),
        convention=DAYS,
        timing=BillingTiming.ARREARS,
    )
    assert [str(line.amount.amount) for line in bill.lines] == ["100.00", "240.00"]
    again = bill_due(
        bill.standing,
        key="B2",
        as_of=date(2026, 7, 31),
        convention=DAYS,
        timing=BillingTiming.ARREARS,
    )
    assert again.lines == ()


def test_a_run_bills_every_period_that_is_due_and_not_billed() -> None:
    bill = bill_due(june(), key="B1", as_of=date(2026, 8, 2), convention=DAYS)
    assert [(line.item_key, str(line.span.start)) for line in bill.lines] == [
        ("B1/1", "2026-07-01"),
        ("B1/2", "2026-08-01"),
    ]
    early = bill_due(
        june().model_copy(update={"items": ()}), key="B", as_of=date(2026, 5, 1), convention=DAYS
    )
    assert early.lines == ()


@pytest.mark.parametrize(
    ("rounding", "total"), [(Rounding.CUMULATIVE, "10.00"), (Rounding.PER_LINE, "9.90")]
)
def test_cumulative_rounding_makes_the_parts_of_a_period_add_up(
    rounding: Rounding, total: str
) -> None:
    """10.00 for 30 days, another product at the same price each day: 30 parts of 0.33."""
    rule = DAYS.named("rule", rounding=rounding)
    price = UnitPrice.of("10.00", "USD")
    daily = [
        ChangePlan(line_key="L1", effective=on(day), product=f"P{day}", unit_price=price)
        for day in range(2, 31)
    ]
    standing = billed("10.00", JUNE, None, MONTHLY, rule)
    standing = standing.model_copy(update={"items": (), "changes": tuple(daily)})
    bill = bill_due(
        standing, key="B", as_of=date(2026, 7, 1), convention=rule, timing=BillingTiming.ARREARS
    )
    assert len(bill.lines) == 30
    assert str(Money.total((line.amount for line in bill.lines), "USD").amount) == total
