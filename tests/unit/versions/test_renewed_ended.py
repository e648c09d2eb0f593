"""The next version after a renewal or a cancellation (`facts/domain.md` §4, §9.6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.change_order import ChangeTiming, LineAction, RenewalDecision
from dealthread.domain.contract import RenewalKind, RenewalTerms
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.lookup import spans_of
from dealthread.domain.versions.money import change_money
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.renewed import next_year, renewed, uplifted
from dealthread.domain.versions.timeline import (
    arr_on,
    lines_over_time,
    mrr_on,
    quantities_on,
    value_delta,
)
from tests.unit.versions import worked as w

DECEMBER = date(2026, 12, 1)
NEW_YEAR = date(2027, 1, 1)


def renew(contract, *lines, today: date = DECEMBER, **values):
    return renewed(contract, w.renewal(*lines, **values), w.config(), today)


def test_d1_renews_at_five_percent_more() -> None:
    before = amended(w.d1(), w.amendment(w.quantity(70), on=w.JULY), w.config(), w.JULY)
    after = renew(before, uplift_percent=5)
    line = spans_of(after, "L1")[-1]
    assert (line.unit_price, line.committed_net) == (w.price("283.50"), w.usd("19,845.00"))
    assert line.tax.amount == w.usd("1,309.77")
    assert (after.term_no, after.end_date, after.committed_until) == (
        2,
        date(2028, 1, 1),
        date(2028, 1, 1),
    )
    assert (after.start_date, after.later_terms) == (date(2026, 1, 1), (NEW_YEAR,))
    assert spans_of(after, "L2") == spans_of(before, "L2")
    assert next_year(after, NEW_YEAR) == w.usd("19,845.00")


def test_a_year_of_a_contract_without_end_is_twelve_of_its_months() -> None:
    assert str(next_year(w.d3(), date(2026, 4, 1))) == "4,800.00 GBP"


def test_d1_arr_moves_with_the_upsell_and_the_renewal() -> None:
    before = amended(w.d1(), w.amendment(w.quantity(70), on=w.JULY), w.config(), w.JULY)
    after = renew(before, uplift_percent=5)
    days = (date(2026, 6, 30), w.JULY, NEW_YEAR)
    assert [arr_on(after, day) for day in days] == [
        w.usd("13,500.00"),
        w.usd("18,900.00"),
        w.usd("19,845.00"),
    ]
    assert mrr_on(after, w.JULY) == w.usd("1,575.00")
    assert quantities_on(after, w.JULY) == {"L1": Decimal(70)}
    assert [span.quantity for span in lines_over_time(after)] == [50, 70, 70, 1]


def test_an_upsell_is_an_expansion_of_its_arr() -> None:
    before = w.d1()
    after = amended(before, w.amendment(w.quantity(70), on=w.JULY), w.config(), w.JULY)
    delta = value_delta(before, after, w.JULY)
    assert (delta.arr, delta.lines[0].quantity) == (w.usd("5,400.00"), Decimal(20))


def test_d2_uplift_is_rounded_at_the_unit_price() -> None:
    before = amended(w.d2(), w.amendment(w.quantity(30), on=w.SEPTEMBER), w.config(), w.SEPTEMBER)
    after = renew(before, uplift_percent=3, today=date(2027, 2, 1))
    line = spans_of(after, "L1")[-1]
    assert (line.unit_price, line.committed_net) == (
        w.price("457.32", "EUR"),
        w.eur("13,719.60"),
    )


def test_the_contracts_own_uplift_and_term_are_the_default() -> None:
    terms = RenewalTerms(uplift_percent=Decimal(10), term_months=24)
    after = renew(w.d1().model_copy(update={"renewal": terms}))
    assert spans_of(after, "L1")[-1].unit_price == w.price("297.00")
    assert (after.end_date, after.term_months) == (date(2029, 1, 1), 24)
    bare = renew(w.d1().model_copy(update={"renewal": None}))
    assert spans_of(bare, "L1")[-1].unit_price == w.price("270.00")


def test_no_uplift_leaves_a_price_of_many_decimals_alone() -> None:
    assert uplifted(w.price("0.0040"), Decimal(0)) == w.price("0.0040")


def test_changes_come_with_the_new_term_and_a_given_price_is_final() -> None:
    added = w.line(LineAction.ADD, "L9", product_code="SEAT-PRO", quantity=5)
    more = w.line(LineAction.QUANTITY, quantity=80, unit_price=w.price("260"))
    after = renew(w.d1(), more, added, uplift_percent=5)
    line = spans_of(after, "L1")[-1]
    assert (line.quantity, line.unit_price) == (Decimal(80), w.price("260"))
    (new,) = spans_of(after, "L9")
    assert (new.start_date, new.end_date) == (NEW_YEAR, date(2028, 1, 1))


def test_a_swap_at_renewal_takes_the_list_price() -> None:
    after = renew(w.d1(), w.line(LineAction.SWAP, product_code="SEAT-PRO"), uplift_percent=5)
    assert spans_of(after, "L1")[-1].unit_price == w.price("480.00")


def test_usage_renews_at_its_price() -> None:
    added = w.line(LineAction.ADD, "L9", product_code="API-USE", quantity=0)
    before = amended(w.monthly(), w.amendment(added, on=w.JULY), w.config(), w.JULY)
    line = spans_of(renew(before, uplift_percent=5), "L9")[-1]
    assert (line.unit_price, line.committed_net) == (w.price("0.0050"), w.usd("0"))


def test_only_the_last_step_of_a_ramp_renews() -> None:
    after = renew(w.d4(), today=date(2028, 12, 1), term_months=12)
    assert [len(spans_of(after, key)) for key in ("L1", "L2", "L3")] == [1, 1, 2]


def test_a_term_counted_in_days_renews_for_as_many() -> None:
    before = w.d1().model_copy(
        update={
            "end_date": date(2026, 10, 10),
            "term_months": None,
            "lines": tuple(
                line.model_copy(update={"end_date": date(2026, 10, 10)})
                for line in w.d1().lines
                if line.kind == "recurring"
            ),
        }
    )
    after = renew(before, today=date(2026, 9, 1))
    assert (after.end_date, after.term_months) == (date(2027, 7, 19), None)
    assert renew(before, today=date(2026, 9, 1), term_months=12).end_date == date(2027, 10, 10)
    assert next_year(after, date(2026, 10, 10)) == spans_of(after, "L1")[-1].committed_net


def test_a_declined_renewal_ends_with_the_term() -> None:
    after = renew(w.d1(), decision=RenewalDecision.DECLINE)
    assert (after.lines, after.end_date) == (w.d1().lines, NEW_YEAR)
    assert after.renewal is not None
    assert (after.renewal.kind, after.auto_renew) == (RenewalKind.NONE, False)


@pytest.mark.parametrize(
    ("contract", "values", "today", "code"),
    [
        (w.d3(), {}, DECEMBER, "evergreen"),
        (w.d1(), {"decision": RenewalDecision.AUTOMATIC}, DECEMBER, "not_automatic"),
        (w.d1(), {}, date(2027, 1, 2), "grace_over"),
        (w.d1().model_copy(update={"renewal": None}), {}, date(2027, 1, 2), "grace_over"),
        (w.d1(), {"term_months": 0}, DECEMBER, "term_not_positive"),
        (w.d1(), {"uplift_percent": -100}, DECEMBER, "uplift_too_low"),
        (renew(w.d1()), {}, DECEMBER, "renewed_already"),
        (w.d1(), {"lines": (w.line(LineAction.REMOVE),)}, DECEMBER, "nothing_renews"),
        (w.d1(), {"lines": (w.quantity(0),)}, DECEMBER, "quantity_not_positive"),
    ],
)
def test_what_cannot_be_renewed_is_refused_by_name(contract, values, today, code) -> None:
    with pytest.raises(OrderRefused) as refused:
        renew(contract, today=today, **values)
    assert refused.value.code == code


def test_a_product_that_is_no_longer_mapped_does_not_renew() -> None:
    config = w.config().model_copy(update={"products": ()})
    with pytest.raises(OrderRefused, match="product_unmapped"):
        renewed(w.d1(), w.renewal(), config, DECEMBER)


def test_an_automatic_renewal_needs_a_contract_that_renews_by_itself() -> None:
    before = w.d1().model_copy(update={"auto_renew": True})
    assert renew(before, decision=RenewalDecision.AUTOMATIC).term_no == 2


def test_a_late_acceptance_is_taken_within_the_days_of_grace() -> None:
    before = w.d1().model_copy(update={"renewal": RenewalTerms(grace_days=10)})
    assert renew(before, today=date(2027, 1, 11)).later_terms == (NEW_YEAR,)


def test_an_end_now_cuts_the_lines_and_keeps_what_was_charged_once() -> None:
    after = ended(w.d1(), w.cancellation(), w.JULY)
    assert (after.end_date, after.committed_until) == (w.JULY, w.JULY)
    assert spans_of(after, "L1")[0].committed_net == w.usd("6,694.52")
    assert spans_of(after, "L2") == spans_of(w.d1(), "L2")
    assert (after.auto_renew, after.version) == (False, 2)


def test_an_end_with_the_term_changes_no_line() -> None:
    after = ended(w.d1(), w.cancellation(ChangeTiming.TERM_END), w.JULY)
    assert (after.lines, after.end_date) == (w.d1().lines, NEW_YEAR)
    assert arr_on(after, w.JULY) == w.usd("13,500.00")


def test_spans_and_terms_to_come_are_dropped() -> None:
    before = renew(amended(w.d1(), w.amendment(w.quantity(70), on=w.SEPTEMBER), w.config(), w.JULY))
    after = ended(before, w.cancellation(), w.JULY)
    assert len(spans_of(after, "L1")) == 1
    assert after.later_terms == ()
    kept = ended(before, w.cancellation(), date(2026, 10, 1))
    assert len(spans_of(kept, "L1")) == 2


def test_a_service_to_come_is_dropped_with_the_end() -> None:
    added = w.line(LineAction.ADD, "L9", product_code="ONB", quantity=1)
    before = amended(w.d1(), w.amendment(added, on=w.SEPTEMBER), w.config(), w.JULY)
    assert spans_of(ended(before, w.cancellation(), w.JULY), "L9") == ()


def test_without_credit_what_was_billed_stays_sold() -> None:
    order = w.cancellation(credit_unused=False)
    assert ended(w.d1(), order, w.JULY).tcv() == w.usd("15,000.00")
    assert ended(w.d4(), order, date(2026, 8, 2)).tcv() == w.usd("43,200.00")
    assert ended(w.monthly(), order, date(2026, 5, 16)).tcv() == w.usd("2,500.00")


def test_a_rescission_leaves_no_line() -> None:
    after = ended(w.d1(), w.cancellation(**w.RESCISSION), w.JULY)
    assert (after.lines, after.end_date, after.tcv()) == ((), date(2026, 1, 1), w.usd("0"))


def test_a_contract_without_end_ends_with_its_running_period() -> None:
    after = ended(w.d3(), w.cancellation(ChangeTiming.PERIOD_END), date(2026, 5, 12))
    assert after.end_date == date(2026, 6, 1)
    assert spans_of(after, "L1")[0].committed_net.amount == Decimal("400.00")
    assert change_money(w.d3(), after, date(2026, 6, 1), as_of=date(2026, 5, 12)).rows == ()
    assert arr_on(after, date(2026, 6, 1)).amount == 0


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"timing": ChangeTiming.ON_DATE, "effective_from": date(2025, 1, 1)}, "before_start"),
        ({"timing": ChangeTiming.ON_DATE, "effective_from": date(2027, 1, 2)}, "after_end"),
        ({"timing": ChangeTiming.ON_DATE}, "date_missing"),
        ({"credit_unused": False} | w.RESCISSION, "rescission_credits"),
    ],
)
def test_an_end_that_does_not_fit_is_refused(values: dict[str, object], code: str) -> None:
    with pytest.raises(OrderRefused) as refused:
        ended(w.d1(), w.cancellation(**values), w.JULY)
    assert refused.value.code == code


def test_a_contract_that_ends_already_is_not_ended_again() -> None:
    order = w.cancellation(ChangeTiming.TERM_END)
    once = ended(w.d1(), order, w.JULY)
    with pytest.raises(OrderRefused, match="ends_already"):
        ended(once, order, w.JULY)
    bare = w.d1().model_copy(update={"renewal": None})
    assert ended(bare, order, w.JULY).version == 2


def test_a_prepaid_term_ends_by_the_days_of_the_term() -> None:
    assert w.d5().billing_frequency is BillingFrequency.TERM
    after = ended(w.d5(), w.cancellation(), date(2027, 6, 1))
    assert after.tcv() == w.eur("5,991.79")
