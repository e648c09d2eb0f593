"""Revenue by month of the worked deals (`facts/domain.md` §9.7), before and after their changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.catalog import ProductPart
from dealthread.domain.change_order import (
    ChangeTiming,
    LineAction,
    RenewalDecision,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.revenue.modification import Change, ChangeKind, Decision, Treatment, decide
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.renewed import renewed
from dealthread.domain.versions.revenue import (
    first_schedule,
    period_schedule,
    replanned,
    unscheduled,
)
from dealthread.domain.versions.treatment import treatments
from dealthread.domain.versions.withdrawn import withdrawn
from tests.support.change_orders import cancellation
from tests.unit.versions import worked as w

SEATS_D1 = (
    "1,061.64 958.90 1,061.64 1,027.40 1,061.64 1,027.40 1,061.64 1,061.64 1,027.40 1,061.64 "
    "1,027.40 1,061.66"
).split()


def replan(
    rows: tuple[RevenuePlanRow, ...], before: Contract, after: Contract, order, on: date
) -> tuple[RevenuePlanRow, ...]:
    decisions = treatments(before, after, order, w.config())
    return replanned(rows, before, after, on, order.accepted_on, decisions, w.config())


def test_d1_seats_take_their_allocated_price_by_day() -> None:
    rows = first_schedule(w.d1(), w.config())
    assert w.amounts(rows, "L1") == SEATS_D1
    assert {row.account for row in rows} == {"4000"}
    assert w.total(rows) == Decimal("12500.00")


def test_d1_onboarding_has_no_month_until_it_is_accepted() -> None:
    (waiting,) = unscheduled(w.d1(), w.config())
    assert (waiting.obligation, waiting.account) == ("L2", "4200")
    assert waiting.amount == w.usd("2500.00")


def test_d1_amendment_is_an_obligation_of_its_own_and_leaves_the_old_untouched() -> None:
    before, order = w.d1(), w.amendment(w.quantity(70), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert w.amounts(rows, "L1") == SEATS_D1
    assert w.amounts(rows, "L1/A2") == "458.63 458.63 443.84 458.63 443.84 458.62".split()
    assert {row.treatment for row in rows if row.obligation == "L1/A2"} == {"separate_contract"}


def test_d2_reduction_spreads_what_is_left_over_the_rest_of_the_term() -> None:
    before, rows = w.d2(), first_schedule(w.d2(), w.config())
    order = w.amendment(w.quantity(30), on=w.SEPTEMBER, accepted_on=date(2026, 9, 10))
    after = amended(before, order, w.config(), w.SEPTEMBER)
    rows = replan(rows, before, after, order, w.SEPTEMBER)
    assert (
        w.amounts(rows)
        == (
            "827.18 1,459.73 1,508.38 1,459.73 1,508.38 1,508.38 1,265.10 1,131.29 1,094.79 "
            "1,131.29 1,131.29 1,021.81 510.90"
        ).split()
    )
    assert w.total(rows) == Decimal("15558.25") == after.tcv().amount


def test_d4_recognises_each_years_seats_in_their_year() -> None:
    rows = first_schedule(w.d4(), w.config())
    found = w.by_month(rows)
    assert sum(v for k, v in found.items() if k < date(2027, 1, 1)) == Decimal("39530.93")
    assert sum(v for k, v in found.items() if k >= date(2027, 1, 1)) == Decimal("154869.07")
    assert found[date(2027, 2, 1)] == Decimal("4970.96")
    assert found[date(2029, 1, 1)] == Decimal("7318.04")


def test_d5_bundle_goes_to_its_parts_in_the_currency_of_the_document() -> None:
    rows = first_schedule(w.d5(), w.config())
    found = w.by_month(rows, "L1/SEAT-STD")
    assert sum(found.values()) == Decimal("9600.00")
    assert found[date(2026, 6, 1)] == Decimal("393.98")
    assert found[date(2028, 5, 1)] == Decimal("407.16")
    (waiting,) = unscheduled(w.d5(), w.config())
    assert (waiting.obligation, waiting.amount) == ("L1/ONB", w.eur("2400.00"))


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
    rows = replan(rows, before, after, order, day)
    # 400.00 − 206.45 for 16 of 31 days, and 258.06 at the new price.
    assert w.amounts(rows) == ["400.00", "451.61"]


def test_a_line_added_to_a_contract_without_end_begins_in_the_running_period() -> None:
    before, day = w.d3(), date(2026, 5, 16)
    added = w.line(LineAction.ADD, "L9", product_code="PLAT-M", quantity=1)
    order = w.amendment(added, on=day)
    after = amended(before, order, w.config(), day)
    rows = replan(first_schedule(before, w.config()), before, after, order, day)
    assert w.amounts(rows, "L9") == ["206.45"]


def test_a_renewal_plans_the_new_term_and_leaves_the_old() -> None:
    before = w.d1()
    order = w.renewal(uplift_percent=5)
    after = renewed(before, order, w.config(), date(2026, 12, 1))
    rows = replan(first_schedule(before, w.config()), before, after, order, date(2027, 1, 1))
    assert w.amounts(rows, "L1") == SEATS_D1
    assert sum(w.by_month(rows, "L1/T2").values()) == Decimal("14175.00")
    assert {row.treatment for row in rows if row.obligation == "L1/T2"} == {"new_contract"}


def test_a_reduction_in_the_second_term_replans_that_terms_obligation() -> None:
    first = w.d1()
    order = w.renewal()
    second = renewed(first, order, w.config(), date(2026, 12, 1))
    rows = replan(first_schedule(first, w.config()), first, second, order, date(2027, 1, 1))
    less = w.amendment(w.quantity(40), on=date(2027, 7, 1))
    third = amended(second, less, w.config(), date(2027, 7, 1))
    rows = replan(rows, second, third, less, date(2027, 7, 1))
    assert w.amounts(rows, "L1") == SEATS_D1
    moved = third.tcv().amount - second.tcv().amount
    assert sum(w.by_month(rows, "L1/T2").values()) == Decimal("13500.00") + moved


def test_two_reductions_in_one_month_weigh_its_days_by_what_they_are_worth() -> None:
    before, rows = w.d2(), first_schedule(w.d2(), w.config())
    for day, seats in ((w.SEPTEMBER, 30), (date(2026, 9, 20), 20)):
        order = w.amendment(w.quantity(seats), on=day)
        after = amended(before, order, w.config(), day)
        rows = replan(rows, before, after, order, day)
        before = after
    # 681.21 for 14 days of 40 seats, 182.47 for 5 of 30, 267.62 for 11 of 20 (444.00 ÷ 365 a day).
    assert w.by_month(rows)[date(2026, 9, 1)] == pytest.approx(
        Decimal("1131.30"), abs=Decimal("0.02")
    )
    assert w.total(rows) == before.tcv().amount


def test_a_reduction_after_an_upsell_falls_on_both_obligations() -> None:
    before, order = w.d1(), w.amendment(w.quantity(70), on=w.JULY)
    more = amended(before, order, w.config(), w.JULY)
    rows = replan(first_schedule(before, w.config()), before, more, order, w.JULY)
    less = w.amendment(w.quantity(40), on=date(2026, 10, 10))
    after = amended(more, less, w.config(), date(2026, 10, 10))
    again = replan(rows, more, after, less, date(2026, 10, 10))
    assert w.total(again) - w.total(rows) == after.tcv().amount - more.tcv().amount
    assert (
        w.by_month(again, "L1/A2")[date(2026, 12, 1)] < w.by_month(rows, "L1/A2")[date(2026, 12, 1)]
    )


def test_a_backdated_upsell_leaves_months_gone_by_alone() -> None:
    before = w.d1()
    order = w.amendment(w.quantity(70), on=date(2026, 5, 1), accepted_on=date(2026, 7, 20))
    after = amended(before, order, w.config(), date(2026, 7, 20))
    rows = replan(first_schedule(before, w.config()), before, after, order, date(2026, 5, 1))
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
    again = replan(rows, before, after, order, date(2026, 3, 15))
    old, new = w.by_month(rows), w.by_month(again)
    assert all(new[month] == old[month] for month in old if month < date(2026, 9, 1))
    assert w.total(again) == Decimal("13320.00")
    assert new[date(2026, 10, 1)] == Decimal("1131.29")


def test_a_cancellation_takes_out_what_remains() -> None:
    before, order = w.d2(), w.cancellation(accepted_on=w.SEPTEMBER)
    after = ended(before, order, w.SEPTEMBER)
    rows = replan(first_schedule(before, w.config()), before, after, order, w.SEPTEMBER)
    assert max(w.by_month(rows)) == date(2026, 9, 1)
    assert w.total(rows) == Decimal("8952.99") == after.tcv().amount


def test_what_stays_billed_without_credit_is_revenue_of_the_day_of_the_end() -> None:
    before = w.d2()
    order = w.cancellation(accepted_on=w.SEPTEMBER, credit_unused=False)
    after = ended(before, order, w.SEPTEMBER)
    rows = replan(first_schedule(before, w.config()), before, after, order, w.SEPTEMBER)
    assert w.total(rows) == Decimal("17760.00")
    assert w.by_month(rows)[date(2026, 9, 1)] == Decimal("17760.00") - Decimal("8271.78")


def test_a_rescission_leaves_no_revenue_and_touches_no_month_gone_by() -> None:
    before, order = w.d1(), w.cancellation(**w.RESCISSION)
    after = ended(before, order, w.JULY)
    rows = first_schedule(before, w.config())
    again = replan(rows, before, after, order, before.start_date)
    assert w.total(again) == 0
    assert w.by_month(again)[date(2026, 7, 1)] == -sum(
        (v for k, v in w.by_month(rows).items() if k < w.JULY), Decimal(0)
    )


def test_a_removed_line_keeps_what_it_earned() -> None:
    before = w.d1()
    order = w.amendment(w.line(LineAction.REMOVE), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert max(w.by_month(rows)) == w.JULY
    assert w.total(rows) == Decimal("12500.00") - Decimal("6805.48")


def test_a_line_added_outside_its_range_is_planned_by_itself() -> None:
    before = w.d1()
    added = w.line(
        LineAction.ADD, "L9", product_code="SEAT-PRO", quantity=10, unit_price=w.price("100")
    )
    order = w.amendment(added, on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert sum(w.by_month(rows, "L9/A2").values()) == Decimal("504.11")
    assert {r.treatment for r in rows if r.line_key == "L9"} == {"prospective"}


def test_a_service_added_waits_for_its_acceptance() -> None:
    before = w.d1()
    order = w.amendment(w.line(LineAction.ADD, "L9", product_code="ONB", quantity=1), on=w.JULY)
    after = amended(before, order, w.config(), w.JULY)
    rows = replan(first_schedule(before, w.config()), before, after, order, w.JULY)
    assert rows == first_schedule(before, w.config())
    (waiting,) = unscheduled(after, w.config(), before)
    assert (waiting.obligation, waiting.amount) == ("L9", w.usd("3000.00"))


def test_a_withdrawn_upsell_takes_its_obligation_away() -> None:
    before, today = w.d1(), date(2026, 6, 1)
    order = w.amendment(w.quantity(70), on=w.JULY)
    after = amended(before, order, w.config(), today)
    first = first_schedule(before, w.config())
    rows = replan(first, before, after, order, w.JULY)
    back = WithdrawalOrder(
        change_id="withdrawal", contract_key="C-TEST", accepted_on=today, target=order.change_id
    )
    third = withdrawn(after, before, 2, today)
    again = replan(rows, after, third, back, w.JULY)
    assert again == first


def test_terms_alone_leave_revenue_alone() -> None:
    before = w.d1()
    order = w.amendment(payment_terms="NET30")
    after = amended(before, order, w.config(), w.JULY)
    first = first_schedule(before, w.config())
    assert replan(first, before, after, order, w.JULY) == first


def test_a_declined_renewal_leaves_revenue_alone() -> None:
    before = w.d1()
    order = w.renewal(decision=RenewalDecision.DECLINE)
    after = renewed(before, order, w.config(), date(2026, 12, 1))
    first = first_schedule(before, w.config())
    assert replan(first, before, after, order, date(2027, 1, 1)) == first


def test_an_end_of_a_line_that_waits_for_acceptance_plans_nothing() -> None:
    before = w.d1()
    order = w.cancellation(**w.RESCISSION, accepted_on=date(2026, 1, 1))
    after = ended(before, order, date(2026, 1, 1))
    rows = replan(first_schedule(before, w.config()), before, after, order, date(2026, 1, 1))
    assert rows == ()


def test_progress_is_not_known_here() -> None:
    before = w.d1()
    decision = decide(
        Change(obligation="L1", kind=ChangeKind.PRICE, accepted_at=w.JULY, is_distinct=False)
    )
    assert decision.treatment is Treatment.CATCH_UP
    with pytest.raises(ValueError, match="progress"):
        replanned((), before, before, w.JULY, w.JULY, (decision,), w.config())


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"revenue_rule": "someday"}, "revenue_rule_unknown"),
        ({"revenue_rule": "by_parts"}, "bundle_parts_missing"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(update: dict[str, str], code: str) -> None:
    contract = w.d1()
    lines = (contract.lines[0].model_copy(update=update),)
    with pytest.raises(OrderRefused) as refused:
        first_schedule(contract.model_copy(update={"lines": lines}), w.config())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("part", "code"),
    [("NOBODY", "product_unmapped"), ("GTX Basic", "selling_price_missing")],
)
def test_a_bundle_with_a_part_that_has_no_price_is_refused(part: str, code: str) -> None:
    products = tuple(
        row.model_copy(update={"parts": (ProductPart(product=part),)})
        if row.code == "BNDL-24"
        else row
        for row in w.config().products
    )
    with pytest.raises(OrderRefused) as refused:
        first_schedule(w.d5(), w.config().model_copy(update={"products": products}))
    assert refused.value.code == code


def test_lines_without_a_selling_price_keep_their_stated_price() -> None:
    contract = w.d1()
    free = contract.lines[0].model_copy(update={"product_code": "GTX Basic", "list_price": None})
    rows = first_schedule(
        contract.model_copy(update={"lines": (free, contract.lines[1])}), w.config()
    )
    assert w.total(rows) == Decimal("13500.00")


def test_a_contract_of_usage_alone_has_no_plan() -> None:
    contract = w.d3()
    usage = contract.model_copy(update={"lines": contract.lines[1:], "end_date": date(2027, 4, 1)})
    assert first_schedule(usage, w.config()) == ()


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
    rows = replan(first, before, after, order, w.JULY)
    assert w.total(rows) == Decimal("4800.00") == after.tcv().amount
    assert w.by_month(rows)[date(2026, 6, 1)] == w.by_month(first)[date(2026, 6, 1)]


def test_an_end_before_an_agreed_next_term_takes_that_term_out_too() -> None:
    first = w.d1()
    order = w.renewal()
    second = renewed(first, order, w.config(), w.JULY)
    rows = replan(first_schedule(first, w.config()), first, second, order, date(2027, 1, 1))
    stop = w.cancellation(accepted_on=w.SEPTEMBER)
    third = ended(second, stop, w.SEPTEMBER)
    rows = replan(rows, second, third, stop, w.SEPTEMBER)
    assert max(w.by_month(rows)) == date(2026, 9, 1)
    assert w.total(rows) == third.tcv().amount - Decimal("2500.00")


def test_states_outside_the_running_period_are_not_planned_in_it() -> None:
    contract = w.d3()
    for day, amount in ((date(2026, 5, 16), "500"), (date(2026, 7, 16), "600")):
        order = w.amendment(w.line(LineAction.PRICE, unit_price=w.price(amount, "GBP")), on=day)
        contract = amended(contract, order, w.config(), day)
    (june,) = period_schedule(contract, w.config(), date(2026, 6, 3))
    assert str(june.amount) == "500.00 GBP"


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
    assert replan(planned, gone, back, taken, date(2027, 1, 1)) == planned
