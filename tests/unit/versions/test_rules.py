"""What stops a change, who must agree to it, and how revenue treats it (`domain.md` §3)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import (
    ChangeOrder,
    ChangeTiming,
    LineAction,
    RenewalDecision,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract, ContractState, RenewalKind
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import TermKind
from dealthread.domain.revenue.modification import ScopeReason
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.money import change_money
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.renewed import renewed
from dealthread.domain.versions.rules import approvals, refusals
from dealthread.domain.versions.treatment import treatments
from tests.support import deal_builder as build
from tests.unit.versions import worked as w

ACTIVE = ContractState.ACTIVE
ADD, PRICE, REMOVE, SWAP = LineAction.ADD, LineAction.PRICE, LineAction.REMOVE, LineAction.SWAP


def codes(order: ChangeOrder, contract: Contract | None = None, state=ACTIVE) -> list[str]:
    found = refusals(contract or w.d1(), state, order, w.JULY, w.config())
    return [one.code for one in found]


def withdrawal(target: str) -> WithdrawalOrder:
    return WithdrawalOrder(
        change_id="w:1", contract_key="C-TEST", accepted_on=w.JULY, target=target
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (None, "contract_unknown"),
        (ContractState.ENDED, "contract_ended"),
        (ContractState.NEVER_ACTIVATED, "contract_never_activated"),
        (ContractState.PENDING, "contract_pending"),
    ],
)
def test_a_contract_that_does_not_run_takes_no_change(state, code: str) -> None:
    assert codes(w.amendment(w.quantity(70)), state=state) == [code]


def test_a_good_order_is_not_refused() -> None:
    assert codes(w.amendment(w.quantity(70))) == []
    assert codes(w.renewal()) == []
    assert codes(w.cancellation()) == []
    assert codes(withdrawal("amendment:C-TEST:1")) == []


def test_every_fault_of_an_order_is_named() -> None:
    order = w.amendment(w.quantity(-1), w.quantity(1, "L7"), base_version=9)
    assert codes(order) == ["version_stale", "quantity_not_positive", "line_unknown"]


def test_a_withdrawal_names_another_change() -> None:
    assert codes(withdrawal("")) == ["target_missing"]
    assert codes(withdrawal("w:1")) == ["target_itself"]


def test_a_fault_that_only_carrying_out_finds_is_named() -> None:
    order = w.amendment(w.line(ADD, "L9", product_code="ONB", quantity=1))
    assert codes(order, w.d2()) == ["tax_code_unknown"]
    assert codes(w.renewal(), w.d3()) == ["evergreen"]


def test_an_impossible_day_or_line_is_one_finding() -> None:
    on_date = ChangeTiming.ON_DATE
    assert codes(w.amendment(w.quantity(70), timing=on_date)) == ["date_missing"]
    assert codes(w.amendment(w.quantity(70), on=date(2025, 1, 1))) == ["before_start"]
    assert codes(w.amendment(w.quantity(70), on=date(2027, 1, 1))) == ["after_end"]
    assert codes(w.cancellation(on_date)) == ["date_missing"]
    assert codes(w.amendment(w.quantity(2, "L2"))) == ["line_not_served"]
    added = w.line(ADD, "L9", product_code="SEAT-EDU", quantity=1)
    assert codes(w.amendment(added)) == ["product_unmapped"]


def free(contract: Contract) -> Contract:
    line = contract.lines[0].model_copy(update={"product_code": "GTX Basic", "list_price": None})
    return contract.model_copy(update={"lines": (line,)})


def test_added_service_without_a_selling_price_is_a_finding() -> None:
    order = w.amendment(w.quantity(70))
    assert codes(order, free(w.d1())) == ["selling_price_missing"]
    after = amended(free(w.d1()), order, w.config(), w.JULY)
    with pytest.raises(OrderRefused, match="selling_price_missing"):
        treatments(free(w.d1()), after, order, w.config())


def test_the_list_price_of_the_deal_stands_in_for_the_catalogues() -> None:
    contract = free(w.d1())
    line = contract.lines[0].model_copy(update={"list_price": w.price("300")})
    assert codes(w.amendment(w.quantity(70)), contract.model_copy(update={"lines": (line,)})) == []


def test_a_product_without_mapping_has_no_selling_price() -> None:
    order, before = w.amendment(w.quantity(70)), w.d1()
    after = amended(before, order, w.config(), w.JULY)
    with pytest.raises(OrderRefused, match="selling_price_missing"):
        treatments(before, after, order, w.config().model_copy(update={"products": ()}))


def row(*lines, reason: ScopeReason = ScopeReason.CUSTOMER_REQUEST, on=w.JULY, accepted=None):
    order = w.amendment(*lines, on=on, scope_reason=reason, accepted_on=accepted or on)
    after = amended(w.d1(), order, w.config(), on)
    return [one.row for one in treatments(w.d1(), after, order, w.config())]


def test_each_change_falls_into_its_row() -> None:
    cheap = w.line(ADD, "L9", product_code="SEAT-STD", quantity=5, unit_price=w.price("200"))
    assert row(w.quantity(70)) == ["M2"]
    assert row(cheap) == ["M3"]
    assert row(w.quantity(40)) == ["M4"]
    assert row(w.line(REMOVE)) == ["M4"]
    assert row(w.line(PRICE, unit_price=w.price("250"))) == ["M5"]
    assert row(w.line(LineAction.QUANTITY, quantity=70, unit_price=w.price("250"))) == ["M5"]
    assert row(w.line(SWAP, product_code="SEAT-PRO")) == ["M6"]
    assert row(w.quantity(70), reason=ScopeReason.ERROR) == ["M1"]
    later = date(2026, 8, 1)
    lower = w.line(PRICE, unit_price=w.price("250"))
    assert row(lower, reason=ScopeReason.CONCESSION, accepted=later) == ["M11"]


def test_the_range_around_the_list_price_is_kept_with_the_decision() -> None:
    order = w.amendment(w.quantity(70), on=w.JULY)
    after = amended(w.d1(), order, w.config(), w.JULY)
    (found,) = treatments(w.d1(), after, order, w.config())
    assert found.change.ssp_low is not None
    assert found.change.ssp_high is not None
    assert (found.change.ssp_low.amount, found.change.ssp_high.amount) == (270, 330)


def test_onboarding_has_the_wider_range_of_the_fact_sheet() -> None:
    mapping = w.config().product("ONB", w.JULY)
    assert mapping is not None
    assert mapping.ssp_range_percent == 20


def test_ends_renewals_and_terms_have_their_rows() -> None:
    before, end = w.d1(), w.cancellation()
    after = ended(before, end, w.JULY)
    assert [one.row for one in treatments(before, after, end, w.config())] == ["M12"]
    renewal = w.renewal()
    after = renewed(before, renewal, w.config(), w.JULY)
    assert [one.row for one in treatments(before, after, renewal, w.config())] == ["M13"]
    terms = w.amendment(payment_terms="NET30")
    after = amended(before, terms, w.config(), w.JULY)
    assert [one.row for one in treatments(before, after, terms, w.config())] == ["M14"]


def test_usage_is_no_obligation_of_a_change() -> None:
    order = w.amendment(w.line(ADD, "L9", product_code="API-USE", quantity=0))
    after = amended(w.monthly(), order, w.config(), w.JULY)
    found = treatments(w.monthly(), after, order, w.config())
    assert [one.row for one in found] == ["M14"]


def policy(**values: object) -> ConfigSet:
    changed = w.config().policy.model_copy(update=values)
    return w.config().model_copy(update={"policy": changed})


def asked(order: ChangeOrder, config: ConfigSet | None = None, today: date = w.JULY) -> list[str]:
    config, before = config or w.config(), w.d1()
    if order.kind == "amendment":
        after = amended(before, order, config, today)
    elif order.kind == "renewal":
        after = renewed(before, order, config, today)
    else:
        after = ended(before, order, today)
    money = change_money(before, after, w.JULY)
    return [one.rule for one in approvals(before, after, order, money, config, today)]


def test_an_amendment_above_the_limit_waits() -> None:
    order = w.amendment(w.quantity(70))
    assert asked(order) == []
    assert asked(order, policy(amendment_approval_net={"USD": Decimal("2722.18")})) == [
        "change.amount"
    ]
    assert asked(order, policy(amendment_approval_net={"USD": Decimal("2722.19")})) == []


def test_a_change_too_far_back_waits() -> None:
    assert asked(w.amendment(w.quantity(70), on=date(2026, 5, 31))) == ["change.backdated"]
    assert asked(w.amendment(w.quantity(70), on=date(2026, 6, 1))) == []


def test_a_reduction_waits_where_policy_says_so() -> None:
    strict = policy(reduction_needs_approval=True)
    assert asked(w.amendment(w.quantity(40)), strict) == ["change.reduction"]
    assert asked(w.amendment(w.line(REMOVE)), strict) == ["change.reduction"]
    assert asked(w.amendment(w.quantity(60)), strict) == []
    assert asked(w.amendment(w.quantity(40))) == []


def test_a_price_too_far_below_list_waits_and_one_agreed_before_does_not() -> None:
    cheap = w.line(PRICE, unit_price=w.price("239"))
    assert asked(w.amendment(cheap)) == ["change.discount"]
    assert asked(w.renewal(w.line(PRICE, unit_price=w.price("239")))) == ["change.discount"]
    assert asked(w.renewal(decision=RenewalDecision.DECLINE)) == []
    usage = w.line(ADD, "L9", product_code="API-USE", quantity=0, unit_price=w.price("0.001"))
    before = w.monthly()
    order = w.amendment(usage)
    after = amended(before, order, w.config(), w.JULY)
    money = change_money(before, after, w.JULY)
    assert approvals(before, after, order, money, w.config(), w.JULY) == ()


def test_a_free_price_has_no_discount() -> None:
    before, order = free(w.d1()), w.amendment(w.line(PRICE, unit_price=w.price("1")))
    after = amended(before, order, w.config(), w.JULY)
    money = change_money(before, after, w.JULY)
    assert approvals(before, after, order, money, w.config(), w.JULY) == ()


def test_an_end_waits_unless_policy_says_otherwise() -> None:
    assert asked(w.cancellation()) == ["change.cancellation"]
    assert asked(w.cancellation(), policy(cancellation_needs_approval=False)) == []
    assert asked(w.cancellation(ChangeTiming.TERM_END)) == ["change.cancellation"]


def test_a_withdrawal_waits_for_nobody() -> None:
    money = change_money(w.d1(), w.d1(), w.JULY)
    assert approvals(w.d1(), w.d1(), withdrawal("x"), money, w.config(), w.JULY) == ()


def test_a_contract_keeps_how_it_renews() -> None:
    terms = w.d1().renewal
    assert terms is not None
    assert (terms.kind, terms.notice_days, terms.lead_days) == (RenewalKind.MANUAL, 30, 30)
    deal = build.d1().model_copy(
        update={
            "auto_renew": True,
            "notice_days": None,
            "renewal_uplift_percent": Decimal(7),
        }
    )
    terms = build_contract(deal, w.config(), build.D1_TODAY, "C").renewal
    assert terms is not None
    assert (terms.kind, terms.notice_days, terms.uplift_percent) == (RenewalKind.AUTO, 30, 7)
    assert w.d3().term_kind is TermKind.EVERGREEN
    assert w.d3().renewal is not None
    assert w.d3().renewal.kind is RenewalKind.NONE


def test_an_uplift_that_is_not_agreed_leaves_a_deals_hash_as_it_was() -> None:
    deal = build.d1()
    assert "renewal_uplift_percent" in type(deal).model_fields
    agreed = deal.model_copy(update={"renewal_uplift_percent": Decimal(7)})
    assert deal.content_hash() != agreed.content_hash()
    assert deal.content_hash() == (
        "6c5fc05bbe1f95f718ef45343f84138bb5ebe33cb2acc0b7d517b79d9db45a1b"
    )
