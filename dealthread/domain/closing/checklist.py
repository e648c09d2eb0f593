"""What is looked at before a month is closed, who owns it, and whether it stands in the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

from dealthread.domain.base import Carried
from dealthread.domain.closing.tie import TITLES, Answer, Identity, Untied
from dealthread.domain.ledger import PostedJournal, TrialBalanceRow
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.position.by_hand import CAUSE, named_contract
from dealthread.domain.processor import KnownBalance

TOLD = 20
"""Lines of an item that are told; the evidence holds them all."""


class ItemState(StrEnum):
    DONE = "done"
    OPEN = "open"
    """It stands in the way: the month cannot be signed."""
    NOTED = "noted"
    """Who signs has seen it."""
    NOT_CHECKED = "not_checked"
    """Nobody can say: `lines` tell why."""


class ChecklistItem(Carried):
    """One thing that was looked at."""

    name: str
    title: str
    owner: str
    """The queue whose people answer for it."""
    state: ItemState
    count: int = 0
    lines: tuple[str, ...] = ()
    """What was found, the first twenty."""


class Checklist(Carried):
    """Everything that was looked at, in order."""

    seller: str
    period: date
    items: tuple[ChecklistItem, ...]

    @property
    def in_the_way(self) -> tuple[ChecklistItem, ...]:
        """What keeps the month from being signed."""
        return tuple(one for one in self.items if one.state is ItemState.OPEN)


class UnbilledUse(Carried):
    """Use that is accrued: on no bill by the month's end."""

    contract_key: str
    line_key: str
    period_start: date
    amount: Money


class TaxTotal(Carried):
    """Tax of the month in one jurisdiction."""

    jurisdiction: str
    accounts: str
    invoices: Money
    credits: Money
    bad_debt_relief: Money
    ledger: Money
    """What the ledger's accounts moved by."""


class Evidence(Carried):
    """What a month was closed on. `fingerprint` tells two of them apart."""

    seller: str
    period: date
    currency: CurrencyCode
    checklist: Checklist
    answers: tuple[Answer, ...]
    opening: tuple[TrialBalanceRow, ...]
    closing: tuple[TrialBalanceRow, ...]
    unbilled: tuple[UnbilledUse, ...]
    taxes: tuple[TaxTotal, ...]
    manual: tuple[str, ...]
    entries: tuple[str, ...]
    """Numbers of the month's entries."""
    processor: tuple[KnownBalance, ...] = ()
    """The processor's balances at the end of the month; T8 says what they were held against."""

    @property
    def fingerprint(self) -> str:
        """The same for the same books, whenever they are read. What is only noted of other work is
        no part of it."""
        told = self.model_dump_json(exclude={"checklist", "processor"})
        return hashlib.sha256(told.encode()).hexdigest()


def lines_of(found: Iterable[str]) -> tuple[tuple[str, ...], int]:
    """The first lines, and how many there are."""
    every = tuple(found)
    return every[:TOLD], len(every)


def item(
    name: str, title: str, owner: str, state: ItemState, found: Iterable[str] = ()
) -> ChecklistItem:
    """An item with what was found."""
    told, count = lines_of(found)
    return ChecklistItem(name=name, title=title, owner=owner, state=state, count=count, lines=told)


def blocking(name: str, title: str, owner: str, found: Sequence[str]) -> ChecklistItem:
    """An item that stands in the way while anything is found."""
    return item(name, title, owner, ItemState.OPEN if found else ItemState.DONE, found)


def noted(name: str, title: str, owner: str, found: Sequence[str]) -> ChecklistItem:
    """An item that who signs has to see."""
    return item(name, title, owner, ItemState.NOTED if found else ItemState.DONE, found)


UNANSWERED = {
    Identity.CLEARING: "the processor was not asked",
    Identity.PAYOUTS: "the processor was not asked",
}
"""Identities that a run which began earlier cannot answer, and why."""


def identity_items(answers: Sequence[Answer]) -> Iterable[ChecklistItem]:
    """One for each identity."""
    for identity in Identity:
        mine = [one for one in answers if one.identity is identity]
        title = f"{identity}: {TITLES[identity]}"
        name = identity.value.lower()
        if not mine:
            why = UNANSWERED.get(identity, "there is nothing to compare")
            yield item(name, title, "accounting", ItemState.NOT_CHECKED, [why])
            continue
        wrong = [_in_words(one, each) for one in mine for each in one.differences]
        is_tied = all(one.is_tied for one in mine)
        told = [
            f"{one.expected} = {one.found} {one.currency} {one.account}".strip()
            + f", {one.compared} compared"
            for one in mine
        ]
        state = ItemState.DONE if is_tied else ItemState.OPEN
        yield item(name, title, "accounting", state, told if is_tied else wrong)


def _in_words(answer: Answer, one: Untied) -> str:
    names = (one.contract_key, one.customer_key, one.account, one.document)
    whose = " ".join(filter(None, names)) or answer.seller
    cause = f" ({one.cause})" if one.cause else ""
    return (
        f"{whose}: {one.what}: {one.expected} against {one.found} {one.currency}".rstrip() + cause
    )


def manual_lines(
    entries: Sequence[PostedJournal], owner: Mapping[str, str], accounts: Sequence[str]
) -> tuple[str, ...]:
    """Entries that none of us made, in words. `owner`: contracts by the keys of their documents."""
    return tuple(_manual(one, owner, accounts) for one in entries)


def _manual(entry: PostedJournal, owner: Mapping[str, str], accounts: Sequence[str]) -> str:
    mine = [one for one in entry.lines if one.account in accounts]
    sums: dict[str, Money] = {}
    for one in mine:
        known = sums.get(one.account, Money.zero(one.amount.currency))
        sums[one.account] = known + one.signed
    contract = named_contract(entry, owner)
    customers = sorted({one.customer_key for one in mine} - {""})
    whose = [
        *([f"contract {contract}"] if contract else []),
        *(f"customer {one}" for one in customers),
    ]
    cause = "under a key of ours that nobody here knows" if entry.document_key else CAUSE
    moved = (f"{account} by {amount}" for account, amount in sorted(sums.items()))
    parts = [*moved, *whose, cause, *([entry.description] if entry.description else [])]
    return f"{entry.number or entry.ref.native_id} of {entry.posting_date}: {', '.join(parts)}"
