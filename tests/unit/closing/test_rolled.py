"""OB-09: T3 to T6, T8 and T10 with the figures of facts/domain.md §9.6 and §9.9, each with one that
is wrong."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.closing.rolled import (
    ClearingRoll,
    CreditBalanceRoll,
    ReceivableRoll,
    TaxRoll,
    UnappliedRoll,
    check_clearing,
    check_credit_balance,
    check_deferred,
    check_receivable,
    check_tax,
    check_unapplied,
)
from dealthread.domain.closing.tie import Scope
from dealthread.domain.money import Money
from dealthread.domain.recognition.roll_forward import RollForward, Untied

US = Scope(seller="US01", currency="USD")
DE = Scope(seller="DE01", currency="EUR")
UK = Scope(seller="UK01", currency="GBP")


def of(scope: Scope, **amounts: str) -> dict[str, Money]:
    return {name: Money.of(amount, scope.currency) for name, amount in amounts.items()}


def _september(closing: str = "6021.37", **more: object) -> RollForward:
    return RollForward(
        seller="DE01",
        period=date(2026, 9, 1),
        currency="EUR",
        adjustments=(),
        **of(DE, opening="9488.22", billed="-2201.75", recognised="1265.10", closing=closing),
        **more,
    )


def test_deferred_revenue_of_september_ties() -> None:
    """T3: 9,488.22 − 2,201.75 − 1,265.10 = 6,021.37."""
    answer = check_deferred(_september())
    assert (answer.is_tied, answer.expected) == (True, Decimal("6021.37"))


def test_deferred_revenue_off_by_the_credit_of_local_midnight_does_not_tie() -> None:
    """T3: a credit of 2,202.26 is wrong by 0.51."""
    (one,) = check_deferred(_september("6020.86")).differences
    assert one.off == Decimal("-0.51")


def test_a_document_that_the_ledger_tells_otherwise_is_named() -> None:
    untied = Untied(document="DT1", what="billed", **of(DE, ours="-2201.75", ledger="-2202.26"))
    (one,) = check_deferred(_september(untied=(untied,))).differences
    assert (one.document, one.off) == ("DT1", Decimal("-0.51"))


def _uk_year(**wrong: str) -> ReceivableRoll:
    amounts = {
        "opening": "0",
        # D3 480.00 and 2,804.45, D5 10,200.00 at 0.8500.
        "invoiced": "13484.45",
        "credits_applied": "0",
        # 480.00, 1,000.00 and 12,000.00 EUR at 0.8420.
        "receipts_applied": "11584.00",
        "written_off": "1804.45",
        "reopened": "0",
        "unrealised": "0",
        "realised_loss": "96.00",
        "realised_gain": "0",
        "closing": "0",
    }
    return ReceivableRoll(account="1100", **of(UK, **(amounts | wrong)))


def test_receivables_of_a_year_with_a_write_off_and_an_exchange_loss_tie() -> None:
    """T4."""
    assert check_receivable(UK, _uk_year()).is_tied
    (one,) = check_receivable(UK, _uk_year(realised_loss="0")).differences
    assert (one.account, one.currency, one.off) == ("1100", "GBP", Decimal("-96.00"))


def test_a_receivable_is_open_again_where_a_receipt_is_returned() -> None:
    assert check_receivable(UK, _uk_year(reopened="1000.00", closing="1000.00")).is_tied


def _credit(**amounts: str) -> CreditBalanceRoll:
    given = {"opening": "0", "credits_kept": "0", "overpayments": "0", "applied": "0"}
    return CreditBalanceRoll(account="2210", **of(DE, **(given | {"refunded": "0"} | amounts)))


def test_customer_credit_is_kept_and_used() -> None:
    """T5: 2,620.08 is kept on 2026-09-15 and pays the renewal of 2027-03-15."""
    kept = _credit(credits_kept="2620.08", closing="2620.08")
    used = _credit(opening="2620.08", applied="2620.08", closing="0")
    assert check_credit_balance(DE, kept).is_tied
    assert check_credit_balance(DE, used).is_tied
    net = _credit(credits_kept="2201.75", closing="2620.08")
    assert check_credit_balance(DE, net).differences[0].off == Decimal("418.33")


def test_unapplied_cash_is_what_receipts_did_not_settle() -> None:
    """T6: 47,043.00 came in for 47,034.00."""
    march = UnappliedRoll(
        account="2200",
        **of(
            US,
            opening="0",
            received="47043.00",
            applied="47034.00",
            refunded="0",
            closing="9.00",
        ),
    )
    assert check_unapplied(US, march).is_tied
    wrong = march.model_copy(update={"applied": Money.of("47043.00", "USD")})
    (one,) = check_unapplied(US, wrong).differences
    assert (one.account, one.off) == ("2200", Decimal("9.00"))


def _january(**wrong: str) -> ClearingRoll:
    amounts = {
        "opening": "0",
        "charges": "15891.00",
        "refunds": "0",
        "disputes": "0",
        "fees": "461.14",
        "payouts": "15429.86",
        "closing": "0",
        "processor_balance": "0",
    }
    return ClearingRoll(account="1050", **of(US, **(amounts | wrong)))


def test_the_clearing_account_is_the_processors_balance() -> None:
    """T8: 15,891.00 − 461.14 − 15,429.86 = 0.00."""
    assert check_clearing(US, _january()).is_tied
    assert not check_clearing(US, _january(fees="461.13")).is_tied
    (one,) = check_clearing(US, _january(processor_balance="0.30")).differences
    assert (one.what[:13], one.off) == ("the processor", Decimal("-0.30"))


def _tax(account: str, where: str, scope: Scope, **amounts: str) -> TaxRoll:
    given = {"invoices": "0", "credits": "0", "bad_debt_relief": "0", "paid_over": "0"}
    return TaxRoll(account=account, jurisdiction=where, **of(scope, **(given | amounts)))


@pytest.mark.parametrize(
    ("scope", "rolls"),
    [
        (
            US,
            [
                _tax("2110", "Texas", US, invoices="1070.67", movement="1070.67"),
                _tax("2110", "New York", US, invoices="3834.00", movement="3834.00"),
            ],
        ),
        (DE, [_tax("2120", "DE", DE, invoices="3374.40", credits="418.33", movement="2956.07")]),
        (
            UK,
            [
                _tax(
                    "2120", "GB", UK, invoices="547.41", bad_debt_relief="300.74", movement="246.67"
                )
            ],
        ),
    ],
)
def test_tax_payable_moves_by_documents_and_relief(scope: Scope, rolls: list[TaxRoll]) -> None:
    """T10 of 2026, by jurisdiction."""
    answer = check_tax(scope, rolls)
    assert (answer.is_tied, answer.compared) == (True, len(rolls))


def test_tax_that_was_not_relieved_does_not_tie() -> None:
    wrong = _tax("2120", "GB", UK, invoices="547.41", movement="246.67")
    (one,) = check_tax(UK, [wrong]).differences
    assert (one.account, one.off) == ("2120", Decimal("-300.74"))
