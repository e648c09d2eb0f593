"""OB-09: T1, T2, T13 and T14 on the position of 2026-12-31 (facts/domain.md §9.6 to §9.9), each
with one figure that is wrong."""

from __future__ import annotations

from decimal import Decimal

from dealthread.domain.closing.contract_value import (
    ArrMovement,
    DeferredInLedger,
    Obligations,
    ScheduledObligation,
    SoldContract,
    SoldFixed,
    check_arr,
    check_remaining,
    check_schedules,
    check_sold,
)
from dealthread.domain.closing.tie import Scope
from dealthread.domain.money import Money

US = Scope(seller="US01", currency="USD")
UK = Scope(seller="UK01", currency="GBP")
EUR = Scope(seller="UK01", currency="EUR")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


def _sold(
    key: str, sold: str, billed: str, backlog: str, rated: str = "0", unbilled: str = "0"
) -> SoldContract:
    return SoldContract(
        contract_key=key,
        sold=usd(sold),
        billed=usd(billed),
        backlog=usd(backlog),
        usage_rated=usd(rated),
        usage_billed=usd("0"),
        usage_unbilled=usd(unbilled),
    )


def test_what_is_sold_is_billed_or_waits_in_the_billing_plan() -> None:
    """T1: of D4 two yearly bills of three are to come, 64,800.00 and 86,400.00."""
    contracts = [
        _sold("D1", "17722.19", "17722.19", "0"),
        _sold("D4", "194400.00", "43200.00", "151200.00"),
    ]
    answer = check_sold(US, contracts)
    assert answer.is_tied
    assert (answer.compared, answer.expected) == (4, Decimal("212122.19"))


def test_a_billing_plan_that_forgets_a_year_is_told_by_contract() -> None:
    answer = check_sold(US, [_sold("D4", "194400.00", "43200.00", "64800.00")])
    (one,) = answer.differences
    assert not answer.is_tied
    assert (one.contract_key, one.currency, one.off) == ("D4", "USD", Decimal("-86400.00"))


def test_use_of_april_stands_as_a_receivable_until_it_is_billed() -> None:
    """T1, usage: 1,937.04 on 2026-04-30; without the receivable it does not tie."""
    april = SoldContract(
        contract_key="D3",
        sold=gbp("400.00"),
        billed=gbp("400.00"),
        backlog=gbp("0"),
        usage_rated=gbp("1937.04"),
        usage_billed=gbp("0"),
        usage_unbilled=gbp("1937.04"),
    )
    assert check_sold(UK, [april]).is_tied
    forgotten = april.model_copy(update={"usage_unbilled": gbp("0")})
    (one,) = check_sold(UK, [forgotten]).differences
    assert one.off == Decimal("-1937.04")


def _remaining(key: str, sold: str, recognised: str, remaining: str, backlog: str) -> Obligations:
    return Obligations(
        contract_key=key,
        sold=usd(sold),
        recognised=usd(recognised),
        remaining=usd(remaining),
        backlog=usd(backlog),
    )


def test_what_remains_is_deferred_or_to_be_billed() -> None:
    """T2: 154,869.07 = 3,669.07 + 151,200.00."""
    contracts = [
        _remaining("D1", "17722.19", "17722.19", "0", "0"),
        _remaining("D4", "194400.00", "39530.93", "154869.07", "151200.00"),
    ]
    ledger = DeferredInLedger(account="2300", deferred=usd("3669.07"), contract_asset=usd("0"))
    assert check_remaining(US, contracts, ledger).is_tied
    (one,) = check_remaining(
        US, contracts, ledger.model_copy(update={"deferred": usd("3669.04")})
    ).differences
    assert (one.account, one.off) == ("2300", Decimal("-0.03"))


def test_a_schedule_line_that_is_missing_is_told_by_contract_and_by_account() -> None:
    short = [_remaining("D4", "194400.00", "39530.93", "151200.00", "151200.00")]
    ledger = DeferredInLedger(account="2300", deferred=usd("3669.07"), contract_asset=usd("0"))
    told = check_remaining(US, short, ledger).differences
    assert [(one.contract_key, one.account) for one in told] == [("D4", ""), ("", "2300")]


def _obligation(name: str, allocated: str, scheduled: str) -> ScheduledObligation:
    return ScheduledObligation(
        contract_key="D1",
        obligation=name,
        allocated=usd(allocated),
        scheduled=usd(scheduled),
    )


def test_each_schedule_comes_to_its_share_and_all_to_what_was_sold() -> None:
    """T14: billed by line 13,500.00 and 1,500.00, recognised 12,500.00 and 2,500.00: legal."""
    parts = [
        _obligation("seats", "12500.00", "12500.00"),
        _obligation("onboarding", "2500.00", "2500.00"),
        _obligation("more seats", "2722.19", "2722.19"),
    ]
    sold = [SoldFixed(contract_key="D1", sold=usd("17722.19"))]
    answer = check_schedules(US, sold, parts)
    assert (answer.is_tied, answer.compared) == (True, 4)


def test_an_obligation_recognised_at_its_billed_price_does_not_tie() -> None:
    """The total is right; one obligation has what the other lacks."""
    parts = [
        _obligation("onboarding", "2500.00", "1500.00"),
        _obligation("seats", "12500.00", "13500.00"),
    ]
    sold = [SoldFixed(contract_key="D1", sold=usd("15000.00"))]
    answer = check_schedules(US, sold, parts)
    assert not answer.is_tied
    assert [one.off for one in answer.differences] == [Decimal("-1000.00"), Decimal("1000.00")]


def test_a_contract_without_a_schedule_does_not_tie() -> None:
    (one,) = check_schedules(
        US, [SoldFixed(contract_key="D4", sold=usd("194400.00"))], []
    ).differences
    assert (one.contract_key, one.found) == ("D4", Decimal(0))


def _arr(key: str, scope: Scope, **moved: str) -> ArrMovement:
    names = ("opening", "new", "expansion", "contraction", "churn", "price", "exchange", "closing")
    return ArrMovement.model_validate(
        {"contract_key": key}
        | {name: Money.of(moved.get(name, "0"), scope.currency) for name in names}
    )


def test_arr_moves_by_what_changed() -> None:
    """T13: D1 grows by 20 seats of 270.00 in July; D3 ends with May."""
    july = _arr("D1", US, opening="13500.00", expansion="5400.00", closing="18900.00")
    june = _arr("D3", UK, opening="4800.00", churn="4800.00", closing="0")
    assert check_arr(US, [july]).is_tied
    assert check_arr(UK, [june]).is_tied
    (one,) = check_arr(US, [july.model_copy(update={"expansion": usd("5670.00")})]).differences
    assert (one.contract_key, one.off) == ("D1", Decimal("-270.00"))


def test_exchange_moves_nothing_at_a_constant_rate() -> None:
    moved = _arr("D5", EUR, opening="4800.00", exchange="-45.00", closing="4755.00")
    (one,) = check_arr(EUR, [moved]).differences
    assert (one.what, one.off) == ("exchange at a constant rate", Decimal("-45.00"))
