"""The whole statement of a form: documents, allocation, treatments, revenue, deferred, journals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.revenue.allocation import Allocation
from dealthread.domain.revenue.deferred import MonthOfDeferred, roll_forward
from dealthread.domain.revenue.journal import Journal, entry, recognised
from dealthread.domain.revenue.modification import Decision
from dealthread.domain.revenue.schedule import Schedule, monthly
from dealthread.domain.statement.documents import Document, DocumentKind, billed_of, documents_of
from dealthread.domain.statement.form import ChargeKind, ContractForm
from dealthread.domain.statement.revenue import Revenue, revenue_of
from dealthread.domain.working import Working


class MonthOfRevenue(Frozen):
    """What one obligation earns in a calendar month."""

    month: date
    obligation: str
    amount: Money


class Statement(Frozen):
    """What a contract with its changes comes to. Tax is an estimate."""

    contract: str
    legal_entity: str
    currency: str
    convention: str
    documents: tuple[Document, ...]
    net: Money
    tax: Money
    gross: Money
    allocation: Allocation | None
    decisions: tuple[Decision, ...]
    revenue: tuple[MonthOfRevenue, ...]
    recognised: Money
    deferred: tuple[MonthOfDeferred, ...]
    journals: tuple[Journal, ...]
    workings: tuple[Working, ...]


def statement_of(form: ContractForm) -> Statement:
    """Raises ValueError naming the field that cannot be computed with."""
    bills = billed_of(form)
    documents = documents_of(form, bills)
    found = revenue_of(form, bills)
    by_month = monthly(found.schedules, form.currency)
    return Statement(
        contract=form.contract,
        legal_entity=form.legal_entity,
        currency=form.currency,
        convention=form.convention,
        documents=documents,
        net=Money.total((one.net for one in documents), form.currency),
        tax=Money.total((one.tax for one in documents), form.currency),
        gross=Money.total((one.gross for one in documents), form.currency),
        allocation=found.allocation,
        decisions=found.decisions,
        revenue=tuple(_months(found.schedules)),
        recognised=Money.total(by_month.values(), form.currency),
        deferred=roll_forward(
            form.zero(), [(one.books_date, one.net) for one in documents], by_month
        ),
        journals=tuple(_journals(form, documents, found)),
        workings=tuple(_workings(documents, found)),
    )


def _months(schedules: tuple[Schedule, ...]) -> Iterator[MonthOfRevenue]:
    sums: dict[tuple[date, str], Money] = {}
    for one in schedules:
        for month, amount in one.by_month().items():
            key = (month, one.obligation)
            sums[key] = sums[key] + amount if key in sums else amount
    for (month, obligation), amount in sorted(sums.items(), key=lambda row: row[0][0]):
        yield MonthOfRevenue(month=month, obligation=obligation, amount=amount)


def _journals(
    form: ContractForm, documents: tuple[Document, ...], found: Revenue
) -> Iterator[Journal]:
    """Usage is an asset until it is billed; everything else is deferred from its bill on."""
    chart = form.accounts
    usage = {line.key: chart.unbilled for line in form.lines if line.charge is ChargeKind.USAGE}
    made = [
        entry(
            form.legal_entity,
            one.books_date,
            one.kind.value.replace("_", " "),
            [(_debited(form, one), one.gross)],
            [
                *_by_account(
                    (usage.get(line.line, chart.deferred), line.net) for line in one.lines
                ),
                (chart.tax, one.tax),
            ],
        )
        for one in documents
    ]
    accounts = {line.key: line.account for line in form.lines}
    for one in found.schedules:
        accounts.setdefault(one.obligation, accounts[one.obligation.partition("/")[0]])
    made.extend(
        recognised(
            form.legal_entity, found.schedules, accounts, deferred=chart.deferred, unbilled=usage
        )
    )
    yield from sorted((one for one in made if one.lines), key=lambda one: one.posting_date)


def _debited(form: ContractForm, document: Document) -> str:
    if document.kind is DocumentKind.CREDIT_NOTE:
        return form.accounts.credit_balance
    return form.accounts.receivable


def _by_account(lines: Iterable[tuple[str, Money]]) -> list[tuple[str, Money]]:
    sums: dict[str, Money] = {}
    for account, amount in lines:
        sums[account] = sums[account] + amount if account in sums else amount
    return list(sums.items())


def _workings(documents: tuple[Document, ...], found: Revenue) -> Iterator[Working]:
    for document in documents:
        for line in document.lines:
            yield line.working.model_copy(
                update={
                    "what": f"{document.issue_date} {document.kind} {document.number}, "
                    f"{line.line}: {line.working.what}"
                }
            )
    if found.allocation is not None:
        yield found.allocation.working
    yield from (decision.working() for decision in found.decisions)
    yield from found.workings
    yield from (one.working() for one in found.schedules)
