"""Entries of the ledger that none of us made: receipts, write-offs and journals keyed by people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from dealthread.domain.ledger import EntryLine, PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.position.difference import Difference, DifferenceKind
from dealthread.domain.position.facts import ContractFacts

RECEIVABLE = "1100"
WATCHED = (RECEIVABLE, "1150", "2200", "2210", "2300")
"""Receivables, unbilled receivables, unapplied cash, credit balances and deferred revenue
(facts/domain.md §9.2): only entries of ours, and those that are named, touch them (T11)."""
_LIABILITIES = ("2200", "2210", "2300")
CAUSE = "booked in the ledger, not by us"


def moved_by(entry: PostedJournal, account: str) -> Money | None:
    """What an entry adds to an account: to an asset debit less credit, to a liability credit less
    debit. In the document's currency where all its lines there tell one, else in the ledger's; None
    where it moves nothing."""
    lines = [one for one in entry.lines if one.account == account]
    told = _in_one_currency(lines)
    if told is None or not told:
        return None
    return -told if account in _LIABILITIES else told


def own_moved_by(entry: PostedJournal, account: str) -> Money | None:
    """The same in the ledger's currency."""
    lines = [one for one in entry.lines if one.account == account]
    if not lines:
        return None
    told = Money.total((one.signed for one in lines), lines[0].amount.currency)
    return -told if account in _LIABILITIES else told


def _in_one_currency(lines: Sequence[EntryLine]) -> Money | None:
    if not lines:
        return None
    foreign = {one.document_amount.currency for one in lines if one.document_amount is not None}
    if len(foreign) == 1 and all(one.document_amount is not None for one in lines):
        (currency,) = foreign
        parts = [
            (one.document_amount if one.signed.amount >= 0 else -one.document_amount)
            for one in lines
            if one.document_amount is not None
        ]
        return Money.total(parts, currency)
    return Money.total((one.signed for one in lines), lines[0].amount.currency)


def contract_by_document(
    facts: Iterable[ContractFacts], *, of_whole_seller: bool
) -> dict[str, str]:
    """Whose each document of the ledger is that we posted; one of several contracts is nobody's.
    Who shares a day's summary only all contracts of the seller tell."""
    found: dict[str, set[str]] = {}
    for each in facts:
        for one in each.postings:
            if one.document is not None and (of_whole_seller or one.document.held_in is None):
                found.setdefault(one.document.ledger_key, set()).add(each.contract_key)
    return {key: contracts.pop() for key, contracts in found.items() if len(contracts) == 1}


def number_by_document(facts: Iterable[ContractFacts]) -> dict[str, str]:
    """Under which number the ledger has each document that we posted."""
    found = {}
    for each in facts:
        for one in each.postings:
            if (document := one.document) is not None:
                held = document.held_in
                found[document.ledger_key] = document.number if held is None else held.number
    return {key: number for key, number in found.items() if number}


def named_contract(entry: PostedJournal, owner: Mapping[str, str]) -> str:
    """The contract whose document an entry is counted against; "" for none, or several."""
    found = {owner[key] for key in entry.settles if key in owner}
    return found.pop() if len(found) == 1 else ""


def told_by_hand(
    entries: Iterable[PostedJournal], facts: Sequence[ContractFacts], *, of_whole_seller: bool
) -> Iterator[Difference]:
    """One for each watched account that an entry moves."""
    owner = contract_by_document(facts, of_whole_seller=of_whole_seller)
    numbers = number_by_document(facts)
    for entry in entries:
        settles = ", ".join(numbers.get(key, key) for key in entry.settles)
        for account in WATCHED:
            amount = moved_by(entry, account)
            if amount is None:
                continue
            own = own_moved_by(entry, account)
            customers = {one.customer_key for one in entry.lines if one.account == account} - {""}
            against = f", counted against {settles}" if settles and account == RECEIVABLE else ""
            said = f": {entry.description}" if entry.description else ""
            yield Difference(
                contract_key=named_contract(entry, owner),
                customer_key=", ".join(sorted(customers)),
                kind=DifferenceKind.BOOKED_BY_HAND,
                amount=amount,
                document=entry.number or entry.ref.native_id,
                day=entry.posting_date,
                ledger_amount=own if own and own.currency != amount.currency else None,
                cause=f"{CAUSE}: account {account}{against}{said}",
                source=entry.ref,
            )


def is_brought(entry: PostedJournal, facts: Iterable[ContractFacts]) -> bool:
    """Whether an entry is of the time before the ledger's contracts became ours: what it comes to
    was brought along by them, and equalled the ledger."""
    days: list[date] = [one.opening.as_of for one in facts if one.opening is not None]
    return bool(days) and entry.posting_date < max(days)
