"""One contract's standing on a day: its figures, the documents behind them, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from dealthread.domain.base import Frozen
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import ContractState
from dealthread.domain.money import Money
from dealthread.domain.position.difference import (
    Difference,
    differences_of,
    planned_by,
    usage_keys,
)
from dealthread.domain.position.documents import (
    document_entries,
    undone_entries,
    write_off_entries,
)
from dealthread.domain.position.entry import DocumentKind, Entry, Figure
from dealthread.domain.position.facts import ContractFacts, OpeningFigures
from dealthread.domain.position.figures import Position, position_of
from dealthread.domain.position.sold import arr_of, in_force, sold_entries

_NEVER = (ContractState.PENDING, ContractState.NEVER_ACTIVATED)
"""Nothing is sold by a contract that never was; what was billed of it still counts."""


class Standing(Frozen):
    """A contract on a day."""

    contract_key: str
    seller: str
    customer_key: str
    state: ContractState
    position: Position
    entries: tuple[Entry, ...]
    """Up to the day, oldest first."""
    differences: tuple[Difference, ...]


def standing_of(facts: ContractFacts, as_of: date, config: ConfigSet) -> Standing:
    """Everything up to the end of a day."""
    contract = facts.versions[-1].contract
    entries = sorted(
        (one for one in _entries(facts, as_of) if one.day <= as_of), key=lambda one: one.day
    )
    found = in_force(facts.versions, as_of)
    zero = Money.zero(contract.currency)
    runs = found is not None and facts.state not in _NEVER
    position = position_of(
        entries,
        as_of,
        contract.currency,
        arr_of(found.contract, as_of, config) if found is not None and runs else zero,
        planned_by(facts, as_of, contract.currency) if runs else zero,
    )
    return Standing(
        contract_key=facts.contract_key,
        seller=contract.seller,
        customer_key=contract.customer_key,
        state=facts.state,
        position=position,
        entries=tuple(entries),
        differences=tuple(differences_of(facts, position, as_of, config, is_sold=runs)),
    )


def _opening(facts: ContractFacts, opening: OpeningFigures) -> Iterator[Entry]:
    """What others billed and recognised, less what has been read of it since as a bill."""
    contract, read = facts.versions[-1].contract, {bill.ref.native_id for bill in facts.bills}
    billed = opening.billed - Money.total(
        (bill.net for bill in facts.bills if opening.is_before(bill)),
        contract.currency,
    )
    owed = Money.total(
        (amount for bill, amount in opening.owed.items() if bill not in read), contract.currency
    )
    for figure, amount in (
        (Figure.BILLED, billed),
        (Figure.RECOGNISED, opening.recognised),
        (Figure.INVOICED_GROSS, owed),
        (Figure.RECEIVABLE, owed),
    ):
        if amount:
            yield Entry(
                figure=figure,
                amount=amount,
                day=opening.as_of - timedelta(days=1),
                contract_key=facts.contract_key,
                kind=DocumentKind.OPENING,
                number=f"{facts.contract_key} opening",
                source=contract.refs[0] if contract.refs else None,
            )


def _entries(facts: ContractFacts, as_of: date) -> Iterator[Entry]:
    if facts.state not in _NEVER:
        yield from sold_entries(facts.versions, as_of)
    if facts.opening is not None:
        yield from _opening(facts, facts.opening)
    usage = usage_keys(facts.versions[-1].contract)
    posted = facts.posted
    for bill in facts.bills:
        yield from document_entries(bill, posted, usage, facts.receipts)
    for posting in facts.postings:
        if posting.document is not None:
            yield from write_off_entries(facts.contract_key, posting.document)
            yield from undone_entries(facts.contract_key, posting)
    for part in (one for one in facts.recognised if one.is_posted):
        for figure in (Figure.RECOGNISED, Figure.USAGE_RECOGNISED)[
            : 2 if part.line_key in usage else 1
        ]:
            yield Entry(
                figure=figure,
                amount=part.amount,
                day=part.posting_date,
                contract_key=facts.contract_key,
                kind=DocumentKind.RECOGNITION,
                number=part.number,
                source=part.entry,
                ledger=part.entry,
                ledger_amount=part.ledger_amount,
            )
