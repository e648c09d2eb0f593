"""OB-09: T8 and T9 by what the processor says, with the figures of D1 (facts/domain.md §9.8), each
with one that is wrong; what the ledger does not have yet is between the two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.closing.books import Books, manual_entries
from dealthread.domain.closing.of_processor import (
    PayoutDocuments,
    ProcessorMonth,
    processor_answers,
)
from dealthread.domain.closing.tie import Answer
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, Movements, Payout, PayoutStatus
from dealthread.domain.processor import ProcessorBalance
from dealthread.domain.revenue.journal import Side
from tests.support.closing_books import COMPANY, JUNE, June, june
from tests.support.tryton import document_key

ACCOUNT = "acct_alder_us"


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def moved(kind: MovementKind, amount: str, fee: str = "0.00") -> Movements:
    return Movements(kind=kind, count=1, amount=usd(amount), fee=usd(fee))


CHARGE = moved(MovementKind.CHARGE, "15891.00", "461.14")
"""D1's payment of January, and the processor's fee on it."""


def payout(arrival: date, **changes: object) -> Payout:
    made = Payout(
        ref=Ref(system=System.BILLING, account=ACCOUNT, kind="payout", native_id="po_1"),
        status=PayoutStatus.PAID,
        amount=usd("15429.86"),
        arrival_date=arrival,
        is_automatic=True,
        is_itemised=True,
        movements=(CHARGE,),
    )
    return made.model_copy(update=changes)


def told(balance: str, *payouts: Payout, month: tuple[Movements, ...] = ()) -> ProcessorMonth:
    return ProcessorMonth(
        balance=ProcessorBalance(
            billing_account=ACCOUNT,
            currency="USD",
            balance=usd(balance),
            before=(CHARGE,),
            month=month,
            payouts=payouts,
        ),
        documents=(PayoutDocuments(payout_id="po_1", document_key=KEY, return_key=BACK),),
    )


KEY, BACK = document_key(), document_key()


def _entry(it: June, key: str, day: date, *lines: tuple[str, str]) -> None:
    """Debit above nought."""
    it.payouts.add(key)
    it.ledger.journal(
        LedgerJournal(
            document_key=key,
            company=COMPANY,
            posting_date=day,
            description="payout",
            lines=tuple(
                EntryLine(
                    account=account,
                    side=Side.CREDIT if amount.startswith("-") else Side.DEBIT,
                    amount=usd(amount.removeprefix("-")),
                )
                for account, amount in lines
            ),
        )
    )


def paid_out(it: June, day: date = date(2026, 6, 5)) -> Books:
    """The ledger has it: 1000 15,429.86 and 6600 461.14 off 1050."""
    lines = ("1000", "15429.86"), ("6600", "461.14"), ("1050", "-15891.00")
    _entry(it, KEY, day, *lines)
    return it.books(JUNE)


def answers(books: Books, *months: ProcessorMonth) -> dict[str, Answer]:
    return {str(one.identity.value): one for one in processor_answers(books, months)}


def _off(answer: Answer) -> list[tuple[str, str]]:
    return [(one.what.split(",")[0], str(one.off)) for one in answer.differences]


def test_a_payment_that_waits_is_the_processors_balance_and_its_fee() -> None:
    """15,429.86 at the processor and its 461.14: 15,891.00 on the clearing account."""
    found = answers(june().books(), told("15429.86"))
    assert all(one.is_tied for one in found.values())
    assert str(found["T8"].found) == "31782.00", "the account once against each side"


def test_a_payout_of_the_month_is_its_movements_and_the_ledgers_line_of_the_bank() -> None:
    found = answers(paid_out(june()), told("0.00", payout(date(2026, 6, 5))))
    assert {name: one.is_tied for name, one in found.items()} == {"T8": True, "T9": True}
    assert (found["T9"].compared, str(found["T9"].found)) == (2, "30859.72")


def test_a_payout_that_is_on_its_way_stands_between() -> None:
    """Off the processor's balance in June, at the bank in July: the ledger has it in July."""
    for one in (payout(date(2026, 7, 2)), payout(date(2026, 6, 29), status=PayoutStatus.PENDING)):
        assert all(one.is_tied for one in answers(june().books(), told("0.00", one)).values())


def test_one_that_came_back_stands_on_the_account_again() -> None:
    """Its fee was kept, and is booked: 15,429.86 waits for the next payout."""
    it = june()
    paid_out(it)
    _entry(it, BACK, date(2026, 6, 9), ("1050", "15429.86"), ("1000", "-15429.86"))
    back = payout(date(2026, 6, 5), status=PayoutStatus.FAILED, returned_on=date(2026, 6, 9))
    month = (moved(MovementKind.RETURNED, "15429.86"),)
    found = answers(it.books(), told("15429.86", back, month=month))
    assert all(one.is_tied for one in found.values()), found
    assert found["T9"].compared == 4


