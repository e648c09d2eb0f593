"""What the owning systems say now, beside what is recorded here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.ledger import PostedJournal, TrialBalanceRow
from dealthread.domain.money import Money
from dealthread.domain.position.by_hand import (
    RECEIVABLE,
    contract_by_document,
    moved_by,
    named_contract,
    own_moved_by,
)
from dealthread.domain.position.difference import Difference, DifferenceKind, difference_of
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.position.in_ledger import LedgerPosition
from dealthread.domain.position.standing import Standing
from dealthread.domain.posted import DocumentKind, PostedDocument

CONTROL_ACCOUNTS = (
    ("1100", "receivable", 1),
    ("2210", "credit_balance", -1),
    ("2200", "unapplied_cash", -1),
    ("2300", "deferred", -1),
)
"""Account, the figure that it holds, and its side: a liability stands in credit (facts/domain.md
§9.2)."""


_TOLD_THEMSELVES = "entries by hand, told by themselves, make"


class SeenBills(Carried):
    """Bills as their biller has them now; `gone` are ids that it does not know any more."""

    bills: tuple[Bill, ...] = ()
    gone: tuple[str, ...] = ()
    unread: tuple[Bill, ...] = ()
    """Of the customers, never read before."""


class SeenLedger(Carried):
    """One company of a ledger: documents that were asked for, or its balances."""

    company: str
    documents: tuple[PostedDocument, ...] = ()
    missing: tuple[str, ...] = ()
    """Document keys that it does not know."""
    balances: tuple[TrialBalanceRow, ...] = ()
    by_hand: tuple[PostedJournal, ...] = ()
    """Newest first."""
    has_more_by_hand: bool = False


def against_biller(facts: ContractFacts, seen: SeenBills) -> Iterator[Difference]:
    """Bills of one contract that the biller tells otherwise by now."""
    now = {one.ref.native_id: one for one in seen.bills}
    for then in facts.bills:
        if then.ref.native_id in seen.gone:
            yield difference_of(
                facts,
                DifferenceKind.GONE_AT_BILLER,
                then.gross,
                then.number,
                "the biller does not know it any more",
                then.ref,
            )
            continue
        bill = now.get(then.ref.native_id)
        if bill is not None and _told(bill) != _told(then):
            yield difference_of(
                facts,
                DifferenceKind.CHANGED_AT_BILLER,
                bill.remaining - then.remaining,
                then.number,
                f"the biller has it {bill.status} with {bill.remaining} left to pay, here it is "
                f"{then.status} with {then.remaining}: news of it waits, or was lost",
                then.ref,
            )


def never_read(facts: ContractFacts, seen: SeenBills) -> Iterator[Difference]:
    """Bills of one contract that the biller has and nobody here has heard of."""
    for bill in seen.unread:
        if bill.contract_key == facts.contract_key:
            yield difference_of(
                facts,
                DifferenceKind.NEVER_READ,
                bill.gross,
                bill.number,
                f"the biller has it {bill.status}, and it was never read here: news of it waits, "
                "was lost, or invoice to cash was switched off",
                bill.ref,
            )


def against_ledger(
    facts: ContractFacts, standing: Standing, seen: Sequence[SeenLedger]
) -> Iterator[Difference]:
    """Documents of one contract that the ledger tells otherwise by now."""
    now = {one.document_key: one for ledger in seen for one in ledger.documents}
    missing = {key for ledger in seen for key in ledger.missing}
    open_now = _open_of_others(facts, standing.position.currency)
    for posting in facts.postings:
        then = posting.document
        if then is None:
            continue
        if then.ledger_key in missing:
            yield difference_of(
                facts,
                DifferenceKind.GONE_IN_LEDGER,
                then.gross,
                then.number,
                "the ledger does not know it any more",
                then.ref,
            )
            continue
        document = now.get(then.ledger_key)
        if document is None or then.held_in is not None:
            # What a summary says in sum is compared when its month is closed (T12).
            continue
        if (document.net, document.tax, document.gross) != (then.net, then.tax, then.gross):
            yield difference_of(
                facts,
                DifferenceKind.LEDGER_DISAGREES,
                document.gross - then.gross,
                then.number,
                f"the ledger has {document.gross} now, it answered {then.gross} when it was posted",
                then.ref,
            )
        if document.kind is DocumentKind.INVOICE:
            open_now = open_now + document.open_amount
    waits = any(one.kind in _EXPLAINED for one in standing.differences)
    by_hand = _settled_by_hand(facts, seen)
    if open_now - by_hand != standing.position.receivable and not waits:
        yield difference_of(
            facts,
            DifferenceKind.LEDGER_DISAGREES,
            open_now - by_hand - standing.position.receivable,
            facts.contract_key,
            f"{open_now} is open in the ledger, the documents leave {standing.position.receivable}"
            + (f"; {_TOLD_THEMSELVES} {by_hand} of it" if by_hand else ""),
        )


def _settled_by_hand(facts: ContractFacts, seen: Sequence[SeenLedger]) -> Money:
    """What entries that people made changed of what is open of a contract's documents."""
    owner = contract_by_document([facts], of_whole_seller=False)
    currency = facts.versions[-1].contract.currency
    moved = (
        moved_by(entry, RECEIVABLE)
        for ledger in seen
        for entry in ledger.by_hand
        if named_contract(entry, owner)
    )
    return Money.total((one for one in moved if one and one.currency == currency), currency)


