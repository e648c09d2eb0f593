"""The next version after an amendment: spans, amounts, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.base import System
from dealthread.domain.change_order import ChangeTiming, LineAction, LineOrder
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.line_tax import tax_code_on
from dealthread.domain.versions.lookup import first_difference, spans_of
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.renewed import renewed
from dealthread.domain.versions.spans import followed_from
from dealthread.domain.versions.terms import billing_terms
from dealthread.domain.versions.withdrawn import withdrawn
from tests.unit.versions import worked as w

ADD, SWAP, PRICE, REMOVE = LineAction.ADD, LineAction.SWAP, LineAction.PRICE, LineAction.REMOVE
TODAY = w.JULY


def change(contract: Contract, *lines: LineOrder, on: date = w.JULY, **values: object) -> Contract:
    return amended(contract, w.amendment(*lines, on=on, **values), w.config(), on)


def spans(contract: Contract, key: str = "L1") -> list[tuple[str, str, str, str]]:
    return [
        (str(one.start_date), str(one.end_date), str(one.quantity), str(one.committed_net.amount))
        for one in spans_of(contract, key)
    ]


def test_d1_twenty_seats_more_make_a_second_span_and_move_the_value_by_the_proration() -> None:
    after = change(w.d1(), w.quantity(70))
    assert spans(after) == [
        ("2026-01-01", "2026-07-01", "50", "6694.52"),
        ("2026-07-01", "2027-01-01", "70", "9527.67"),
    ]
    assert (after.tcv(), after.version) == (w.usd("17,722.19"), 2)
    assert after.lines[1].net_per_period == w.usd("18,900.00")
    assert after.lines[1].tax.amount == w.usd("1,247.40")


def test_d2_ten_seats_less_leave_the_fact_sheets_value() -> None:
    after = change(w.d2(), w.quantity(30), on=w.SEPTEMBER)
    assert after.tcv() == w.eur("15,558.25")


def test_a_change_on_the_first_day_replaces_the_span() -> None:
    assert spans(change(w.d1(), w.quantity(60), on=date(2026, 1, 1))) == [
        ("2026-01-01", "2027-01-01", "60", "16200.00")
    ]


def test_an_earlier_change_does_not_undo_what_was_agreed_for_later() -> None:
    after = change(change(w.d1(), w.quantity(70)), w.quantity(60), on=date(2026, 4, 1))
    assert [row[:3] for row in spans(after)] == [
        ("2026-01-01", "2026-04-01", "50"),
        ("2026-04-01", "2026-07-01", "60"),
        ("2026-07-01", "2027-01-01", "70"),
    ]


def test_an_earlier_price_holds_through_a_later_change_of_quantity() -> None:
    once = change(w.d1(), w.quantity(70))
    after = change(once, w.line(PRICE, unit_price=w.price("250")), on=date(2026, 4, 1))
    assert [str(one.unit_price.amount) for one in spans_of(after, "L1")] == ["270.00", "250", "250"]


def test_a_price_agreed_for_later_stops_an_earlier_one() -> None:
    once = change(w.d1(), w.line(PRICE, unit_price=w.price("260")))
    after = change(once, w.line(PRICE, unit_price=w.price("250")), on=date(2026, 4, 1))
    assert [str(one.unit_price.amount) for one in spans_of(after, "L1")] == ["270.00", "250", "260"]


def test_a_later_change_leaves_earlier_spans() -> None:
    after = change(change(w.d1(), w.quantity(70)), w.quantity(80), on=date(2026, 10, 1))
    assert [row[2] for row in spans(after)] == ["50", "70", "80"]


def test_a_ramp_changes_in_the_named_step_alone() -> None:
    after = change(w.d4(), w.quantity(120), on=date(2026, 8, 1))
    assert spans(after, "L2") == spans(w.d4(), "L2")
    assert [row[2] for row in spans(after)] == ["100", "120"]


def test_a_swap_keeps_key_and_end_and_takes_the_list_price() -> None:
    after = change(w.d1(), w.line(SWAP, product_code="SEAT-PRO"))
    last = spans_of(after, "L1")[-1]
    assert (last.product_code, last.erp_item, last.end_date) == (
        "SEAT-PRO",
        "SEAT-PRO",
        date(2027, 1, 1),
    )
    assert (last.unit_price.amount, last.tax.code) == (Decimal("480.00"), "US-TX-SAAS")


def test_a_removed_line_ends_and_its_later_spans_go() -> None:
    once = change(w.d1(), w.quantity(70))
    assert spans(change(once, w.line(REMOVE), on=date(2026, 4, 1))) == [
        ("2026-01-01", "2026-04-01", "50", "3328.77")
    ]
    assert spans(change(once, w.line(REMOVE), on=date(2026, 10, 1)))[0][1] == "2026-07-01"
    assert spans(change(w.d1(), w.line(REMOVE), on=date(2026, 1, 1))) == []


def test_an_added_line_ends_with_the_contract_and_is_taxed_as_its_category() -> None:
    after = change(w.d1(), w.line(ADD, "L9", product_code="SEAT-PRO", quantity=10))
    (line,) = spans_of(after, "L9")
    assert (line.start_date, line.end_date) == (w.JULY, date(2027, 1, 1))
    assert (line.unit_price.amount, line.tax.code) == (Decimal("480.00"), "US-TX-SAAS")
    assert line.committed_net == w.usd("2,419.73")
    assert (line.crm_ref.system, line.crm_ref.native_id) == (System.HUB, "amendment:C-TEST:1/L9")


def test_an_added_one_time_charge_is_whole_on_its_day() -> None:
    after = change(w.d1(), w.line(ADD, "L9", product_code="ONB", quantity=2))
    (line,) = spans_of(after, "L9")
    assert (line.end_date, line.committed_net) == (None, w.usd("6,000.00"))
    assert line.net_per_period == w.usd("6,000.00")


def test_added_usage_commits_nothing() -> None:
    after = change(w.monthly(), w.line(ADD, "L9", product_code="API-USE", quantity=0))
    (line,) = spans_of(after, "L9")
    assert (line.committed_net, line.net_per_period) == (w.usd("0"), w.usd("0"))


def test_policy_may_allow_an_added_line_its_own_end() -> None:
    policy = w.config().policy.model_copy(update={"own_end_allowed": True})
    config = w.config().model_copy(update={"policy": policy})
    added = w.line(ADD, "L9", product_code="SEAT-STD", quantity=1, end_date=date(2026, 10, 1))
    after = amended(w.d1(), w.amendment(added, on=w.JULY), config, w.JULY)
    assert spans(after, "L9") == [("2026-07-01", "2026-10-01", "1", "75.61")]


def test_a_contract_without_end_commits_one_period_of_its_present_state() -> None:
    after = change(w.d3(), w.line(PRICE, unit_price=w.price("500", "GBP")), on=date(2026, 5, 16))
    assert spans(after) == [
        ("2026-04-01", "2026-05-16", "1", "0.00"),
        ("2026-05-16", "None", "1", "500.00"),
    ]
    assert spans(change(w.d3(), w.line(REMOVE), on=date(2026, 5, 16)))[0][3] == "193.55"
    assert spans(change(w.d3(), w.line(REMOVE), on=date(2026, 5, 1)))[0][3] == "400.00"
    back = change(after, w.line(PRICE, unit_price=w.price("450", "GBP")), on=date(2026, 5, 1))
    assert [row[3] for row in spans(back)] == ["0.00", "0.00", "500.00"]


def test_payment_terms_change_without_touching_lines() -> None:
    after = amended(w.d1(), w.amendment(payment_terms="NET30"), w.config(), TODAY)
    assert (after.payment_terms, after.days_until_due) == ("NET30", 30)
    assert after.lines == w.d1().lines


def test_a_regional_deal_alone_makes_a_version() -> None:
    after = amended(w.d1(), w.amendment(regional_deals=("006X",)), w.config(), TODAY)
    assert (after.lines, after.version) == (w.d1().lines, 2)


def test_the_rate_is_that_of_the_spans_start() -> None:
    rows = []
    for row in w.config().tax_codes:
        if row.code == "DE-19":
            rows.append(row.model_copy(update={"valid_until": w.JULY}))
            new = {"applied_rate": Decimal(16), "statutory_rate": Decimal(16), "valid_from": w.JULY}
            rows.append(row.model_copy(update=new))
        else:
            rows.append(row)
    config = w.config().model_copy(update={"tax_codes": tuple(rows)})
    after = amended(w.d2(), w.amendment(w.quantity(30), on=w.SEPTEMBER), config, w.SEPTEMBER)
    assert [one.tax.applied_rate for one in after.lines] == [Decimal(19), Decimal(16)]


BAD: list[tuple[tuple[LineOrder, ...], str]] = [
    ((), "nothing_asked"),
    ((w.quantity(1, "L7"),), "line_unknown"),
    ((w.quantity(2, "L2"),), "line_not_served"),
    ((w.quantity(60), w.line(REMOVE)), "line_twice"),
    ((w.line(LineAction.QUANTITY),), "quantity_missing"),
    ((w.quantity(0),), "quantity_not_positive"),
    ((w.quantity(-1),), "quantity_not_positive"),
    ((w.quantity("1.5"),), "quantity_decimals"),
    ((w.quantity(100001),), "quantity_above_maximum"),
    ((w.quantity(50),), "nothing_changes"),
    ((w.line(PRICE),), "price_missing"),
    ((w.line(PRICE, unit_price=w.price("1", "EUR")),), "currency_differs"),
    ((w.line(PRICE, unit_price=w.price("-1")),), "price_negative"),
    ((w.line(SWAP, product_code="SEAT-EDU"),), "product_unmapped"),
    ((w.line(SWAP, product_code="ONB"),), "kind_differs"),
    ((w.line(SWAP, product_code="GTX Basic"),), "price_missing"),
    ((w.line(ADD, "L1", product_code="SEAT-STD", quantity=1),), "line_exists"),
    ((w.line(ADD, "L9", product_code="SEAT-EDU", quantity=1),), "product_unmapped"),
    ((w.line(ADD, "L9", product_code="SEAT-STD"),), "quantity_missing"),
    ((w.line(ADD, "L9", product_code="PLAT-M", quantity=2),), "quantity_above_maximum"),
    ((w.line(ADD, "L9", product_code="GTX Basic", quantity=1),), "price_missing"),
    ((w.line(ADD, "L9", product_code="BNDL-24", quantity=1),), "frequency_not_offered"),
    (
        (w.line(ADD, "L9", product_code="SEAT-STD", quantity=1, end_date=w.JULY),),
        "ends_before_start",
    ),
    (
        (w.line(ADD, "L9", product_code="SEAT-STD", quantity=1, end_date=date(2027, 2, 1)),),
        "ends_after_contract",
    ),
    (
        (w.line(ADD, "L9", product_code="SEAT-STD", quantity=1, end_date=date(2026, 8, 1)),),
        "not_coterminous",
    ),
]


@pytest.mark.parametrize(("lines", "code"), BAD)
def test_what_cannot_be_done_is_refused_by_name(lines: tuple[LineOrder, ...], code: str) -> None:
    with pytest.raises(OrderRefused) as refused:
        change(w.d1(), *lines)
    assert refused.value.code == code
    assert refused.value.refusal.field
    assert refused.value.refusal.action


@pytest.mark.parametrize(
    ("on", "values", "code"),
    [
        (date(2025, 12, 31), {}, "before_start"),
        (date(2027, 1, 1), {}, "after_end"),
        (w.JULY, {"base_version": 3}, "version_stale"),
        (w.JULY, {"contract_key": "C-OTHER"}, "other_contract"),
        (w.JULY, {"payment_terms": "NET999"}, "terms_unknown"),
        (None, {"timing": ChangeTiming.ON_DATE}, "date_missing"),
    ],
)
def test_an_order_that_does_not_fit_the_contract_is_refused(
    on: date | None, values: dict[str, object], code: str
) -> None:
    with pytest.raises(OrderRefused) as refused:
        amended(w.d1(), w.amendment(w.quantity(70), on=on, **values), w.config(), w.JULY)
    assert refused.value.code == code


def test_an_amendment_on_the_present_version_goes_on() -> None:
    assert change(w.d1(), w.quantity(70), base_version=1).version == 2


def test_a_quantity_below_the_products_least_is_refused() -> None:
    products = tuple(
        row.model_copy(update={"min_quantity": Decimal(10), "max_quantity": None})
        for row in w.config().products
    )
    config = w.config().model_copy(update={"products": products})
    with pytest.raises(OrderRefused, match="quantity_below_minimum"):
        amended(w.d1(), w.amendment(w.quantity(5), on=w.JULY), config, w.JULY)


def test_a_product_of_another_company_is_refused() -> None:
    added = w.line(ADD, "L9", product_code="GTX Basic", quantity=1, unit_price=w.price("1", "EUR"))
    with pytest.raises(OrderRefused, match="not_sold_by_seller"):
        change(w.d2(), added, on=w.SEPTEMBER)


def test_a_line_whose_product_is_no_longer_mapped_at_all_is_refused() -> None:
    config = w.config().model_copy(update={"products": ()})
    with pytest.raises(OrderRefused, match="product_unmapped"):
        amended(w.d1(), w.amendment(w.quantity(70), on=w.JULY), config, w.JULY)


def test_a_category_that_no_line_has_asks_tax() -> None:
    with pytest.raises(OrderRefused, match="tax_code_unknown"):
        change(w.d2(), w.line(ADD, "L9", product_code="ONB", quantity=1), on=w.SEPTEMBER)


def test_a_code_without_a_rate_on_the_day_asks_tax() -> None:
    mapping = w.config().product("SEAT-PRO", w.JULY)
    assert mapping is not None
    with pytest.raises(OrderRefused, match="tax_code_unknown"):
        tax_code_on(w.d2().lines, mapping, w.config().model_copy(update={"tax_codes": ()}), w.JULY)


def test_a_span_cannot_be_followed_from_its_first_day() -> None:
    contract = w.d1()
    with pytest.raises(ValueError, match="does not start before"):
        followed_from(contract.lines[0], contract.start_date, billing_terms(contract))


def test_a_version_survives_json() -> None:
    after = change(w.d1(), w.quantity(70))
    assert Contract.model_validate_json(after.model_dump_json()) == after


def test_a_withdrawal_restores_the_lines_as_a_new_version() -> None:
    before = w.d1()
    after = change(before, w.quantity(70))
    again = withdrawn(after, before, 2, date(2026, 6, 1))
    assert (again.lines, again.version) == (before.lines, 3)


def test_what_took_effect_or_was_built_on_is_not_withdrawn() -> None:
    before = w.d1()
    after = change(before, w.quantity(70))
    with pytest.raises(OrderRefused, match="took_effect"):
        withdrawn(after, before, 2, w.JULY)
    with pytest.raises(OrderRefused, match="changed_since"):
        withdrawn(after, before, 1, date(2026, 6, 1))


def test_terms_alone_are_withdrawn_until_the_term_ends() -> None:
    before = w.d1()
    after = before.model_copy(update={"version": 2, "auto_renew": True})
    assert first_difference(before, after) is None
    assert withdrawn(after, before, 2, w.JULY).version == 3
    endless = w.d3()
    other = endless.model_copy(update={"version": 2})
    assert withdrawn(other, endless, 2, w.JULY).version == 3


def test_the_first_difference_is_where_a_line_is_new_or_gone() -> None:
    before = w.d1()
    removed = change(before, w.line(REMOVE))
    assert first_difference(before, removed) == w.JULY
    assert first_difference(before, renewed(before, w.renewal(), w.config(), w.JULY)) == date(
        2027, 1, 1
    )


def test_money_of_a_rate_that_has_no_cents_is_half_up() -> None:
    after = change(w.d1(), w.line(PRICE, unit_price=w.price("0.333333333333")))
    assert after.lines[1].net_per_period == Money.of("16.67", "USD")
