"""A summary's entries, as the documents that it holds: for the identities that go by customer,
jurisdiction or document.

Each of its invoices counts with what it says; what the ledger's entry has more or less than all of
them is told under the summary's own number, so that no identity holds by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dealthread.domain.closing.books import (
    RECEIVABLE,
    TAXES,
    Books,
    OwnDocument,
    in_document_currency,
    lines_on,
    signed,
)
from dealthread.domain.closing.documents import CountedDocument
from dealthread.domain.ledger import PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind


def in_summary(
    books: Books, journal: PostedJournal, currency: str, owner: Mapping[str, str]
) -> Iterator[tuple[str, Money]]:
    """What an entry of a summary, or of its payment, comes to on trade receivables, by customer:
    debit less credit. `owner` is the customer of each contract."""
    held = _held(books, journal, currency)
    if not held:
        return
    left = _receivable(journal, currency)
    for one in held:
        is_invoice = one.document.kind is DocumentKind.INVOICE
        amount = one.document.gross if is_invoice else -one.document.gross
        left = left - amount
        yield owner[one.contract_key], amount
    if left:
        yield number_of(held), left


def counted_in_summary(
    books: Books, journal: PostedJournal, currency: str
) -> Iterator[CountedDocument]:
    """Its invoices as T12 counts them."""
    held = _held(books, journal, currency)
    if not held or held[0].document.kind is not DocumentKind.INVOICE:
        return
    left = _receivable(journal, currency)
    for one in held:
        left = left - one.document.gross
        yield CountedDocument(
            number=one.document.number,
            total=one.document.gross,
            contract_key=one.contract_key,
        )
    if left:
        yield CountedDocument(number=number_of(held), total=left)


def tax_in_summary(
    books: Books, journal: PostedJournal, where: Mapping[str, str]
) -> Iterator[tuple[str, Money]]:
    """What it moved on the accounts of tax, by jurisdiction: above nought where more is owed.
    `where` is the jurisdiction of each contract."""
    held = _held(books, journal, books.currency)
    if not held or held[0].document.kind is not DocumentKind.INVOICE:
        return
    left = -signed(lines_on(journal, *TAXES), books.currency)
    for one in held:
        left = left - one.document.tax
        yield where[one.contract_key], one.document.tax
    if left:
        yield number_of(held), left


def number_of(held: tuple[OwnDocument, ...]) -> str:
    """Of the summary that holds them."""
    (found,) = {one.document.held_in.number for one in held if one.document.held_in is not None}
    return found


def _held(books: Books, journal: PostedJournal, currency: str) -> tuple[OwnDocument, ...]:
    held = books.summaries.get(journal.document_key, ())
    return tuple(one for one in held if one.document.currency == currency)


def _receivable(journal: PostedJournal, currency: str) -> Money:
    amounts = [in_document_currency(one, currency) for one in lines_on(journal, RECEIVABLE)]
    return Money.total((one for one in amounts if one is not None), currency)