def _open_of_others(facts: ContractFacts, currency: str) -> Money:
    """What is left of invoices that others posted before the contract was ours: they carry no key
    of ours by which the ledger could be asked for them."""
    opening = facts.opening
    if opening is None:
        return Money.zero(currency)
    read = {bill.ref.native_id: bill for bill in facts.bills if opening.is_before(bill)}
    left = [owed for bill, owed in opening.owed.items() if bill not in read]
    return Money.total((*left, *(bill.payable for bill in read.values())), currency)


_EXPLAINED = (
    DifferenceKind.NOT_POSTED,
    DifferenceKind.CREDIT_NOT_POSTED,
    DifferenceKind.PAYMENT_NOT_APPLIED,
    DifferenceKind.POSTED_DIFFERENTLY,
    DifferenceKind.VOIDED_AFTER_POSTING,
)
"""Told already: what is open in the ledger differs by them."""


def against_balances(total: LedgerPosition, seen: SeenLedger, waiting: int) -> Iterator[Difference]:
    """Control accounts of a company beside the sum of its contracts, in the ledger's currency.
    `waiting` counts differences that are told of single documents."""
    by_account = {row.account: row.balance for row in seen.balances}
    by_hand = {
        account: Money.total(
            filter(None, (own_moved_by(entry, account) for entry in seen.by_hand)), total.currency
        )
        for account, _, _ in CONTROL_ACCOUNTS
    }
    zero = Money.zero(total.currency)
    for account, figure, side in CONTROL_ACCOUNTS:
        balance = by_account.get(account, zero)
        stated = balance if side > 0 else -balance
        wanted: Money = getattr(total, figure)
        keyed = by_hand[account]
        if stated - keyed != wanted:
            keyed_too = f"; {_TOLD_THEMSELVES} {keyed} of it" if keyed else ""
            known = f"; {waiting} documents or months are told above" if waiting else ""
            yield Difference(
                contract_key="",
                kind=DifferenceKind.LEDGER_DISAGREES,
                amount=stated - keyed - wanted,
                document=f"account {account} of company {seen.company}",
                cause=f"the ledger has {stated}, the contracts come to {wanted}{keyed_too}{known}",
            )


def _told(bill: Bill) -> tuple[object, ...]:
    return (
        bill.status,
        bill.gross,
        bill.remaining,
        sorted(one.number for one in bill.credit_memos),
        sorted(one.ref.native_id for one in bill.payments),
    )
