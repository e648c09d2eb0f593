"""Invoices and credit notes of a contract, as they would be issued, with their tax estimated.

Charges of one day make one invoice. Each change has a document of its own, which credits the
unused part of what was billed and charges the new terms for it: a credit note when its net is
below zero (never a negative invoice). Tax is rounded half up on each line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from dealthread.domain.amendment.billed import Settlement
from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.pricing.rating import Rated, rate
from dealthread.domain.revenue.posting import AccountingPeriod, Posting, posting_for
from dealthread.domain.rounding import money_of
from dealthread.domain.statement.billing import Charge, charges_of
from dealthread.domain.statement.form import ChargeKind, ContractForm, LineForm
from dealthread.domain.working import Working


class DocumentKind(StrEnum):
    """What is issued."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class DocumentLine(Frozen):
    """A line; a credit is below zero and names what it corrects."""

    line: str
    what: str
    service_start: date
    service_end: date
    net: Money
    tax: Money
    """Estimated."""
    corrects: int | None = None
    """Number of the document that charged it."""
    settlements: tuple[Settlement, ...] = ()
    """What becomes of a credit: a reduction of the open document, balance or refund."""
    working: Working


class Document(Frozen):
    """An invoice or credit note. Numbers are of this statement only."""

    number: int
    kind: DocumentKind
    issue_date: date
    """The legal date."""
    tax_point: date
    """Decides the tax return; a closed period does not move it."""
    posting: Posting
    """The date in the books, or that the controller decides."""
    due_date: date
    change: str = ""
    """The change that made it."""
    lines: tuple[DocumentLine, ...]
    net: Money
    tax: Money
    gross: Money

    @property
    def books_date(self) -> date:
        """The posting date; the issue date while the controller has not decided."""
        return self.posting.posting_date or self.issue_date


Billed = dict[str, list[list[Charge]]]
"""By line: its charges as sold, then with each further change. Without changes there is one."""


def billed_of(form: ContractForm) -> Billed:
    """Raises ValueError naming the field of a change or price that cannot be computed with."""
    return {line.key: list(_billed_of(form, line)) for line in form.lines}


def documents_of(form: ContractForm, billed: Billed) -> tuple[Document, ...]:
    """In order of issue; charges before changes of the same day."""
    order = {change.key: at for at, change in enumerate(form.changes)}
    groups: dict[tuple[date, int, str], list[tuple[LineForm, Charge]]] = {}
    for line in form.lines:
        for one in billed[line.key][-1]:
            key = (one.on, order.get(one.change, -1), one.change)
            groups.setdefault(key, []).append((line, one))
    numbers: dict[str, int] = {}
    found: list[Document] = []
    for (on, _, change), members in sorted(groups.items(), key=lambda group: group[0][:2]):
        if not any(one.net for _, one in members):
            continue  # a document of nothing is not issued
        found.append(_document(form, len(found) + 1, on, change, members, numbers))
    return tuple(found)


def _document(
    form: ContractForm,
    number: int,
    on: date,
    change: str,
    members: Sequence[tuple[LineForm, Charge]],
    numbers: dict[str, int],
) -> Document:
    lines = [_line(form, line, one, numbers) for line, one in members]
    for _, one in members:
        numbers.setdefault(one.item, number)
    net = Money.total((line.net for line in lines), form.currency)
    tax = Money.total((line.tax for line in lines), form.currency)
    is_credit = net.amount < 0
    return Document(
        number=number,
        kind=DocumentKind.CREDIT_NOTE if is_credit else DocumentKind.INVOICE,
        issue_date=on,
        tax_point=on,
        posting=_posting(form, on, net + tax),
        due_date=on if is_credit else on + timedelta(days=form.days_until_due),
        change=change,
        lines=tuple(lines),
        net=net,
        tax=tax,
        gross=net + tax,
    )


def _posting(form: ContractForm, on: date, gross: Money) -> Posting:
    if not form.periods:
        return Posting(posting_date=on)
    periods = [AccountingPeriod.model_validate(one.model_dump()) for one in form.periods]
    threshold = money_of(form.posting_threshold, form.currency)
    return posting_for(on, gross, periods, threshold)


def _line(form: ContractForm, line: LineForm, one: Charge, numbers: dict[str, int]) -> DocumentLine:
    corrects = numbers.get(one.item) if one.net.amount < 0 else None
    tax = Fraction(one.net.amount) * Fraction(line.tax_percent) / 100
    return DocumentLine(
        line=line.key,
        what=one.what,
        service_start=one.start,
        service_end=one.end,
        net=one.net,
        tax=money_of(tax, form.currency),
        corrects=corrects,
        settlements=tuple(
            part.model_copy(update={"invoice": str(corrects)}) for part in one.settlements
        ),
        working=one.working,
    )


def _billed_of(form: ContractForm, line: LineForm) -> Iterator[list[Charge]]:
    if line.charge is ChargeKind.RECURRING:
        yield from charges_of(form, line)
    elif line.charge is ChargeKind.USAGE:
        yield list(_usage(form, line))
    else:
        start, end = form.term_of(line)
        rated = rate(line.price_in(form.currency), line.quantity)
        yield [_charge(line, start, "one-time", (start, end), rated)]


def _usage(form: ContractForm, line: LineForm) -> Iterator[Charge]:
    since, _ = form.term_of(line)
    for record in line.usage:
        after = record.until + timedelta(days=1)
        rated = rate(line.price_in(form.currency), record.quantity)
        if rated.amount:
            yield _charge(line, after, "usage", (since, after), rated)
        since = after


def _charge(
    line: LineForm, on: date, what: str, service: tuple[date, date], rated: Rated
) -> Charge:
    start, end = service
    return Charge(on, "", what, start, end, rated.amount, f"{line.key}/{on}", (), rated.working)
