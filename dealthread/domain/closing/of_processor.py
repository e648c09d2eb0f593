"""T8 and T9 of a month: what the processor says of its balance and payouts, against the ledger.

The ledger takes fees with the payout that contains the payment, and a payout on the day on which it
arrives. What the processor took earlier is told by the processor: it stands between its balance
and the clearing account until then. A payout that is left to people is in the ledger by an entry of
theirs between the clearing account and the bank; what else stands in it went with the payout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.closing.books import Books, lines_on
from dealthread.domain.closing.cash import BankedPayout, check_payouts
from dealthread.domain.closing.rolled import ClearingRoll, check_clearing
from dealthread.domain.closing.tie import Answer, Scope
from dealthread.domain.ledger import EntryLine, PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.paid_out import REALISED
from dealthread.domain.payout import CLEARING, MovementKind, Payout, left_to_people
from dealthread.domain.processor import (
    Converted,
    ProcessorBalance,
    is_settled,
    settled_on,
    taken_off,
)


class PayoutDocuments(Carried):
    """Our keys on a payout's entries in the ledger."""

    payout_id: str
    document_key: str
    return_key: str


class ProcessorMonth(Carried):
    """A billing account's month at the processor."""

    balance: ProcessorBalance
    documents: tuple[PayoutDocuments, ...] = ()


def processor_answers(books: Books, months: Sequence[ProcessorMonth]) -> Iterator[Answer]:
    """T8 and T9, by currency: a company may have several billing accounts, and one clearing
    account for all of them. What the processor converted stands there in the currency in which
    customers paid it, until its payout."""
    currencies = {one.balance.currency for one in months} or {books.currency}
    for one in months:
        converted = (*one.balance.converted_before, *one.balance.converted_month)
        currencies |= {each.original.currency for each in converted}
    everywhere = [one.balance for one in months]
    for currency in sorted(currencies):
        mine = [one for one in months if one.balance.currency == currency]
        scope = Scope(seller=books.seller, currency=currency)
        roll = _clearing(books, currency, mine)
        yield check_clearing(scope, _with_converted(books, currency, roll, everywhere))
        yield check_payouts(scope, [pair for one in mine for pair in _banked(books, one)])


# ------------------------------------------------------------ T8


def _clearing(books: Books, currency: str, months: Sequence[ProcessorMonth]) -> ClearingRoll:
    told = [one.balance for one in months]
    entered = {one.document_key for one in books.journals}
    # What we have entered stays ours, whatever has become of the payout since.
    have = {
        each.payout_id for one in months for each in one.documents if each.document_key in entered
    }

    def total(amounts: Iterator[Money]) -> Money:
        return Money.total(amounts, currency)

    settled = [
        one
        for balance in told
        for one in balance.payouts
        if is_settled(one) and books.is_within(settled_on(one))
    ]
    ours = [
        one
        for one in settled
        if one.ref.native_id in have or left_to_people(one, books.currency) is None
    ]
    by_hand = _by_hand(books)
    of_month = [one for one in by_hand if books.is_within(one.posting_date)]
    posted = [one for one in books.journals if one.document_key in books.payouts]
    back = [one for balance in told for one in balance.payouts if _came_back(one, books)]
    between = [
        *(one.on_its_way(books.end) for one in told),
        *(one.charged for one in told),
        -_with_payouts(books, currency, [*posted, *by_hand]),
    ]
    return ClearingRoll(
        account=CLEARING,
        opening=_standing(books, currency, books.period),
        charges=total(one.gross(MovementKind.CHARGE) for one in told),
        refunds=-total(one.gross(MovementKind.REFUND) for one in told),
        disputes=-total(one.net(MovementKind.DISPUTE) for one in told),
        fees=total(taken_off(one.movements, currency) for one in ours)
        + _with_payouts(books, currency, of_month),
        payouts=total(one.amount for one in settled) - total(one.amount for one in back),
        processor_balance=total(one.balance for one in told) + Money.total(between, currency),
        closing=_standing(books, currency, books.end),
    )


def _with_converted(
    books: Books, currency: str, roll: ClearingRoll, told: Sequence[ProcessorBalance]
) -> ClearingRoll:
    """The processor has a converted payment in the currency into which it was converted, the
    clearing account in the one in which it was paid; its payout's entry has both, ours or one by
    hand that says the second currency."""
    before = _converted_into(currency, (each for one in told for each in one.converted_before))
    month = _converted_into(currency, (each for one in told for each in one.converted_month))
    entries = _with_both(books)
    booked = _exchanged(currency, entries)
    of_month = [one for one in entries if books.is_within(one.posting_date)]
    return roll.model_copy(
        update={
            "charges": roll.charges + month,
            "payouts": roll.payouts - _exchanged(currency, of_month),
            "processor_balance": roll.processor_balance + before + month + booked,
        }
    )


