"""PF-07, OB-09: a day's invoices that are one document of the ledger tie in every identity, and
which of them tells what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.closing.books import Books
from dealthread.domain.closing.of_bills import document_answers
from dealthread.domain.closing.of_contracts import value_answers
from dealthread.domain.closing.of_ledger import balance_answers
from dealthread.domain.closing.of_tax import tax_answers, tax_rolls
from dealthread.domain.closing.tie import Answer
from dealthread.domain.ledger import PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.recognition.roll_forward import billed_by_entry
from tests.support.closing_books import June
from tests.support.summarised_books import FEBRUARY, PLACE, summarised, taken_out


def _answers(books: Books) -> dict[str, Answer]:
    ledger = (*balance_answers(books), *tax_answers(books))
    every = (*value_answers(books), *ledger, *document_answers(books))
    return {one.identity.value: one for one in every}


def _wrong(books: Books) -> set[str]:
    return {name for name, one in _answers(books).items() if not one.is_tied}


def test_one_document_of_two_invoices_ties_in_every_identity() -> None:
    """D1's 15,891.00 and D4's 47,034.00 are 62,925.00; tax of Texas 891.00, of New York 3,834.00.
    T12 counts two documents where the ledger has one."""
    books = summarised().books(FEBRUARY)
    answers = _answers(books)
    assert _wrong(books) == set()
    assert (answers["T12"].compared, answers["T12"].found) == (2, Decimal("62925.00"))
    taxes = {one.jurisdiction: (one.invoices, one.movement) for one in tax_rolls(books)}
    texas, york = Money.of("891.00", "USD"), Money.of("3834.00", "USD")
    assert taxes == {"US-TX": (texas, texas), "US-NY": (york, york)}
    (summary,) = (one for one in books.journals if one.document_key == PLACE.document_key)
    (receivable,) = (one for one in summary.lines if one.account == "1100")
    assert receivable.amount == Money.of("62925.00", "USD")


def test_deferred_revenue_is_billed_by_the_entry_that_holds_it() -> None:
    """T3: 58,200.00 net under the summary's own key."""
    books = summarised().books(FEBRUARY)
    held = [one.document for one in books.documents.values() if one.document.kind == "invoice"]
    assert billed_by_entry(held, "USD") == {PLACE.document_key: Money.of("58200.00", "USD")}


def _changed(it: June, change: Callable[[PostedJournal], PostedJournal]) -> None:
    key = PLACE.document_key
    it.replace(key, change(it.entry(key)))


def _less(amount: str, *accounts: str) -> Callable[[PostedJournal], PostedJournal]:
    def change(entry: PostedJournal) -> PostedJournal:
        off = Money.of(amount, "USD")
        lines, left = [], list(accounts)
        for line in entry.lines:
            if line.account in left:
                left.remove(line.account)
                line = line.model_copy(update={"amount": line.amount - off})
            lines.append(line)
        return entry.model_copy(update={"lines": tuple(lines)})

    return change


def _short_by_an_invoice_line(it: June) -> None:
    """Revenue and claim of 1.00 are missing in the ledger's summary."""
    _changed(it, _less("1.00", "1100", "2300"))


def _short_of_tax(it: June) -> None:
    _changed(it, _less("1.00", "1100", "2110"))


def _not_recorded(it: June) -> None:
    """D4's invoice is in the summary with its payment, and nobody here says so: on 1100 they make
    nought."""
    it.facts["d4"] = it.facts["d4"].model_copy(update={"postings": (), "receipts": {}})


def _payment_not_posted(it: June) -> None:
    key = PLACE.receipt_key(FEBRUARY)
    it.ledger.entries = [one for one in it.ledger.entries if one.document_key != key]


def _recorded_with_another_tax(it: June) -> None:
    facts = it.facts["d4"]
    invoice, receipt = facts.postings
    assert invoice.document is not None
    off = Money.of("1.00", "USD")
    document = invoice.document.model_copy(
        update={"tax": invoice.document.tax - off, "gross": invoice.document.gross - off}
    )
    spoilt = invoice.model_copy(update={"document": document})
    it.facts["d4"] = facts.model_copy(update={"postings": (spoilt, receipt)})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_short_by_an_invoice_line, {"T2", "T4", "T7", "T11", "T12"}),
        (_short_of_tax, {"T4", "T7", "T10", "T11", "T12"}),
        (_not_recorded, {"T10", "T12"}),
        (_payment_not_posted, {"T4", "T7", "T11"}),
        (_recorded_with_another_tax, {"T4", "T7", "T10", "T12"}),
    ],
)
def test_what_is_wrong_with_it_is_told(spoil: Callable[[June], None], told: set[str]) -> None:
    it = summarised()
    spoil(it)
    assert _wrong(it.books(FEBRUARY)) == told


@pytest.mark.parametrize("month", [2, 3])
def test_one_that_is_taken_out_is_two_documents_more_which_make_nought(month: int) -> None:
    """D4's 47,034.00 leaves the summary on a day, in its month or later, and stands by itself from
    then on: nothing moved but where the ledger has it."""
    it = summarised()
    day = date(2026, month, 20)
    taken_out(it, day)
    period = day.replace(day=1)
    books = it.books(period)
    assert _wrong(books) == set()
    assert _wrong(it.books(FEBRUARY)) == set()
    documents = {one.number for one in it.ledger.documents.values()}
    assert {"US-000002", "US-000002 out of US01-2026-02-01-USD-1"} <= documents
    before = Decimal("62925.00") if month == 2 else Decimal(0)
    assert _answers(books)["T12"].found == before


def test_one_that_is_taken_out_and_not_posted_again_is_told() -> None:
    """Its 43,200.00 are missing in deferred revenue."""
    it = summarised()
    taken_out(it, date(2026, 3, 20), again=False)
    assert _wrong(it.books(date(2026, 3, 1))) == {"T2", "T11"}
