"""OB-09: T7, T9, T11, T12 and T15 with the figures of facts/domain.md §9.6 and §9.9, each with one
that is wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dealthread.domain.closing.cash import (
    BankedPayout,
    CustomerMoney,
    check_customers,
    check_payouts,
)
from dealthread.domain.closing.documents import (
    ControlAccount,
    CountedDocument,
    ForeignEntry,
    NumberSeries,
    NumberUse,
    check_billed_and_posted,
    check_control_accounts,
    check_numbers,
)
from dealthread.domain.closing.tie import Scope
from dealthread.domain.money import Money

US = Scope(seller="US01", currency="USD")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def _customer(key: str, scope: Scope, **amounts: str) -> CustomerMoney:
    names = tuple(CustomerMoney.model_fields)[1:]
    return CustomerMoney.model_validate(
        {"customer_key": key}
        | {name: Money.of(amounts.get(name, "0"), scope.currency) for name in names}
    )


@pytest.mark.parametrize(
    ("currency", "amounts"),
    [
        ("USD", {"invoiced": "18792.86", "received": "18792.86"}),
        (
            "EUR",
            {
                "invoiced": "21134.40",
                "credited": "2620.08",
                "received": "21134.40",
                "credit_balance": "2620.08",
            },
        ),
        ("GBP", {"invoiced": "3284.45", "received": "1480.00", "written_off": "1804.45"}),
        ("USD", {"invoiced": "47034.00", "received": "47043.00", "unapplied": "9.00"}),
        ("EUR", {"invoiced": "12000.00", "received": "12000.00"}),
    ],
    ids=["D1", "D2", "D3", "D4", "D5"],
)
def test_what_a_customer_was_invoiced_is_paid_given_up_or_open(
    currency: str, amounts: dict[str, str]
) -> None:
    """T7; with a receivable of a cent nobody owes, it does not tie."""
    scope = Scope(seller="X", currency=currency)
    one = _customer("K", scope, **amounts)
    assert check_customers(scope, [one]).is_tied
    wrong = one.model_copy(update={"receivable": Money.of("0.01", currency)})
    (told,) = check_customers(scope, [wrong]).differences
    assert (told.customer_key, told.off) == ("K", Decimal("0.01"))


def test_credit_spent_on_another_customer_is_seen_although_the_sum_is_right() -> None:
    mine = _customer("K1", US, invoiced="100.00", credit_balance="0", receivable="100.00")
    theirs = _customer("K2", US, credited="20.00", credit_balance="20.00")
    assert check_customers(US, [mine, theirs]).is_tied
    moved = [
        mine.model_copy(update={"receivable": usd("80.00")}),
        theirs.model_copy(update={"credit_balance": usd("0")}),
    ]
    answer = check_customers(US, moved)
    assert answer.expected == answer.found
    assert not answer.is_tied
    assert [one.customer_key for one in answer.differences] == ["K1", "K2"]


def test_a_payout_is_its_transactions_and_the_banks_line() -> None:
    """T9: 15,891.00 − 461.14 = 15,429.86."""
    amount = usd("15429.86")
    payout = BankedPayout(payout="po_1", amount=amount, transactions=amount, bank_line=amount)
    assert check_payouts(US, [payout]).is_tied
    (one,) = check_payouts(
        US, [payout.model_copy(update={"bank_line": usd("15429.68")})]
    ).differences
    assert (one.document, one.off) == ("po_1", Decimal("-0.18"))


def _deferred(**more: object) -> ControlAccount:
    return ControlAccount(
        account="2300",
        what="deferred revenue",
        sub_ledger=usd("3669.07"),
        general_ledger=usd("3669.07"),
        **more,
    )


def test_a_control_account_is_the_sum_of_its_documents() -> None:
    """T11: deferred revenue of D4, unapplied cash of D4."""
    cash = ControlAccount(
        account="2200",
        what="unapplied cash",
        sub_ledger=usd("9.00"),
        general_ledger=usd("9.00"),
    )
    assert check_control_accounts(US, [_deferred(), cash]).is_tied
    wrong = _deferred().model_copy(update={"general_ledger": usd("3669.04")})
    (one,) = check_control_accounts(US, [wrong, cash]).differences
    assert (one.account, one.off) == ("2300", Decimal("-0.03"))


def test_an_entry_that_nobody_named_is_told_although_it_comes_to_nothing_in_sum() -> None:
    foreign = (
        ForeignEntry(document="77", amount=usd("5.00")),
        ForeignEntry(document="78", amount=usd("-5.00")),
    )
    answer = check_control_accounts(US, [_deferred(foreign=foreign)])
    assert (answer.expected == answer.found, answer.is_tied) == (True, False)
    assert [one.document for one in answer.differences] == ["77", "78"]
    named = frozenset({"77", "78"})
    assert check_control_accounts(US, [_deferred(foreign=foreign, named=named)]).is_tied


BILLED = [
    CountedDocument(number="US-000001", total=usd("15891.00"), contract_key="D1"),
    CountedDocument(number="US-000002", total=usd("47034.00"), contract_key="D4"),
    CountedDocument(number="US-000003", total=usd("2901.86"), contract_key="D1"),
]


def test_what_was_billed_is_posted_document_by_document() -> None:
    """T12."""
    answer = check_billed_and_posted(US, BILLED, BILLED)
    assert (answer.is_tied, answer.compared, answer.found) == (True, 3, Decimal("65826.86"))


def test_a_bill_on_its_way_is_told_by_its_document() -> None:
    (one,) = check_billed_and_posted(US, BILLED, BILLED[:2]).differences[:1]
    assert (one.document, one.contract_key, one.cause) == ("US-000003", "D1", "not posted")


def test_two_wrong_totals_that_cancel_out_are_told() -> None:
    posted = [
        BILLED[0].model_copy(update={"total": usd("15891.01")}),
        BILLED[1].model_copy(update={"total": usd("47033.99")}),
        BILLED[2],
    ]
    answer = check_billed_and_posted(US, BILLED, posted)
    assert answer.expected == answer.found
    assert [one.document for one in answer.differences] == ["US-000001", "US-000002"]


def test_a_document_that_was_posted_twice_is_counted() -> None:
    answer = check_billed_and_posted(US, BILLED, [*BILLED, BILLED[2]])
    assert [one.found for one in answer.differences] == [Decimal("5803.72"), Decimal(2)]


def _series(*numbers: int) -> NumberSeries:
    uses = tuple(NumberUse(number=one, document=f"US-{one:06}") for one in numbers)
    return NumberSeries(billing_account="acct_alder_us", series="US-", used=uses)


def test_numbers_have_no_gap_and_no_second_use() -> None:
    """T15."""
    assert check_numbers("US01", _series(1, 2, 3)).is_tied
    assert check_numbers("US01", _series()).is_tied
    (gap,) = check_numbers("US01", _series(1, 3)).differences
    assert (gap.document, gap.found) == ("US-2", Decimal(0))
    twice = check_numbers("US01", _series(1, 2, 2))
    assert [one.document for one in twice.differences] == ["US-000002"]
    gap_and_twice = check_numbers("US01", _series(1, 3, 3))
    assert gap_and_twice.expected == gap_and_twice.found
    assert not gap_and_twice.is_tied
