"""What the ledger gets of a payout (PF-08): D1 of facts/domain.md §9.8, and what does not fit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ledger_documents import _MONEY
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import PaymentWay
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.money import Money
from dealthread.domain.payout import (
    CLEARING,
    MovementKind,
    Movements,
    MovementSums,
    Payout,
    PayoutAccounts,
    PayoutStatus,
    Posted,
    check,
    return_of,
    settlement_of,
)
from dealthread.errors import StepRejected

AT = Posted(document_key="DTAAAAAAAAAAAAAA", company="1")
ACCOUNTS = PayoutAccounts()


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def moved(kind: MovementKind, amount: str, fee: str = "0.00", count: int = 1) -> Movements:
    return Movements(kind=kind, count=count, amount=usd(amount), fee=usd(fee), vendor_kinds=("x",))


def payout(amount: str, *movements: Movements, **changes: Any) -> Payout:
    return Payout(
        ref=Ref(system=System.BILLING, account="acct_1", kind="payout", native_id="po_1"),
        status=PayoutStatus.PAID,
        amount=usd(amount),
        arrival_date=date(2026, 1, 5),
        is_automatic=True,
        is_itemised=True,
        movements=movements,
    ).model_copy(update=changes)


def by_account(journal: LedgerJournal | None) -> dict[str, Decimal]:
    assert journal is not None
    found: dict[str, Decimal] = {}
    for line in journal.lines:
        found[line.account] = found.get(line.account, Decimal(0)) + line.signed.amount
    return found


def test_d1s_charge_is_paid_out_less_its_fee() -> None:
    """1000 15,429.86 and 6600 461.14 against 1050 15,891.00."""
    made = payout("15429.86", moved(MovementKind.CHARGE, "15891.00", "461.14"))
    check(made, "USD")
    journal = settlement_of(made, AT, ACCOUNTS)
    assert by_account(journal) == {
        "1000": Decimal("15429.86"),
        "6600": Decimal("461.14"),
        "1050": Decimal("-15891.00"),
    }
    assert journal is not None
    assert (journal.posting_date, journal.description) == (date(2026, 1, 5), "Payout po_1")


def test_each_kind_of_movement_is_a_line_of_its_own() -> None:
    """A refund gives no fee back; a dispute's fee is borne by the dispute's own document."""
    made = payout(
        "1000.00",
        moved(MovementKind.CHARGE, "1500.00", "45.00", 3),
        moved(MovementKind.REFUND, "-300.00"),
        moved(MovementKind.DISPUTE, "-100.00", "15.00"),
        moved(MovementKind.FEE, "-10.00"),
        moved(MovementKind.ADJUSTMENT, "-30.00"),
    )
    check(made, "USD")
    journal = settlement_of(made, AT, PayoutAccounts(adjustments="6650"))
    assert journal is not None
    assert [(line.account, str(line.signed), line.text) for line in journal.lines] == [
        ("1000", "1,000.00 USD", "paid out"),
        ("1050", "-1,500.00 USD", "charge (3)"),
        ("1050", "300.00 USD", "refund (1)"),
        ("1050", "115.00 USD", "dispute (1)"),
        ("6650", "30.00 USD", "adjustment (1)"),
        ("6600", "55.00 USD", "processing fees"),
    ]


def test_one_that_came_back_stands_on_the_clearing_account_until_it_is_paid_again() -> None:
    """The fee stays booked, the second payout takes the rest off: nothing is left on clearing."""
    first = payout(
        "97.00",
        moved(MovementKind.CHARGE, "100.00", "3.00"),
        status=PayoutStatus.FAILED,
        failure_code="account_closed",
        returned_on=date(2026, 1, 8),
    )
    again = payout("97.00", moved(MovementKind.RETURNED, "97.00"))
    books = {"1050": Decimal("100.00")}
    for journal in (
        settlement_of(first, AT, ACCOUNTS),
        return_of(first, AT, ACCOUNTS),
        settlement_of(again, AT, ACCOUNTS),
    ):
        for account, amount in by_account(journal).items():
            books[account] = books.get(account, Decimal(0)) + amount
    assert books == {"1000": Decimal("97.00"), "6600": Decimal("3.00"), "1050": Decimal(0)}
    returned = return_of(first, AT, ACCOUNTS)
    assert returned is not None
    assert (returned.posting_date, returned.lines[0].text) == (date(2026, 1, 8), "account_closed")


def test_one_that_fails_before_it_arrives_is_posted_on_the_day_of_its_return() -> None:
    made = payout(
        "97.00",
        moved(MovementKind.CHARGE, "100.00", "3.00"),
        status=PayoutStatus.CANCELLED,
        returned_on=date(2026, 1, 3),
    )
    settled = settlement_of(made, AT, ACCOUNTS)
    assert settled is not None
    assert settled.posting_date == date(2026, 1, 3)


def test_more_refunded_than_charged_is_taken_from_the_bank() -> None:
    made = payout("-50.00", moved(MovementKind.REFUND, "-50.00"))
    check(made, "USD")
    assert by_account(settlement_of(made, AT, ACCOUNTS)) == {
        "1000": Decimal("-50.00"),
        "1050": Decimal("50.00"),
    }


@pytest.mark.parametrize(
    ("made", "code", "field"),
    [
        (
            payout("97.01", moved(MovementKind.CHARGE, "100.00", "3.00")),
            "payout_is_not_its_movements",
            "amount",
        ),
        (payout("97.00", is_automatic=False), "manual_payout", "automatic"),
        (
            payout("97.00", moved(MovementKind.CHARGE, "97.00"), converted="txn_1"),
            "movement_was_converted",
            "exchange_rate",
        ),
        (payout("5.00", moved(MovementKind.UNKNOWN, "5.00")), "movement_unknown", "type"),
    ],
)
def test_what_cannot_be_posted_names_its_field(made: Payout, code: str, field: str) -> None:
    with pytest.raises(StepRejected) as refused:
        check(made, "USD")
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.case_kind == "cash.payout_mismatch"


@pytest.mark.parametrize("kind", [MovementKind.REFUND, MovementKind.DISPUTE, MovementKind.RETURNED])
def test_what_has_no_amount_in_the_ledger_in_another_currency_is_for_a_person(
    kind: MovementKind,
) -> None:
    made = payout("1.00", moved(MovementKind.CHARGE, "2.00"), moved(kind, "-1.00"))
    with pytest.raises(StepRejected) as refused:
        check(made, "GBP")
    assert (refused.value.code, refused.value.field) == ("payout_in_another_currency", "currency")
    assert refused.value.evidence["kinds"] == kind
    converted = made.model_copy(update={"converted": "txn_1", "converted_kinds": (kind,)})
    with pytest.raises(StepRejected) as refused:
        check(converted, "USD")
    assert refused.value.code == "movement_was_converted"


def test_payments_and_fees_in_another_currency_are_booked() -> None:
    made = payout("1.00", moved(MovementKind.CHARGE, "2.00"), moved(MovementKind.FEE, "-1.00"))
    check(made, "GBP")
    kinds = (MovementKind.CHARGE, MovementKind.FEE)
    check(made.model_copy(update={"converted": "txn_1", "converted_kinds": kinds}), "USD")
    back = made.model_copy(update={"status": PayoutStatus.FAILED})
    with pytest.raises(StepRejected):
        check(back, "GBP")


def test_card_payments_are_booked_where_payouts_take_them_from() -> None:
    assert _MONEY[PaymentWay.PROCESSOR] == CLEARING


_CENTS = st.integers(-10_000_00, 10_000_00)
_BOOKED = [kind for kind in MovementKind if kind is not MovementKind.UNKNOWN]


@given(st.lists(st.tuples(st.sampled_from(_BOOKED), _CENTS, st.integers(-500, 5_000)), max_size=30))
def test_any_movements_balance_and_reach_the_bank_to_the_cent(
    rows: list[tuple[MovementKind, int, int]],
) -> None:
    """Counted another way: the bank gets the plain sum of amounts less fees."""
    sums = MovementSums()
    for kind, amount, fee in rows:
        sums = sums.plus(
            kind, Money.from_minor(amount, "USD"), Money.from_minor(fee, "USD"), "vendor"
        )
    total = sum(amount - fee for _, amount, fee in rows)
    made = payout(str(Decimal(total).scaleb(-2)), *sums.all())
    check(made, "USD")
    journal = settlement_of(made, AT, ACCOUNTS)
    if journal is None:
        return
    books = by_account(journal)
    assert sum(books.values()) == 0
    assert books.get("1000", Decimal(0)) == Decimal(total).scaleb(-2)