@pytest.mark.parametrize(
    ("balance", "payouts", "off"),
    [
        ("15400.00", (), {"T8": [("the processor's balance", "29.86")]}),
        (
            "0.00",
            (payout(date(2026, 6, 5)),),
            {
                "T8": [
                    ("closing", "15891.00"),
                    ("the processor's balance", "15429.86"),
                ],
                "T9": [("payout", "-15429.86")],
            },
        ),
    ],
)
def test_a_balance_that_differs_and_a_payout_that_is_not_posted_are_told(
    balance: str, payouts: tuple[Payout, ...], off: dict[str, list[tuple[str, str]]]
) -> None:
    found = answers(june().books(), told(balance, *payouts))
    assert {name: _off(one) for name, one in found.items() if not one.is_tied} == off


def test_a_payout_by_another_amount_at_the_bank_is_told_by_both() -> None:
    """Transposed: 15,492.86. What is not on the clearing account is T8's."""
    it = june()
    lines = ("1000", "15492.86"), ("6600", "398.14"), ("1050", "-15891.00")
    _entry(it, KEY, date(2026, 6, 5), *lines)
    found = answers(it.books(), told("0.00", payout(date(2026, 6, 5))))
    assert _off(found["T9"]) == [("payout", "63.00")]
    assert _off(found["T8"]) == [("the processor's balance", "-63.00")]


def test_a_charge_that_the_ledger_does_not_have_is_told() -> None:
    month = (moved(MovementKind.CHARGE, "100.00", "3.00"),)
    found = answers(june().books(), told("15526.86", month=month))
    assert [what for what, _ in _off(found["T8"])] == ["closing", "the processor's balance"]
    assert {off for _, off in _off(found["T8"])} == {"-100.00"}


def _by_hand(it: June, *lines: tuple[str, str]) -> None:
    key = document_key()
    _entry(it, key, date(2026, 6, 5), *lines)
    it.payouts.discard(key)
    it.replace(key, it.entry(key).model_copy(update={"document_key": ""}))


HELD = moved(MovementKind.UNKNOWN, "-100.00")
"""A reserve: nobody has named its account."""
LEFT_TO_PEOPLE = [
    (payout(date(2026, 6, 5), is_automatic=False, is_itemised=False, movements=()), ()),
    (payout(date(2026, 6, 5), converted="txn_1"), ()),
    (payout(date(2026, 6, 5), amount=usd("15329.86"), movements=(CHARGE, HELD)), (HELD,)),
]


@pytest.mark.parametrize(("one", "month"), LEFT_TO_PEOPLE, ids=["manual", "converted", "unknown"])
def test_a_payout_that_a_person_books_by_hand_ties_with_what_went_with_it(
    one: Payout, month: tuple[Movements, ...]
) -> None:
    """As its case asks (`cash.payout_mismatch`); who signs has seen the entry. Until then T8 tells
    of it."""
    it, at_processor = june(), told("0.00", one, month=month)
    open_still = answers(it.books(), at_processor)
    assert {name: one.is_tied for name, one in open_still.items()} == {"T8": False, "T9": True}
    bank = str(one.amount.amount)
    lines = [("1000", bank), ("6600", "461.14"), ("1050", "-15891.00")]
    _by_hand(it, *lines, *((("1060", "100.00"),) if month else ()))
    books = it.books()
    assert all(found.is_tied for found in answers(books, at_processor).values())
    assert [entry.description for entry in manual_entries(books)] == ["payout"]


def test_what_the_processor_holds_back_waits_for_its_payout() -> None:
    found = answers(june().books(), told("15329.86", month=(HELD,)))
    assert all(one.is_tied for one in found.values())


def test_an_entry_by_hand_that_is_no_payout_is_told() -> None:
    """The clearing account is written down to another: the processor has nothing of it."""
    it = june()
    _by_hand(it, ("7900", "50.00"), ("1050", "-50.00"))
    assert [off for _, off in _off(answers(it.books(), told("15429.86"))["T8"])] == ["-50.00"] * 2


def test_nothing_at_the_processor_and_nothing_in_the_ledger_ties() -> None:
    it = june()
    it.ledger = replace(it.ledger, entries=[])
    assert all(one.is_tied for one in answers(it.books()).values())
