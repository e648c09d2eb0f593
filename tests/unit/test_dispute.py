"""What the ledger gets of a disputed payment: facts/domain.md §5, "Dispute" (PF-08)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.dispute import (
    Dispute,
    DisputeAccounts,
    DisputeStatus,
    LostDispute,
    given_back_entry,
    lost_entry,
    opened_entry,
    won_entry,
)
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.money import Money
from dealthread.domain.payout import (
    MovementKind,
    Movements,
    Payout,
    PayoutAccounts,
    PayoutStatus,
    Posted,
    settlement_of,
)

KEY, ON = "DTAAAAAAAAAAAAAA", date(2026, 3, 1)
ACCOUNTS = DisputeAccounts()


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def dispute(**changes: Any) -> Dispute:
    """15,891.00 taken with a fee of 15.00."""
    return Dispute(
        ref=Ref(system=System.BILLING, account="acct_1", kind="dispute", native_id="du_1"),
        status=DisputeStatus.OPEN,
        amount=usd("15891.00"),
        reason="fraudulent",
        withdrawn=usd("15891.00"),
        reinstated=usd("0.00"),
        fee=usd("15.00"),
        fee_returned=usd("0.00"),
        opened_on=date(2026, 2, 1),
        invoice_id="in_1",
        payment_id="inpay_1",
    ).model_copy(update=changes)


def add(books: dict[str, Decimal], journal: LedgerJournal | None) -> None:
    assert journal is not None
    for line in journal.lines:
        books[line.account] = books.get(line.account, Decimal(0)) + line.signed.amount


def paid_out(books: dict[str, Decimal], amount: str, fee: str) -> None:
    """The payout that contains the movement."""
    moved = Movements(kind=MovementKind.DISPUTE, count=1, amount=usd(amount), fee=usd(fee))
    payout = Payout(
        ref=Ref(system=System.BILLING, account="acct_1", kind="payout", native_id="po_1"),
        status=PayoutStatus.PAID,
        amount=moved.net,
        arrival_date=ON,
        is_automatic=True,
        is_itemised=True,
        movements=(moved,),
    )
    at = Posted(document_key=KEY, company="1")
    add(books, settlement_of(payout, at, PayoutAccounts()))


def test_what_was_taken_stands_on_disputes_and_the_claim_stays_settled() -> None:
    """The entry names dispute and invoice; the payout leaves nothing on clearing."""
    books: dict[str, Decimal] = {}
    journal = opened_entry(dispute(), KEY, "1", ACCOUNTS, "US-000001")
    add(books, journal)
    assert books == {
        "1060": Decimal("15891.00"),
        "6650": Decimal("15.00"),
        "1050": Decimal("-15906.00"),
    }
    assert journal is not None
    assert journal.description == "Dispute du_1 of US-000001"
    paid_out(books, "-15891.00", "15.00")
    assert books["1050"] == 0
    assert books["1000"] == Decimal("-15906.00")


def test_an_inquiry_takes_nothing() -> None:
    none = dispute(withdrawn=usd("0.00"), fee=usd("0.00"))
    assert opened_entry(none, KEY, "1", ACCOUNTS, "US-000001") is None
    assert won_entry(none, KEY, "1", ACCOUNTS, "US-000001") is None
    assert lost_entry(none, KEY, "1", ACCOUNTS, "x", ON, LostDispute.LOSS) is None


@pytest.mark.parametrize("fee_back", ["0.00", "15.00"])
def test_won_it_goes_back_and_only_the_fee_that_was_kept_is_a_cost(fee_back: str) -> None:
    books: dict[str, Decimal] = {}
    won = dispute(
        status=DisputeStatus.WON,
        reinstated=usd("15891.00"),
        reinstated_on=ON,
        fee_returned=usd(fee_back),
    )
    add(books, opened_entry(won, KEY, "1", ACCOUNTS, "US-000001"))
    entry = won_entry(won, KEY, "1", ACCOUNTS, "US-000001")
    add(books, entry)
    kept = Decimal("15.00") - Decimal(fee_back)
    assert {account: amount for account, amount in books.items() if amount} == (
        {"6650": kept, "1050": -kept} if kept else {}
    )
    assert entry is not None
    assert entry.posting_date == ON


def test_lost_with_the_receivable_open_again_nothing_is_left_on_disputes_or_clearing() -> None:
    """With the opposite of the payment's entry: the customer owes it, the fee is a cost."""
    books = {"1050": Decimal("15891.00"), "1100": Decimal(0)}
    lost = dispute(status=DisputeStatus.LOST)
    paid = Movements(kind=MovementKind.CHARGE, count=1, amount=usd("15891.00"), fee=usd("461.14"))
    first = Payout(
        ref=Ref(system=System.BILLING, account="acct_1", kind="payout", native_id="po_0"),
        status=PayoutStatus.PAID,
        amount=paid.net,
        arrival_date=ON,
        is_automatic=True,
        is_itemised=True,
        movements=(paid,),
    )
    add(books, settlement_of(first, Posted(document_key=KEY, company="1"), PayoutAccounts()))
    add(books, opened_entry(lost, KEY, "1", ACCOUNTS, "US-000001"))
    paid_out(books, "-15891.00", "15.00")
    books["1100"] += Decimal("15891.00")
    books["1050"] -= Decimal("15891.00")
    add(books, lost_entry(lost, KEY, "1", ACCOUNTS, "US-000001", ON, LostDispute.REOPEN))
    assert {account: amount for account, amount in books.items() if amount} == {
        "1100": Decimal("15891.00"),
        "6650": Decimal("15.00"),
        "6600": Decimal("461.14"),
        "1000": Decimal("-476.14"),
    }


@pytest.mark.parametrize("policy", LostDispute)
def test_what_is_given_back_of_a_lost_one_books_the_same_whenever_it_comes(
    policy: LostDispute,
) -> None:
    """891.00 and 5.00 of the fee come back, with the loss or after it: the entries of the loss are
    the same. Opened again, the 891.00 are left of the payment, which is a document of its own."""
    lost = dispute(status=DisputeStatus.LOST)
    back = dispute(
        status=DisputeStatus.LOST,
        reinstated=usd("891.00"),
        reinstated_on=ON,
        fee_returned=usd("5.00"),
    )
    taken = [lost_entry(one, KEY, "1", ACCOUNTS, "x", ON, policy) for one in (lost, back)]
    assert taken[0] == taken[1]
    assert given_back_entry(lost, KEY, "1", ACCOUNTS, "x", policy) is None
    books: dict[str, Decimal] = {}
    add(books, opened_entry(back, KEY, "1", ACCOUNTS, "x"))
    add(books, taken[0])
    add(books, given_back_entry(back, KEY, "1", ACCOUNTS, "x", policy))
    reopened = {"1050": Decimal("-10.00"), "6650": Decimal("10.00")}
    loss = {"1050": Decimal("-15010.00"), "6650": Decimal("15010.00")}
    assert {account: amount for account, amount in books.items() if amount} == (
        reopened if policy is LostDispute.REOPEN else loss
    )


def test_lost_with_the_loss_booked_nobody_owes_anything() -> None:
    books: dict[str, Decimal] = {}
    lost = dispute(status=DisputeStatus.LOST)
    add(books, opened_entry(lost, KEY, "1", ACCOUNTS, "US-000001"))
    add(books, lost_entry(lost, KEY, "1", ACCOUNTS, "US-000001", ON, LostDispute.LOSS))
    assert {account: amount for account, amount in books.items() if amount} == {
        "6650": Decimal("15906.00"),
        "1050": Decimal("-15906.00"),
    }
