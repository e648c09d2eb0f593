"""Revenue by month after lines of a running term change (`facts/domain.md` §9.7)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.change_order import ChangeTiming, LineAction
from dealthread.domain.revenue.modification import Change, ChangeKind, Decision, Treatment, decide
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.revenue import first_schedule, replanned, unscheduled
from dealthread.domain.versions.treatment import treatments
from tests.unit.versions import worked as w


def test_d1_amendment_is_an_obligation_of_its_own_and_leaves_the_old_untouched() -> None:
    before, order = w.d1(), w.amendment(w.quantity(70), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert w.amounts(rows, "L1") == w.SEATS_D1
    assert w.amounts(rows, "L1/A2") == "458.63 458.63 443.84 458.63 443.84 458.62".split()
    assert {row.treatment for row in rows if row.obligation == "L1/A2"} == {"separate_contract"}


def test_d2_reduction_spreads_what_is_left_over_the_rest_of_the_term() -> None:
    before, rows = w.d2(), first_schedule(w.d2(), w.config())
    order = w.amendment(w.quantity(30), on=w.SEPTEMBER, accepted_on=date(2026, 9, 10))
    after = amended(before, order, w.config(), w.SEPTEMBER)
    rows = w.replan(rows, before, after, order, w.SEPTEMBER)
    assert (
        w.amounts(rows)
        == (
            "827.18 1,459.73 1,508.38 1,459.73 1,508.38 1,508.38 1,265.10 1,131.29 1,094.79 "
            "1,131.29 1,131.29 1,021.81 510.90"
        ).split()
    )
    assert w.total(rows) == Decimal("15558.25") == after.tcv().amount


def test_two_reductions_in_one_month_weigh_its_days_by_what_they_are_worth() -> None:
    before, rows = w.d2(), first_schedule(w.d2(), w.config())
    for day, seats in ((w.SEPTEMBER, 30), (date(2026, 9, 20), 20)):
        order = w.amendment(w.quantity(seats), on=day)
        after = amended(before, order, w.config(), day)
        rows = w.replan(rows, before, after, order, day)
        before = after
    # 681.21 for 14 days of 40 seats, 182.47 for 5 of 30, 267.62 for 11 of 20 (444.00 ÷ 365 a day).
    assert w.by_month(rows)[date(2026, 9, 1)] == pytest.approx(
        Decimal("1131.30"), abs=Decimal("0.02")
    )
    assert w.total(rows) == before.tcv().amount


def test_a_reduction_after_an_upsell_falls_on_both_obligations() -> None:
    before, order = w.d1(), w.amendment(w.quantity(70), on=w.JULY)
    more = amended(before, order, w.config(), w.JULY)
    rows = w.replan(first_schedule(before, w.config()), before, more, order, w.JULY)
    less = w.amendment(w.quantity(40), on=date(2026, 10, 10))
    after = amended(more, less, w.config(), date(2026, 10, 10))
    again = w.replan(rows, more, after, less, date(2026, 10, 10))
    assert w.total(again) - w.total(rows) == after.tcv().amount - more.tcv().amount
    assert (
        w.by_month(again, "L1/A2")[date(2026, 12, 1)] < w.by_month(rows, "L1/A2")[date(2026, 12, 1)]
    )


def test_a_backdated_upsell_leaves_months_gone_by_alone() -> None:
    before = w.d1()
    order = w.amendment(w.quantity(70), on=date(2026, 5, 1), accepted_on=date(2026, 7, 20))
    after = amended(before, order, w.config(), date(2026, 7, 20))
    rows = w.replan(first_schedule(before, w.config()), before, after, order, date(2026, 5, 1))
    found = w.by_month(rows, "L1/A2")
    assert min(found) == date(2026, 7, 1)
    assert sum(found.values()) == after.tcv().amount - before.tcv().amount


def test_an_error_is_corrected_as_if_right_from_the_start_in_the_month_of_acceptance() -> None:
    before = w.d2()
    order = w.amendment(
        w.quantity(30), on=date(2026, 3, 15), accepted_on=w.SEPTEMBER, scope_reason="error"
    )
    after = amended(before, order, w.config(), w.SEPTEMBER)
    rows = first_schedule(before, w.config())
    again = w.replan(rows, before, after, order, date(2026, 3, 15))
    old, new = w.by_month(rows), w.by_month(again)
    assert all(new[month] == old[month] for month in old if month < date(2026, 9, 1))
    assert w.total(again) == Decimal("13320.00")
    assert new[date(2026, 10, 1)] == Decimal("1131.29")


def test_a_removed_line_keeps_what_it_earned() -> None:
    before = w.d1()
    order = w.amendment(w.line(LineAction.REMOVE), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert max(w.by_month(rows)) == w.JULY
    assert w.total(rows) == Decimal("12500.00") - Decimal("6805.48")


def test_a_line_added_outside_its_range_is_planned_by_itself() -> None:
    before = w.d1()
    added = w.line(
        LineAction.ADD, "L9", product_code="SEAT-PRO", quantity=10, unit_price=w.price("100")
    )
    order = w.amendment(added, on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert sum(w.by_month(rows, "L9/A2").values()) == Decimal("504.11")
    assert {r.treatment for r in rows if r.line_key == "L9"} == {"prospective"}


def test_a_service_added_waits_for_its_acceptance() -> None:
    before = w.d1()
    order = w.amendment(w.line(LineAction.ADD, "L9", product_code="ONB", quantity=1), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert rows == first_schedule(before, w.config())
    (waiting,) = unscheduled(after, w.config(), before)
    assert (waiting.obligation, waiting.amount) == ("L9", w.usd("3000.00"))


def test_terms_alone_leave_revenue_alone() -> None:
    before = w.d1()
    order = w.amendment(payment_terms="NET30")
    after = amended(before, order, w.config(), w.JULY)
    first = first_schedule(before, w.config())
    assert w.replan(first, before, after, order, w.JULY) == first


def test_progress_is_not_known_here() -> None:
    before = w.d1()
    decision = decide(
        Change(obligation="L1", kind=ChangeKind.PRICE, accepted_at=w.JULY, is_distinct=False)
    )
    assert decision.treatment is Treatment.CATCH_UP
    with pytest.raises(ValueError, match="progress"):
        replanned((), before, before, w.JULY, w.JULY, (decision,), w.config())


def test_an_override_that_says_no_modification_changes_nothing() -> None:
    before, order = w.d1(), w.amendment(w.quantity(70), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    (found,) = treatments(before, after, order, w.config())
    nothing = Decision(
        row=found.row,
        treatment=Treatment.NO_MODIFICATION,
        paragraph=found.paragraph,
        change=found.change,
    )
    first = first_schedule(before, w.config())
    assert replanned(first, before, after, w.JULY, w.JULY, (nothing,), w.config()) == first


def test_a_change_at_the_next_period_is_planned_from_there() -> None:
    before = w.monthly()
    order = w.amendment(
        w.line(LineAction.PRICE, unit_price=w.price("300")), timing=ChangeTiming.PERIOD_END
    )
    after = amended(before, order, w.config(), date(2026, 6, 10))
    first = first_schedule(before, w.config())
    rows = w.replan(first, before, after, order, w.JULY)
    assert w.total(rows) == Decimal("4800.00") == after.tcv().amount
    assert w.by_month(rows)[date(2026, 6, 1)] == w.by_month(first)[date(2026, 6, 1)]
