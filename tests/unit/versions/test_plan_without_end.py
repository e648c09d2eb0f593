"""Revenue of a contract without end: planned by billing period, changed within it."""

from __future__ import annotations

from datetime import date

from dealthread.domain.change_order import LineAction
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.revenue import first_schedule, period_schedule
from tests.unit.versions import worked as w


def test_d3_plans_a_contract_without_end_by_billing_period() -> None:
    first = first_schedule(w.d3(), w.config())
    may = period_schedule(w.d3(), w.config(), date(2026, 5, 12))
    assert [(r.month, str(r.amount)) for r in (*first, *may)] == [
        (date(2026, 4, 1), "400.00 GBP"),
        (date(2026, 5, 1), "400.00 GBP"),
    ]


def test_a_new_price_in_a_contract_without_end_replans_the_running_period_alone() -> None:
    before, day = w.d3(), date(2026, 5, 16)
    rows = (*first_schedule(before, w.config()), *period_schedule(before, w.config(), day))
    order = w.amendment(w.line(LineAction.PRICE, unit_price=w.price("500", "GBP")), on=day)
    after = amended(before, order, w.config(), day)
    rows = w.replan(rows, before, after, order, day)
    # 400.00 − 206.45 for 16 of 31 days, and 258.06 at the new price.
    assert w.amounts(rows) == ["400.00", "451.61"]


def test_a_line_added_to_a_contract_without_end_begins_in_the_running_period() -> None:
    before, day = w.d3(), date(2026, 5, 16)
    added = w.line(LineAction.ADD, "L9", product_code="PLAT-M", quantity=1)
    order = w.amendment(added, on=day)
    after = amended(before, order, w.config(), day)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, day)
    assert w.amounts(rows, "L9") == ["206.45"]


def test_states_outside_the_running_period_are_not_planned_in_it() -> None:
    contract = w.d3()
    for day, amount in ((date(2026, 5, 16), "500"), (date(2026, 7, 16), "600")):
        order = w.amendment(w.line(LineAction.PRICE, unit_price=w.price(amount, "GBP")), on=day)
        contract = amended(contract, order, w.config(), day)
    (june,) = period_schedule(contract, w.config(), date(2026, 6, 3))
    assert str(june.amount) == "500.00 GBP"
