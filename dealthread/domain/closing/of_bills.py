"""T12 and T15 of a month: the biller's documents against the ledger's, and their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dealthread.domain.bill import Bill
from dealthread.domain.closing.books import (
    RECEIVABLE,
    Books,
    by_currency,
    in_document_currency,
    lines_on,
)
from dealthread.domain.closing.documents import (
    CountedDocument,
    NumberSeries,
    NumberUse,
    check_billed_and_posted,
    check_numbers,
)
from dealthread.domain.closing.of_summaries import counted_in_summary
from dealthread.domain.closing.tie import Answer, Scope
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.facts import (
    OUT_OF_SUMMARY,
    SINGLE_INVOICE,
    ContractFacts,
    run_of,
)
from dealthread.domain.posted import DocumentKind, PostedDocument
from dealthread.domain.receivable import voided_number

_UNISSUED = (InvoiceStatus.DRAFT, InvoiceStatus.PREVIEW)
_SERIES = re.compile(r"^(?P<head>.*?)(?P<number>\d+)(?P<tail>\D*)$", re.ASCII | re.DOTALL)
"""The last digits count; what stands before and after them names the series."""


_NOWHERE, _FIRST = -1, 0


def document_answers(books: Books) -> Iterator[Answer]:
    """T12 by currency, T15 by series."""
    for currency, contracts in by_currency(books.contracts):
        scope = Scope(seller=books.seller, currency=currency)
        billed = [one for facts in contracts for one in _billed(facts, books)]
        yield check_billed_and_posted(scope, billed, _posted(books, currency))
    for series in number_series(books):
        yield check_numbers(books.seller, series)


def _billed(facts: ContractFacts, books: Books) -> Iterator[CountedDocument]:
    """What the biller finalised, by the period in which it is posted, or was issued while it is
    not. Nought is not posted."""
    posted = facts.posted
    states = {one.business_key: one for one in facts.postings if one.document is None}
    for bill in facts.bills:
        if bill.status in _UNISSUED or _is_never_posted(bill, posted):
            continue
        documents = [(bill.number, bill.gross, bill.issue_date)]
        documents += [(one.number, -one.gross, one.issue_date) for one in bill.credit_memos]
        if (reversed_ := posted.get(voided_number(bill.number))) is not None:
            documents.append((reversed_.number, -_remained(bill), bill.voided_on))
        waits = states.get(f"invoice:{bill.ref.account}:{bill.ref.native_id}")
        for number, total, issued in documents:
            document = posted.get(number)
            day = issued if document is None else document.posting_date
            if total and books.is_within(day):
                yield CountedDocument(
                    number=number,
                    total=total,
                    contract_key=facts.contract_key,
                    state="" if document is not None or waits is None else waits.state,
                )
        yield from _taken_out(facts, bill, books)


def _taken_out(facts: ContractFacts, bill: Bill, books: Books) -> Iterator[CountedDocument]:
    """An invoice that was taken out of a summary and posted by itself is two documents more, of
    what the bill says, which make nought together."""
    for one in facts.postings:
        document = one.document
        if one.business_key != run_of(bill) or document is None:
            continue
        if one.step in (OUT_OF_SUMMARY, SINGLE_INVOICE) and books.is_within(document.posting_date):
            yield CountedDocument(
                number=document.number,
                total=bill.gross if one.step == SINGLE_INVOICE else -bill.gross,
                contract_key=facts.contract_key,
            )


def _remained(bill: Bill) -> Money:
    """Of an invoice that was voided, what was not credited before."""
    return bill.gross - Money.total((one.gross for one in bill.credit_memos), bill.currency)


def _is_never_posted(bill: Bill, posted: Mapping[str, PostedDocument]) -> bool:
    """Whether an invoice was taken back before the ledger had it: it owes nothing to anybody."""
    return bill.status is InvoiceStatus.VOID and bill.number not in posted


def _posted(books: Books, currency: str) -> list[CountedDocument]:
    """Invoices and credit memos as the ledger's entries tell them: what stands against the
    customer, in their own currency."""
    found: list[CountedDocument] = []
    kinds = (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)
    for journal in books.month:
        found += counted_in_summary(books, journal, currency)
        own = books.documents.get(journal.document_key)
        if own is None or own.document.kind not in kinds or own.document.currency != currency:
            continue
        amounts = [in_document_currency(one, currency) for one in lines_on(journal, RECEIVABLE)]
        total = Money.total((one for one in amounts if one is not None), currency)
        is_credit = own.document.kind is DocumentKind.CREDIT_MEMO
        # A credit's settlement is an entry of its own, which turns the receivable back.
        if total and (total.amount < 0) is is_credit:
            found.append(
                CountedDocument(
                    number=own.document.number, total=total, contract_key=own.contract_key
                )
            )
    return found


def number_series(books: Books) -> list[NumberSeries]:
    """Invoice numbers of each billing account up to the month's end, from the first that is known
    here: what was issued before is the adopted book's."""
    found: dict[tuple[str, str, str], list[NumberUse]] = {}
    for facts in books.contracts:
        for bill in facts.bills:
            if not bill.number or bill.issue_date is None or bill.issue_date > books.last_day:
                continue
            if facts.opening is not None and facts.opening.is_before(bill):
                continue
            parts = _SERIES.match(bill.number)
            use = NumberUse(
                # A number without digits is of no series: it is told as one that is missing there.
                number=_NOWHERE if parts is None else int(parts["number"]),
                document=bill.number,
                contract_key=facts.contract_key,
            )
            around = ("", "") if parts is None else (parts["head"], parts["tail"])
            found.setdefault((bill.ref.account, *around), []).append(use)
    return [
        NumberSeries(
            billing_account=account,
            series=series,
            tail=tail,
            used=tuple(uses),
            first=max(min(one.number for one in uses), _FIRST),
        )
        for (account, series, tail), uses in sorted(found.items())
    ]
