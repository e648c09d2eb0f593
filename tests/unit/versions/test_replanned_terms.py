"""Revenue by month after a renewal, an end before its time, or an order taken back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.change_order import ChangeTiming, RenewalDecision, WithdrawalOrder
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.renewed import renewed
from dealthread.domain.versions.revenue import first_schedule
from dealthread.domain.versions.withdrawn import withdrawn
from tests.support.change_orders import cancellation
from tests.unit.versions import worked as w


def test_a_renewal_plans_the_new_term_and_leaves_the_old() -> None:
    before = w.d1()
    order = w.renewal(uplift_percent=5)
    after = renewed(before, order, w.config(), date(2026, 12, 1))
    rows = w.replan(first_schedule(before, w.config()), before, after, order, date(2027, 1, 1))
    assert w.amounts(rows, "L1") == w.SEATS_D1
    assert sum(w.by_month(rows, "L1/T2").values()) == Decimal("14175.00")
    assert {row.treatment for row in rows if row.obligation == "L1/T2"} == {"new_contract"}


def test_a_reduction_in_the_second_term_replans_that_terms_obligation() -> None:
    first = w.d1()
    order = w.renewal()
    second = renewed(first, order, w.config(), date(2026, 12, 1))
    rows = w.replan(first_schedule(first, w.config()), first, second, order, date(2027, 1, 1))
    less = w.amendment(w.quantity(40), on=date(2027, 7, 1))
    third = amended(second, less, w.config(), date(2027, 7, 1))
    rows = w.replan(rows, second, third, less, date(2027, 7, 1))
    assert w.amounts(rows, "L1") == w.SEATS_D1
    moved = third.tcv().amount - second.tcv().amount
    assert sum(w.by_month(rows, "L1/T2").values()) == Decimal("13500.00") + moved


def test_a_cancellation_takes_out_what_remains() -> None:
    before, order = w.d2(), w.cancellation(accepted_on=w.SEPTEMBER)
    after = ended(before, order, w.SEPTEMBER)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, w.SEPTEMBER)
    assert max(w.by_month(rows)) == date(2026, 9, 1)
    assert w.total(rows) == Decimal("8952.99") == after.tcv().amount


def test_what_stays_billed_without_credit_is_revenue_of_the_day_of_the_end() -> None:
    before = w.d2()
    order = w.cancellation(accepted_on=w.SEPTEMBER, credit_unused=False)
    after = ended(before, order, w.SEPTEMBER)
    rows = w.replan(first_schedule(before, w.config()), before, after, order, w.SEPTEMBER)
    assert w.total(rows) == Decimal("17760.00")
    assert w.by_month(rows)[date(2026, 9, 1)] == Decimal("17760.00") - Decimal("8271.78")


def test_a_rescission_leaves_no_revenue_and_touches_no_month_gone_by() -> None:
    before, order = w.d1(), w.cancellation(**w.RESCISSION)
    after = ended(before, order, w.JULY)
    rows = first_schedule(before, w.config())
    again = w.replan(rows, before, after, order, before.start_date)
    assert w.total(again) == 0
    assert w.by_month(again)[date(2026, 7, 1)] == -sum(
        (v for k, v in w.by_month(rows).items() if k < w.JULY), Decimal(0)
    )


def test_a_withdrawn_upsell_takes_its_obligation_away() -> None:
    before, today = w.d1(), date(2026, 6, 1)
    order = w.amendment(w.quantity(70), on=w.JULY)
    after = amended(before, order, w.config(), today)
    first = first_schedule(before, w.config())
    rows = w.replan(first, before, after, order, w.JULY)
    back = WithdrawalOrder(
        change_id="withdrawal", contract_key="C-TEST", accepted_on=today, target=order.change_id
    )
    third = withdrawn(after, before, 2, today)
    again = w.replan(rows, after, third, back, w.JULY)
    assert again == first


def test_a_declined_renewal_leaves_revenue_alone() -> None:
    before = w.d1()
    order = w.renewal(decision=RenewalDecision.DECLINE)
    after = renewed(before, order, w.config(), date(2026, 12, 1))
    first = first_schedule(before, w.config())
    assert w.replan(first, before, after, order, date(2027, 1, 1)) == first


def test_an_end_of_a_line_that_waits_for_acceptance_plans_nothing() -> None:
    before = w.d1()
    order = w.cancellation(**w.RESCISSION, accepted_on=date(2026, 1, 1))
    after = ended(before, order, date(2026, 1, 1))
    rows = w.replan(first_schedule(before, w.config()), before, after, order, date(2026, 1, 1))
    assert rows == ()


def test_an_end_before_an_agreed_next_term_takes_that_term_out_too() -> None:
    first = w.d1()
    order = w.renewal()
    second = renewed(first, order, w.config(), w.JULY)
    rows = w.replan(first_schedule(first, w.config()), first, second, order, date(2027, 1, 1))
    stop = w.cancellation(accepted_on=w.SEPTEMBER)
    third = ended(second, stop, w.SEPTEMBER)
    rows = w.replan(rows, second, third, stop, w.SEPTEMBER)
    assert max(w.by_month(rows)) == date(2026, 9, 1)
    assert w.total(rows) == third.tcv().amount - Decimal("2500.00")


def test_a_withdrawal_that_brings_only_the_renewal_back_leaves_the_plan_as_it_was() -> None:
    """Found by a cancellation at the term's end that was taken back: no line differs."""
    contract = w.d1()
    order = cancellation(contract, date(2026, 2, 1), timing=ChangeTiming.TERM_END)
    gone = ended(contract, order, date(2026, 2, 1))
    back = withdrawn(gone, contract, gone.version, date(2026, 2, 1))
    taken = WithdrawalOrder(
        change_id=f"withdrawal:{order.change_id}",
        contract_key=contract.key,
        accepted_on=date(2026, 2, 1),
        target=order.change_id,
    )
    planned = first_schedule(contract, w.config())
    assert w.replan(planned, gone, back, taken, date(2027, 1, 1)) == planned
