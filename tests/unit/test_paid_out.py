"""PF-08: the entry of a payout in which something is not in the ledger's currency. Figures are
counted by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.paid_out import (
    KnownPayment,
    PaidOutPayment,
    entry_of,
    foreign_payout,
    settled_parts,
)
from dealthread.domain.payout import MovementKind, Movements, Payout
from dealthread.errors import StepRejected
from tests.unit.test_payout import ACCOUNTS, AT, payout


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


def moved(kind: MovementKind, amount: Money, fee: Money) -> Movements:
    return Movements(kind=kind, count=1, amount=amount, fee=fee)


def paid(key: str, original: Money, amount: Money, fee: Money) -> PaidOutPayment:
    return PaidOutPayment(payment=key, original=original, amount=amount, fee=fee)


def part(payment: str, amount: Money, carried: Money | None, number: int = 1) -> KnownPayment:
    return KnownPayment(
        payment=payment,
        amount=amount,
        native_id=f"inpay_{payment}_{number}",
        contract_key="C-1",
        customer_key="A-1",
        invoice_id=f"in_{number}",
        invoice_number=f"N-{number}",
        carried=carried,
    )


def known(**carried: tuple[Money, Money]) -> dict[str, list[KnownPayment]]:
    """By payment, what was paid and what the ledger has of it."""
    return {key: [part(key, paid, own)] for key, (paid, own) in carried.items()}


def of(amount: Money, *movements: Movements) -> Payout:
    return payout("0.00", *movements).model_copy(update={"amount": amount})


def lines(
    found: Payout, paid: list[PaidOutPayment], known: dict[str, list[KnownPayment]], rate: str = ""
) -> list[tuple[str, str, str]]:
    foreign = foreign_payout(found, paid, known, "USD", AT, ACCOUNTS)
    given_rate = (
        LedgerRate(
            currency="USD", rate=Decimal(rate), rate_date=date(2026, 1, 5), source="treasury"
        )
        if rate
        else None
    )
    entry = entry_of(foreign, given_rate, "USD")
    return [(one.account, str(one.signed), str(one.document_amount or "")) for one in entry.lines]


def test_a_converted_payment_beside_one_of_the_ledgers_currency() -> None:
    """12.34 and 5.00 less 0.76: the euros were carried at 12.50, 0.16 more than they brought."""
    found = of(usd("16.58"), moved(MovementKind.CHARGE, usd("17.34"), usd("0.76")))
    payments = [
        paid("a", eur("10.00"), usd("12.34"), usd("0.66")),
        paid("b", usd("5.00"), usd("5.00"), usd("0.10")),
    ]
    assert lines(found, payments, known(a=(eur("10.00"), usd("12.50")))) == [
        ("1000", "16.58 USD", ""),
        ("6600", "0.76 USD", ""),
        ("1050", "-12.50 USD", "10.00 EUR"),
        ("1050", "-5.00 USD", ""),
        ("7000", "0.16 USD", ""),
    ]


def test_a_balance_in_euros_with_pounds_and_dollars_converted_into_it() -> None:
    """100.00 EUR, 87.00 GBP and 55.00 USD came to 100.00, 102.00 and 50.00 EUR less 8.00 of fees
    and 2.00 of a fee by itself: 242.00 EUR at 1.10 are 266.20, and 11.00 of fees; carried were
    108.00, 113.10 and 55.00: 1.10 is gained."""
    found = of(
        eur("242.00"),
        moved(MovementKind.CHARGE, eur("252.00"), eur("8.00")),
        moved(MovementKind.FEE, eur("-2.00"), eur("0.00")),
    )
    payments = [
        paid("a", eur("100.00"), eur("100.00"), eur("3.00")),
        paid("b", gbp("87.00"), eur("102.00"), eur("3.00")),
        paid("c", usd("55.00"), eur("50.00"), eur("2.00")),
    ]
    assert lines(
        found,
        payments,
        known(a=(eur("100.00"), usd("108.00")), b=(gbp("87.00"), usd("113.10"))),
        "1.10",
    ) == [
        ("1000", "266.20 USD", "242.00 EUR"),
        ("6600", "11.00 USD", "10.00 EUR"),
        ("1050", "-108.00 USD", "100.00 EUR"),
        ("1050", "-113.10 USD", "87.00 GBP"),
        ("1050", "-55.00 USD", ""),
        ("7000", "-1.10 USD", ""),
    ]


def test_payments_that_are_not_the_payouts_charges_are_refused() -> None:
    found = of(eur("9.00"), moved(MovementKind.CHARGE, eur("10.00"), eur("1.00")))
    payments = [paid("a", eur("8.00"), eur("8.00"), eur("1.00"))]
    with pytest.raises(StepRejected) as refused:
        lines(found, payments, known(a=(eur("8.00"), usd("8.80"))), "1.10")
    assert (refused.value.code, refused.value.field) == ("payments_are_not_its_charges", "amount")
    assert refused.value.evidence["differ"] == "-2.00 EUR"


def test_one_payment_of_two_invoices_is_carried_and_told_by_both() -> None:
    """10.00 EUR for 7.00 and 3.00: 12.34 USD and 0.66 are 8.64 and 3.70, 0.46 and 0.20."""
    found = of(usd("11.68"), moved(MovementKind.CHARGE, usd("12.34"), usd("0.66")))
    whole = paid("a", eur("10.00"), usd("12.34"), usd("0.66"))
    both = [
        part("a", eur("7.00"), usd("8.75"), 1),
        part("a", eur("3.00"), usd("3.76"), 2),
    ]
    assert lines(found, [whole], {"a": both})[2:] == [
        ("1050", "-12.51 USD", "10.00 EUR"),
        ("7000", "0.17 USD", ""),
    ]
    told = [
        (one.known.invoice_number, str(one.amount), str(one.fee))
        for one in settled_parts(whole, both)
    ]
    assert told == [("N-1", "8.64 USD", "0.46 USD"), ("N-2", "3.70 USD", "0.20 USD")]
    for partly in ([both[0]], [both[0], part("a", eur("3.00"), None, 2)]):
        with pytest.raises(StepRejected) as refused:
            lines(found, [whole], {"a": partly})
        assert refused.value.code == "payment_not_in_the_ledger"
    (alone,) = settled_parts(whole, both[:1])
    assert (str(alone.amount), str(alone.fee)) == ("8.64 USD", "0.46 USD")


cents = st.integers(min_value=1, max_value=10**9)


@given(amounts=st.lists(st.tuples(cents, cents, cents), min_size=1, max_size=6))
def test_any_payments_balance_and_reach_the_bank_to_the_cent(
    amounts: list[tuple[int, int, int]],
) -> None:
    """Paid, converted and carried: whatever they are, the entry is in balance by the difference."""
    payments, carried = [], {}
    for number, (original, amount, book) in enumerate(amounts):
        key = f"p{number}"
        payments.append(
            paid(
                key,
                Money.from_minor(original, "EUR"),
                Money.from_minor(amount, "USD"),
                usd("0.00"),
            )
        )
        carried[key] = (Money.from_minor(original, "EUR"), Money.from_minor(book, "USD"))
    total = Money.from_minor(sum(one for _, one, _ in amounts), "USD")
    found = of(total, moved(MovementKind.CHARGE, total, usd("0.00")))
    foreign = foreign_payout(found, payments, known(**carried), "USD", AT, ACCOUNTS)
    entry = entry_of(foreign, None, "USD")
    sums: dict[str, int] = {}
    for line in entry.lines:
        sums[line.account] = sums.get(line.account, 0) + line.signed.to_minor()
    assert sums["1000"] == total.to_minor()
    assert sums["1050"] == -sum(book for _, _, book in amounts)
    assert sums.get("7000", 0) == -sums["1000"] - sums["1050"]
