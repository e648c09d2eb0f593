"""What holds for a line when: price and quantity before and after each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from dealthread.domain.pricing.price import PerUnitPrice, Price
from dealthread.domain.pricing.rating import rate
from dealthread.domain.revenue.modification import ChangeKind
from dealthread.domain.rounding import exact
from dealthread.domain.statement.form import ChangeForm, ContractForm, LineForm

WITHOUT_PRICE = (ChangeKind.TERMS_ONLY, ChangeKind.VARIABLE_ESTIMATE)
"""Kinds that change neither price nor quantity."""


@dataclass(frozen=True, slots=True)
class Terms:
    """From a day on."""

    since: date
    quantity: Decimal
    price: Price
    per_months: int

    def of_months(self, months: int) -> Fraction:
        """Exact price of so many months, in major units."""
        if isinstance(self.price, PerUnitPrice):
            one = exact(self.price.unit_price) * Fraction(self.quantity)
        else:
            one = exact(rate(self.price, self.quantity).amount)
        return one * Fraction(months, self.per_months)

    def named(self) -> str:
        """For a person."""
        if isinstance(self.price, PerUnitPrice):
            return f"{self.quantity.normalize():f} × {self.price.unit_price}"
        return f"{self.quantity.normalize():f}, {self.price.model} price"


def first_terms(form: ContractForm, line: LineForm) -> Terms:
    """As sold."""
    start, _ = form.term_of(line)
    return Terms(start, line.quantity, line.price_in(form.currency), line.per_months)


def changed(form: ContractForm, line: LineForm, before: Terms, change: ChangeForm) -> Terms:
    """After one change. Raises ValueError when it says what a change of its kind cannot."""
    where = f"changes.{form.changes.index(change)}"
    if change.kind in WITHOUT_PRICE:
        return replace(before, since=change.effective_on)
    quantity = before.quantity if change.quantity is None else change.quantity
    if change.kind is ChangeKind.TERMINATE:
        quantity = Decimal(0)
    if change.kind is ChangeKind.ADD and not quantity > before.quantity:
        raise ValueError(f"{where}.quantity: adding leaves more than {before.quantity}")
    if change.kind is ChangeKind.REDUCE and not quantity < before.quantity:
        raise ValueError(f"{where}.quantity: reducing leaves less than {before.quantity}")
    if change.kind is ChangeKind.PRICE and change.unit_price is None:
        raise ValueError(f"{where}.unit_price: a change of price needs it")
    price = before.price
    if change.unit_price is not None:
        price = line.price_in(form.currency, change.unit_price)
    return replace(before, since=change.effective_on, quantity=quantity, price=price)


def accepted(form: ContractForm, line: LineForm) -> list[ChangeForm]:
    """The changes of a line that hold, in the order of their documents.

    Raises ValueError for one that takes effect before one documented earlier does: what it
    corrects would itself be corrected again.
    """
    found = [one for one in form.changes if one.line == line.key and one.accepted_on is not None]
    found.sort(key=lambda one: (one.documented_on, one.effective_on))
    for before, after in pairwise(found):
        if after.effective_on < before.effective_on:
            where = f"changes.{form.changes.index(after)}"
            raise ValueError(f"{where}.effective_on: before that of {before.key}, agreed earlier")
    return found


@dataclass(frozen=True, slots=True)
class Version:
    """The terms of a line once a change is documented; as sold where there is none."""

    on: date
    change: str
    terms: tuple[Terms, ...]
    """In the order in which they take effect."""


def versions_of(form: ContractForm, line: LineForm) -> list[Version]:
    """As sold, then after each change, in the order of their documents."""
    terms: tuple[Terms, ...] = (first_terms(form, line),)
    found = [Version(date.min, "", terms)]
    for change in accepted(form, line):
        terms = (*terms, changed(form, line, terms[-1], change))
        found.append(Version(change.documented_on, change.key, terms))
    return found


def segments(
    timeline: Sequence[Terms], start: date, end: date
) -> Iterator[tuple[date, date, Terms]]:
    """[start, end) cut where terms change."""
    for terms, following in zip(timeline, [*timeline[1:], None], strict=True):
        begin = max(terms.since, start)
        stop = end if following is None else min(following.since, end)
        if begin < stop:
            yield begin, stop, terms
