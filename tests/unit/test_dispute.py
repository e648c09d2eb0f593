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
def test_lost_and_given_back_in_part_nothing_is_left_on_disputes(policy: LostDispute) -> None:
    """891.00 comes back to the clearing account, 15,000.00 is gone."""
    books: dict[str, Decimal] = {}
    lost = dispute(status=DisputeStatus.LOST, reinstated=usd("891.00"), reinstated_on=ON)
    add(books, opened_entry(lost, KEY, "1", ACCOUNTS, "US-000001"))
    back = won_entry(lost, KEY, "1", ACCOUNTS, "US-000001")
    add(books, back)
    add(books, lost_entry(lost, KEY, "1", ACCOUNTS, "US-000001", ON, policy))
    assert back is not None
    assert back.description == "Dispute du_1 of US-000001 given back"
    gone = {LostDispute.REOPEN: ("-15.00", "15.00"), LostDispute.LOSS: ("-15015.00", "15015.00")}
    clearing, costs = map(Decimal, gone[policy])
    assert {account: amount for account, amount in books.items() if amount} == {
        "1050": clearing,
        "6650": costs,
    }


def test_of_one_that_was_converted_only_what_came_back_leaves_disputes_where_it_is_lost() -> None:
    """1,050.00 USD taken for 1,000.00 EUR: won, all of it leaves at once; lost, what came back."""
    euros = {"amount": Money.of("1000.00", "EUR"), "withdrawn": usd("1050.00")}
    left = {}
    for status in (DisputeStatus.WON, DisputeStatus.LOST):
        books: dict[str, Decimal] = {}
        one = dispute(status=status, reinstated=usd("500.00"), reinstated_on=ON, **euros)
        add(books, opened_entry(one, KEY, "1", ACCOUNTS, "US-000001"))
        add(books, won_entry(one, KEY, "1", ACCOUNTS, "US-000001"))
        left[status] = (books["1060"], books.get("7000"))
    assert left == {
        DisputeStatus.WON: (Decimal("0.00"), Decimal("550.00")),
        DisputeStatus.LOST: (Decimal("550.00"), None),
    }


def test_lost_with_the_loss_booked_nobody_owes_anything() -> None:
    books: dict[str, Decimal] = {}
    lost = dispute(status=DisputeStatus.LOST)
    add(books, opened_entry(lost, KEY, "1", ACCOUNTS, "US-000001"))
    add(books, lost_entry(lost, KEY, "1", ACCOUNTS, "US-000001", ON, LostDispute.LOSS))
    assert {account: amount for account, amount in books.items() if amount} == {
        "6650": Decimal("15906.00"),
        "1050": Decimal("-15906.00"),
    }
