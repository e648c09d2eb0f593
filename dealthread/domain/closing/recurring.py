"""T13 of a month: annual recurring revenue by contract, and what is known to have moved it.

Opening and closing are each contract's figure by the version that was in force. The movements are
told line by line on the day on which each happened: a version was agreed, a line began or ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.closing.books import Books, by_currency
from dealthread.domain.closing.contract_value import ArrMovement, check_arr
from dealthread.domain.closing.tie import Answer, Scope
from dealthread.domain.contract import ContractState
from dealthread.domain.metrics import MONTHS_OF_YEAR, RevenueLine
from dealthread.domain.money import Money
from dealthread.domain.order_delta import Movement
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.position.sold import arr_of, in_force, recurring_lines
from dealthread.domain.rounding import money_of

_ONE_DAY = timedelta(days=1)
_NEVER = (ContractState.PENDING, ContractState.NEVER_ACTIVATED)

Held = Mapping[str, tuple[Fraction, Decimal]]
"""By line: what recurs of it in a year, exact, and its quantity."""


def recurring_answers(books: Books) -> Iterator[Answer]:
    """T13, by currency. In a contract's own currency exchange moves nothing."""
    for currency, contracts in by_currency(books.contracts):
        scope = Scope(seller=books.seller, currency=currency)
        moved = [_moved(one, books) for one in contracts if one.state not in _NEVER]
        yield check_arr(scope, moved)


def _moved(facts: ContractFacts, books: Books) -> ArrMovement:
    currency = facts.versions[-1].contract.currency
    opening = books.period - _ONE_DAY
    sums: dict[Movement, Fraction] = {}
    before = _held(facts, opening, books.config)
    for day in _days(facts, books):
        after = _held(facts, day, books.config)
        for kind, amount in _of_day(before, after):
            sums[kind] = sums.get(kind, Fraction()) + amount
        before = after

    opened = _arr(facts, opening, books.config)
    moved = _rounded(_total(_held(facts, opening, books.config)), opened, sums)

    def of(kind: Movement) -> Money:
        return moved.get(kind, Money.zero(currency))

    return ArrMovement(
        contract_key=facts.contract_key,
        opening=opened,
        new=of(Movement.NEW),
        expansion=of(Movement.EXPANSION),
        contraction=-of(Movement.CONTRACTION),
        churn=-of(Movement.CHURN),
        price=of(Movement.PRICE),
        exchange=Money.zero(currency),
        closing=_arr(facts, books.last_day, books.config),
    )


def _rounded(
    held: Fraction, opening: Money, sums: Mapping[Movement, Fraction]
) -> dict[Movement, Money]:
    """Each movement in money; the largest takes what rounding leaves, as the figures before and
    after are rounded by themselves."""
    moved = {kind: money_of(amount, opening.currency) for kind, amount in sums.items()}
    if moved:
        whole = money_of(held + sum(sums.values(), Fraction()), opening.currency) - opening
        largest = max(moved, key=lambda kind: (abs(sums[kind]), kind))
        moved[largest] = moved[largest] + whole - Money.total(moved.values(), opening.currency)
    return moved


def _total(held: Held) -> Fraction:
    return sum((yearly for yearly, _ in held.values()), Fraction())


def _days(facts: ContractFacts, books: Books) -> list[date]:
    """Days of the month on which something of a contract may have moved."""
    found = {one.accepted_on for one in facts.versions}
    for one in facts.versions:
        for line in one.contract.lines:
            found |= {day for day in (line.start_date, line.end_date) if day is not None}
    return sorted(day for day in found if books.is_within(day))


def _held(facts: ContractFacts, day: date, config: ConfigSet) -> Held:
    version = in_force(facts.versions, day)
    if version is None:
        return {}
    lines = [one for one in recurring_lines(version.contract, config) if one.is_active(day)]
    held: dict[str, tuple[Fraction, Decimal]] = {}
    for one in lines:
        yearly, quantity = held.get(one.key, (Fraction(), Decimal(0)))
        held[one.key] = yearly + _yearly(one), quantity + one.quantity
    return {key: value for key, value in held.items() if value[0]}


def _yearly(line: RevenueLine) -> Fraction:
    return line.monthly() * MONTHS_OF_YEAR


def _of_day(before: Held, after: Held) -> Iterator[tuple[Movement, Fraction]]:
    """Of a contract that had nothing it is new, of one that has nothing left it is lost; else it
    grew or shrank by a line, by quantity at the price there was, and by price."""
    for key in sorted({*before, *after}):
        was, had = before.get(key, (Fraction(), Decimal(0)))
        now, has = after.get(key, (Fraction(), Decimal(0)))
        if not before:
            yield Movement.NEW, now
        elif not after:
            yield Movement.CHURN, -was
        else:
            by_quantity = now - was
            if was and now and had:
                by_quantity = was * (Fraction(has) - Fraction(had)) / Fraction(had)
                yield Movement.PRICE, now - was - by_quantity
            kind = Movement.EXPANSION if by_quantity >= 0 else Movement.CONTRACTION
            yield kind, by_quantity


def _arr(facts: ContractFacts, day: date, config: ConfigSet) -> Money:
    version = in_force(facts.versions, day)
    if version is None:
        return Money.zero(facts.versions[-1].contract.currency)
    return arr_of(version.contract, day, config)