def _converted_into(currency: str, converted: Iterator[Converted]) -> Money:
    """As it was paid in a currency, less what was converted into it."""
    zero, found = Money.zero(currency), Money.zero(currency)
    for one in converted:
        found = found + (one.original if one.original.currency == currency else zero)
        found = found - (one.amount if one.amount.currency == currency else zero)
    return found


def _with_both(books: Books) -> list[PostedJournal]:
    """Entries of payouts that take off the clearing account what stands there in a currency."""
    by_hand = [
        one
        for one in _by_hand(books)
        if any(line.document_amount is not None for line in lines_on(one, CLEARING))
    ]
    return [*(one for one in books.journals if one.document_key in books.payouts), *by_hand]


def _exchanged(currency: str, entries: Sequence[PostedJournal]) -> Money:
    """What payouts' entries have of a currency beyond what they take off in it: above nought
    what others were converted into, below nought what was converted from it."""
    lines = (line for one in entries for line in one.lines if line.account != REALISED)
    return Money.total((_in(line, currency) for line in lines), currency)


def _came_back(payout: Payout, books: Books) -> bool:
    return payout.is_returned and books.is_within(payout.returned_on)


def _standing(books: Books, currency: str, until: date) -> Money:
    """The clearing account on the morning of a day, in one currency of its documents."""
    lines = (
        line
        for journal in books.journals
        if journal.posting_date < until
        for line in lines_on(journal, CLEARING)
    )
    return Money.total((_in(line, currency) for line in lines), currency)


def _in(line: EntryLine, currency: str) -> Money:
    """A line's amount where its document is in a currency, else nought of it."""
    document = line.document_amount
    if document is not None and document.currency != line.amount.currency:
        if document.currency != currency:
            return Money.zero(currency)
        return abs(document) if line.signed.amount >= 0 else -abs(document)
    return line.signed if line.amount.currency == currency else Money.zero(currency)


def _by_hand(books: Books) -> list[PostedJournal]:
    """Entries between the clearing account and the bank that people made."""
    return [
        one
        for one in books.journals
        if books.is_by_hand(one) and lines_on(one, CLEARING) and lines_on(one, *_banks(books))
    ]


def _with_payouts(books: Books, currency: str, entries: Sequence[PostedJournal]) -> Money:
    """What entries of payouts took off the clearing account that did not go to the bank: fees."""
    between = (CLEARING, *_banks(books))
    exchanged = {one.ref for one in _with_both(books)}
    lines = (
        line
        for one in entries
        for line in one.lines
        if line.account not in between and not (line.account == REALISED and one.ref in exchanged)
    )
    return Money.total((_in(line, currency) for line in lines), currency)


def _banks(books: Books) -> set[str]:
    mine = (one for one in books.config.billing_accounts if one.seller == books.seller)
    return {one.payouts.bank for one in mine}


# ------------------------------------------------------------ T9


def _banked(books: Books, month: ProcessorMonth) -> Iterator[BankedPayout]:
    """Payouts that the ledger has by an entry of ours: one that is left to people, or of which the
    processor does not say what is in it, is in T8 alone."""
    account = books.config.account_at_biller(month.balance.billing_account)
    bank = account.payouts.bank if account is not None else ""
    keys = {one.payout_id: one for one in month.documents}
    for one in month.balance.payouts:
        documents = keys.get(one.ref.native_id)
        if documents is None or not is_settled(one) or left_to_people(one, books.currency):
            continue
        if one.is_itemised and books.is_within(settled_on(one)):
            yield BankedPayout(
                payout=one.ref.native_id,
                amount=one.amount,
                transactions=Money.total((each.net for each in one.movements), one.amount.currency),
                bank_line=_on_bank(books, documents.document_key, bank, one.amount.currency),
            )
        if _came_back(one, books):
            yield BankedPayout(
                payout=f"{one.ref.native_id} returned",
                amount=-one.amount,
                transactions=-one.amount,
                bank_line=_on_bank(books, documents.return_key, bank, one.amount.currency),
            )


def _on_bank(books: Books, key: str, bank: str, currency: str) -> Money:
    lines = (
        line
        for journal in books.journals
        if journal.document_key == key
        for line in lines_on(journal, bank)
    )
    return Money.total((_in(line, currency) for line in lines), currency)
