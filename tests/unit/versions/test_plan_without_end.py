"""Revenue of a contract without end: each billing period by rule, changed from a day on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.change_order import ChangeTiming, LineAction
from dealthread.domain.contract import Contract
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.revenue import first_schedule
from dealthread.domain.versions.withdrawn import withdrawn
from dealthread.domain.versions.without_end import continued, planned_until
from tests.support import deal_builder as build
from tests.unit.versions import worked as w

MAY_16 = date(2026, 5, 16)


def through(rows, contract: Contract, day: date, latest: date | None = None):
    return continued(rows, contract, planned_until(contract, latest), day)


def from_mid_month() -> Contract:
    """D3's platform from the 15th on: each period lies in two months."""
    deal = build.d3()
    start = date(2026, 4, 15)
    lines = tuple(
        one.model_copy(update={"start_date": start if one.start_date else None})
        for one in deal.lines
    )
    return w.contract_of(
        deal.model_copy(update={"start_date": start, "lines": lines}), build.D3_TODAY
    )


def repriced(contract: Contract, day: date, amount: str, accepted_on: date | None = None):
    order = w.amendment(
        w.line(LineAction.PRICE, unit_price=w.price(amount, "GBP")),
        on=day,
        accepted_on=accepted_on or day,
    )
    return order, amended(contract, order, w.config(), accepted_on or day)


def test_every_period_of_a_contract_without_end_is_planned_when_it_is_asked_for() -> None:
    contract = w.d3()
    first = first_schedule(contract, w.config())
    assert w.amounts(first) == ["400.00"]
    assert w.by_month(through(first, contract, date(2026, 7, 1))) == {
        date(2026, month, 1): Decimal("400.00") for month in (4, 5, 6, 7)
    }
    assert through(first, contract, date(2026, 4, 30)) == first


def test_three_periods_with_an_amendment_between_come_to_what_is_billed() -> None:
    """400.00, then 193.55 and 258.06 (16 of 31 days at the new price), then 500.00."""
    before = w.d3()
    order, after = repriced(before, MAY_16, "500")
    rows = w.replan(first_schedule(before, w.config()), before, after, order, MAY_16)
    assert w.amounts(through(rows, after, date(2026, 6, 1), MAY_16)) == [
        "400.00",
        "451.61",
        "500.00",
    ]


def test_periods_that_lie_in_two_months_keep_both_parts_through_a_change() -> None:
    """The days of May before the change's period stay as they were planned."""
    before = from_mid_month()
    order, after = repriced(before, date(2026, 5, 20), "500")
    rows = w.replan(first_schedule(before, w.config()), before, after, order, date(2026, 5, 20))
    until = planned_until(after, date(2026, 5, 20))
    assert until == date(2026, 6, 15)
    # Billed: 400.00; 400.00 − 335.48 + 419.35 for 26 of 31 days.
    assert w.total(rows) == Decimal("883.87")
    whole = continued(rows, after, until, date(2026, 6, 15))
    assert w.total(whole) == Decimal("1383.87")
    assert w.amounts(whole)[0] == "213.33"  # 16 of 30 days of the first period


def test_a_change_of_a_day_gone_by_is_planned_into_the_month_in_which_it_was_agreed() -> None:
    before, accepted = w.d3(), date(2026, 7, 3)
    order, after = repriced(before, MAY_16, "500", accepted)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, MAY_16)
    assert w.amounts(rows) == ["400.00", "400.00", "400.00", "651.61"]
    assert w.amounts(through(rows, after, date(2026, 8, 1), accepted))[-1] == "500.00"


def test_two_changes_in_one_period_add_up() -> None:
    contract = w.d3()
    rows, until = first_schedule(contract, w.config()), planned_until(contract)
    for day, amount in ((date(2026, 5, 11), "500"), (date(2026, 5, 21), "400")):
        before = contract
        order, contract = repriced(before, day, amount)
        rows, until = (
            w.replan(rows, before, contract, order, day, until),
            planned_until(contract, day),
        )
    # 10, 10 and 11 of 31 days: 129.03 + 161.29 + 141.94.
    assert w.amounts(continued(rows, contract, until, date(2026, 6, 1))) == [
        "400.00",
        "432.26",
        "400.00",
    ]


def test_a_line_added_to_a_contract_without_end_begins_in_the_running_period() -> None:
    before = w.d3()
    added = w.line(LineAction.ADD, "L9", product_code="PLAT-M", quantity=1)
    order = w.amendment(added, on=MAY_16)
    after = amended(before, order, w.config(), MAY_16)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, MAY_16)
    assert w.amounts(rows, "L9") == ["206.45"]
    assert w.amounts(rows, "L1") == ["400.00", "400.00"]
    assert w.amounts(through(rows, after, date(2026, 6, 1), MAY_16), "L9") == ["206.45", "400.00"]


@pytest.mark.parametrize(
    ("credit", "amounts"), [(True, ["400.00", "193.55"]), (False, ["400.00", "400.00"])]
)
def test_an_end_leaves_what_was_served_or_what_was_paid(credit: bool, amounts: list[str]) -> None:
    before = w.d3()
    order = w.cancellation(accepted_on=MAY_16, credit_unused=credit)
    after = ended(before, order, MAY_16)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, MAY_16)
    assert w.amounts(through(rows, after, date(2026, 9, 1), MAY_16)) == amounts


def test_an_end_that_is_taken_back_before_its_day_leaves_the_plan_as_it_was() -> None:
    contract = w.d3()
    order = w.cancellation(
        ChangeTiming.ON_DATE, accepted_on=MAY_16, effective_from=date(2026, 7, 1)
    )
    after = ended(contract, order, MAY_16)
    on = date(2026, 7, 1)
    rows = w.replan(first_schedule(contract, w.config()), contract, after, order, on)
    assert w.amounts(through(rows, after, date(2026, 9, 1), on)) == ["400.00"] * 3
    again = withdrawn(after, contract, after.version, date(2026, 6, 2))
    back = w.withdrawal(date(2026, 6, 2))
    rows = w.replan(rows, after, again, back, date(2026, 6, 2), planned_until(after, on))
    assert w.amounts(through(rows, again, date(2026, 9, 1), on)) == ["400.00"] * 6


def test_states_outside_a_period_are_not_planned_in_it() -> None:
    contract = w.d3()
    for day, amount in ((MAY_16, "500"), (date(2026, 7, 16), "600")):
        _, contract = repriced(contract, day, amount)
    june: tuple[RevenuePlanRow, ...] = continued((), contract, date(2026, 6, 1), date(2026, 6, 3))
    assert w.amounts(june) == ["500.00"]
