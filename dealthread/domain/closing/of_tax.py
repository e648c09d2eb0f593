"""T10 of a month: tax of the bills and credits by jurisdiction, against the ledger's accounts."""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.domain.bill import Bill
from dealthread.domain.closing.books import (
    TAXES,
    Books,
    credit_memos,
    lines_on,
    posted_as,
    signed,
)
from dealthread.domain.closing.of_summaries import tax_in_summary
from dealthread.domain.closing.rolled import TaxRoll, check_tax
from dealthread.domain.closing.tie import Answer, Scope
from dealthread.domain.documents import CreditMemo
from dealthread.domain.money import Money
from dealthread.domain.position.facts import RECOVERED
from dealthread.domain.posted import DocumentKind


def tax_answers(books: Books) -> Iterator[Answer]:
    """In the ledger's currency."""
    yield check_tax(Scope(seller=books.seller, currency=books.currency), tax_rolls(books))


def tax_rolls(books: Books) -> list[TaxRoll]:
    """Tax of the month by jurisdiction: as the bills have it, against the ledger's accounts."""
    zero = Money.zero(books.currency)
    where = {one.contract_key: _jurisdiction(books, one.contract_key) for one in books.contracts}
    sums: dict[str, dict[str, Money]] = {}
    accounts: dict[str, set[str]] = {}

    def add(place: str, name: str, amount: Money) -> None:
        found = sums.setdefault(place, {})
        found[name] = found.get(name, zero) + amount

    bills = {bill.number: bill for facts in books.contracts for bill in facts.bills}
    memos = credit_memos(books)
    for journal in books.month:
        lines = lines_on(journal, *TAXES)
        if journal.document_key in books.summaries:
            for place, moved in tax_in_summary(books, journal, where):
                accounts.setdefault(place, set()).update(line.account for line in lines)
                add(place, "movement", moved)
            continue
        own = books.documents.get(journal.document_key)
        place = "none of ours" if own is None else where[own.contract_key]
        if not lines:
            continue
        accounts.setdefault(place, set()).update(line.account for line in lines)
        moved = -signed(lines, books.currency)
        add(place, "movement", moved)
        if own is None:
            if not books.is_by_hand(journal):
                continue
            # Paid over, or entered by hand: each is named in the checklist.
            add(place, "paid_over", -moved)
            continue
        if own.document.kind is DocumentKind.WRITE_OFF or own.step == RECOVERED:
            # The relief is stated by the write-off alone, and by its reversal.
            add(place, "bad_debt_relief", -moved)
        elif own.document.currency != books.currency:
            add(place, "invoices", moved)
    for one in (
        *posted_as(books, DocumentKind.INVOICE),
        *posted_as(books, DocumentKind.CREDIT_MEMO),
    ):
        document = one.document
        if document.currency != books.currency:
            continue
        name = "invoices" if document.kind is DocumentKind.INVOICE else "credits"
        told: Bill | CreditMemo | None = (bills if name == "invoices" else memos).get(
            document.number
        )
        tax = document.tax if told is None else _tax_of(told, books.currency)
        if tax:
            add(where[one.contract_key], name, tax)
    return [
        TaxRoll(
            account=", ".join(sorted(accounts.get(place, set()))),
            jurisdiction=place,
            invoices=found.get("invoices", zero),
            credits=found.get("credits", zero),
            bad_debt_relief=found.get("bad_debt_relief", zero),
            paid_over=found.get("paid_over", zero),
            movement=found.get("movement", zero),
        )
        for place, found in sorted(sums.items())
    ]


def _tax_of(told: Bill | CreditMemo, currency: str) -> Money:
    return Money.total((line.tax for line in told.lines), currency)


def _jurisdiction(books: Books, contract_key: str) -> str:
    contract = next(
        one.versions[-1].contract for one in books.contracts if one.contract_key == contract_key
    )
    return " + ".join(sorted({line.tax.jurisdiction or line.tax.code for line in contract.lines}))
