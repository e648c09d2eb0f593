"""OB-09: T8 where the processor paid out in another currency, or what it converted: by our entry,
by one of a person, and after the payout came back."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.closing.of_processor import (
    PayoutDocuments,
    ProcessorMonth,
    processor_answers,
)
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, Movements, Payout, PayoutStatus
from dealthread.domain.processor import Converted, ProcessorBalance
from dealthread.domain.revenue.journal import Side
from tests.support.closing_books import COMPANY, June, june
from tests.support.tryton import document_key

ACCOUNT = "acct_alder_us"
PAID, BACK = date(2026, 6, 5), date(2026, 6, 9)


def money(amount: str, currency: str) -> Money:
    return Money.of(amount, currency)


def line(account: str, own: str, euros: str = "") -> EntryLine:
    """Debit above nought, in dollars; in euros what the document says."""
    return EntryLine(
        account=account,
        side=Side.CREDIT if own.startswith("-") else Side.DEBIT,
        amount=money(own.removeprefix("-"), "USD"),
        document_amount=money(euros, "EUR") if euros else None,
    )


def enter(it: June, key: str, day: date, *lines: EntryLine) -> None:
    it.ledger.journal(
        LedgerJournal(
            document_key=key, company=COMPANY, posting_date=day, description="entry", lines=lines
        )
    )


def by_hand(it: June, day: date, *lines: EntryLine) -> None:
    key = document_key()
    enter(it, key, day, *lines)
    it.replace(key, it.entry(key).model_copy(update={"document_key": ""}))


def paid_in_euros(it: June) -> None:
    """1,000.00 EUR by card, at 1.10."""
    lines = line("1050", "1100.00", "1000.00"), line("1100", "-1100.00", "1000.00")
    enter(it, document_key(), date(2026, 6, 2), *lines)


def moved(kind: MovementKind, amount: Money, fee: Money) -> Movements:
    return Movements(kind=kind, count=1, amount=amount, fee=fee)


CHARGE = moved(MovementKind.CHARGE, money("15891.00", "USD"), money("461.14", "USD"))
"""D1's payment of January, which waits at the processor all the while."""


def at_processor(currency: str, balance: str, **told: object) -> ProcessorMonth:
    key, returned = document_key(), document_key()
    made = ProcessorBalance(
        billing_account=ACCOUNT,
        currency=currency,
        balance=money(balance, currency),
        before=(),
        month=(),
    )
    return ProcessorMonth(
        balance=made.model_copy(update=told),
        documents=(PayoutDocuments(payout_id="po_1", document_key=key, return_key=returned),),
    )


def payout(amount: Money, movements: Movements, **changes: object) -> Payout:
    return Payout(
        ref=Ref(system=System.BILLING, account=ACCOUNT, kind="payout", native_id="po_1"),
        status=PayoutStatus.PAID,
        amount=amount,
        arrival_date=PAID,
        is_automatic=True,
        is_itemised=True,
        movements=(movements,),
    ).model_copy(update=changes)


def off(it: June, *months: ProcessorMonth) -> dict[str, list[str]]:
    """What each currency's T8 is off by; empty where it ties."""
    return {
        answer.currency: [str(one.off) for one in answer.differences]
        for answer in processor_answers(it.books(), months)
        if answer.identity.value == "T8" and answer.differences
    }


IN_DOLLARS = at_processor("USD", "15429.86", before=(CHARGE,))


@pytest.mark.parametrize("is_back", [False, True])
def test_the_fee_of_a_payout_that_came_back_after_it_was_posted_stays_booked(
    is_back: bool,
) -> None:
    """970.00 EUR of 1,000.00 less 30.00; back at the processor when the bank refused it, and a
    person has booked that."""
    it = june()
    paid_in_euros(it)
    charge = moved(MovementKind.CHARGE, money("1000.00", "EUR"), money("30.00", "EUR"))
    returned = moved(MovementKind.RETURNED, money("970.00", "EUR"), money("0.00", "EUR"))
    changes = {"status": PayoutStatus.FAILED, "returned_on": BACK} if is_back else {}
    month = at_processor(
        "EUR",
        "970.00" if is_back else "0.00",
        month=(charge, returned) if is_back else (charge,),
        payouts=(payout(money("970.00", "EUR"), charge, **changes),),
    )
    key = month.documents[0].document_key
    it.payouts.add(key)
    lines = (
        line("1000", "1067.00", "970.00"),
        line("6600", "33.00", "30.00"),
        line("1050", "-1100.00", "1000.00"),
    )
    enter(it, key, PAID, *lines)
    if is_back:
        lines_back = line("1050", "1067.00", "970.00"), line("1000", "-1067.00", "970.00")
        by_hand(it, BACK, *lines_back)
    assert off(it, IN_DOLLARS, month) == {}


def converted(it: June, *, is_ours: bool) -> ProcessorMonth:
    """The processor made 1,080.00 USD of them, kept 30.00, and paid out 1,050.00."""
    paid_in_euros(it)
    charge = moved(MovementKind.CHARGE, money("1080.00", "USD"), money("30.00", "USD"))
    changed = Converted(original=money("1000.00", "EUR"), amount=money("1080.00", "USD"))
    kinds = (MovementKind.CHARGE,) if is_ours else (MovementKind.CHARGE, MovementKind.REFUND)
    one = payout(money("1050.00", "USD"), charge, converted="txn_1", converted_kinds=kinds)
    month = at_processor(
        "USD",
        "15429.86",
        before=(CHARGE,),
        month=(charge,),
        payouts=(one,),
        converted_month=(changed,),
    )
    lines = (
        line("1000", "1050.00"),
        line("6600", "30.00"),
        line("7000", "20.00"),
        line("1050", "-1100.00", "1000.00"),
    )
    if is_ours:
        key = month.documents[0].document_key
        it.payouts.add(key)
        enter(it, key, PAID, *lines)
    else:
        by_hand(it, PAID, *lines)
    return month


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_converted_payout_ties_whoever_books_it_in_both_currencies(is_ours: bool) -> None:
    it = june()
    assert off(it, converted(it, is_ours=is_ours)) == {}
