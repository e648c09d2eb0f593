"""T1, T2 and T14 of a month, from versions, bills, schedules and the ledger's entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.closing.backlog import backlog
from dealthread.domain.closing.books import (
    DEFERRED,
    Books,
    by_currency,
    in_document_currency,
    lines_on,
)
from dealthread.domain.closing.contract_value import (
    DeferredInLedger,
    Obligations,
    ScheduledObligation,
    SoldContract,
    SoldFixed,
    check_remaining,
    check_schedules,
    check_sold,
)
from dealthread.domain.closing.late import billed_later
from dealthread.domain.closing.tie import Answer, Scope
from dealthread.domain.money import Money
from dealthread.domain.position.difference import usage_keys
from dealthread.domain.position.entry import Figure
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.recognition.credited import credited_rows, shares_of
from dealthread.domain.recognition.rows import AS_USED
from dealthread.domain.versions.obligations import obligations_of
from dealthread.domain.versions.plan import RevenuePlanRow


def value_answers(books: Books) -> Iterator[Answer]:
    """T1, T2 and T14, by currency."""
    for currency, contracts in by_currency(books.contracts):
        scope = Scope(seller=books.seller, currency=currency)
        sold = [_sold(one, books) for one in contracts]
        yield check_sold(scope, sold)
        yield check_remaining(
            scope,
            [_obligations(one, books, value) for one, value in zip(contracts, sold, strict=True)],
            DeferredInLedger(
                account=DEFERRED,
                deferred=_deferred(books, currency),
                contract_asset=Money.zero(currency),
            ),
        )
        parts = [part for one in contracts for part in _schedules(one, books)]
        fixed_sold = [SoldFixed(contract_key=one.contract_key, sold=one.sold) for one in sold]
        yield check_schedules(scope, fixed_sold, parts)


def _sold(facts: ContractFacts, books: Books) -> SoldContract:
    currency = facts.versions[-1].contract.currency
    usage_billed = books.sum_of(facts, Figure.USAGE_BILLED)
    used = [one for one in books.used if one.contract_key == facts.contract_key]
    return SoldContract(
        contract_key=facts.contract_key,
        sold=books.sum_of(facts, Figure.SOLD) - usage_billed,
        billed=books.sum_of(facts, Figure.BILLED) - usage_billed,
        backlog=backlog(facts.versions, books.last_day) + billed_later(facts, books.last_day),
        usage_rated=Money.total((one.rated for one in used), currency),
        usage_billed=usage_billed,
        usage_unbilled=Money.total((one.unbilled for one in used), currency),
    )


def _obligations(facts: ContractFacts, books: Books, value: SoldContract) -> Obligations:
    return Obligations(
        contract_key=facts.contract_key,
        sold=value.sold,
        recognised=books.sum_of(facts, Figure.RECOGNISED)
        - books.sum_of(facts, Figure.USAGE_RECOGNISED),
        remaining=_open_lines(facts, books),
        backlog=value.backlog,
    )


def _open_lines(facts: ContractFacts, books: Books) -> Money:
    """What schedule lines have left: those of later months whole, those of others less what was
    taken of them; and services that wait. What was taken without a line is no part of it."""
    currency = facts.versions[-1].contract.currency
    taken: dict[tuple[str, object], Money] = {}
    for document in books.recognised:
        for row in document.rows:
            if row.contract_key == facts.contract_key and row.treatment != AS_USED:
                key = (row.obligation, row.month)
                taken[key] = taken.get(key, Money.zero(currency)) + row.amount
    left = [
        row.amount - taken.get((row.obligation, row.month), Money.zero(currency))
        for row in (*facts.planned, *_credited(facts, books))
    ]
    services = [
        one.amount
        - taken.get((one.obligation, one.accepted_on.replace(day=1)), Money.zero(currency))
        for one in facts.accepted
    ]
    waiting = [amount for _, amount in _waiting(facts, books.config)]
    return Money.total((*left, *services, *waiting), currency)


def _waiting(facts: ContractFacts, config: ConfigSet) -> Sequence[tuple[str, Money]]:
    """Services that the customer has not accepted yet, at their share of the first version's
    price, as it was sold."""
    accepted = {one.obligation for one in facts.accepted}
    first = min(facts.versions, key=lambda one: one.contract.version).contract
    return [
        (one.key, one.price)
        for one in obligations_of(first.lines, config)
        if one.is_by_event and one.key not in accepted and one.line_key not in first.served_lines
    ]


def _credited(facts: ContractFacts, books: Books) -> list[RevenuePlanRow]:
    """What people's credits up to the day take from revenue of fixed prices, below nought."""
    contract, day = facts.versions[-1].contract, books.last_day
    shares = shares_of((one.line_key, one.account, one.amount) for one in facts.planned)
    used = usage_keys(contract)
    found: list[RevenuePlanRow] = []
    for bill in facts.bills:
        memos = tuple(one for one in bill.credit_memos if (one.issue_date or day) <= day)
        known = bill.as_of(day).model_copy(update={"credit_memos": memos})
        rows = credited_rows(known, contract, shares)
        found += [row for row in rows if row.line_key not in used]
    return found


def _schedules(facts: ContractFacts, books: Books) -> Iterator[ScheduledObligation]:
    """Each obligation's schedule, with what waits. Shares of the price are those of a contract that
    was never changed, has an end and was ours from its beginning. A person's credit is a schedule
    of its own."""
    config = books.config
    present = facts.versions[-1].contract
    zero = Money.zero(present.currency)
    sums: dict[str, Money] = {}
    for row in facts.planned:
        sums[row.obligation] = sums.get(row.obligation, zero) + row.amount
    for service in facts.accepted:
        sums[service.obligation] = sums.get(service.obligation, zero) + service.amount
    for key, amount in _waiting(facts, config):
        sums[key] = sums.get(key, zero) + amount
    if facts.opening is not None:
        sums["recognised before"] = facts.opening.recognised
    shares: dict[str, Money] = {}
    is_known = present.version == 1 and present.end_date is not None and facts.opening is None
    if is_known:
        shares = {one.key: one.price for one in obligations_of(present.lines, config)}
    for key in sorted({*sums, *shares}):
        yield ScheduledObligation(
            contract_key=facts.contract_key,
            obligation=key,
            allocated=shares.get(key, zero) if is_known else None,
            scheduled=sums.get(key, zero),
        )
    for row in _credited(facts, books):
        yield ScheduledObligation(
            contract_key=facts.contract_key,
            obligation=row.obligation,
            allocated=None,
            scheduled=row.amount,
        )


def _deferred(books: Books, currency: str) -> Money:
    """Deferred revenue of our documents in a currency, as the ledger's lines tell it. What a person
    entered by hand is named in the checklist."""
    own = {one.document_key: one.currency for one in books.recognised}
    own |= {key: one.document.currency for key, one in books.documents.items()}
    parts = [
        one.opening.billed - one.opening.recognised
        for one in books.contracts
        if one.opening is not None and one.versions[-1].contract.currency == currency
    ]
    for journal in books.journals:
        if (
            not books.is_ours(journal)
            or books.is_brought(journal)
            or journal.document_key in books.undone
        ):
            continue
        if own.get(journal.document_key, books.currency) != currency:
            continue
        for line in lines_on(journal, DEFERRED):
            amount = in_document_currency(line, currency)
            if amount is not None:
                parts.append(-amount)
    return Money.total(parts, currency)
