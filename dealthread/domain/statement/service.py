"""A recurring line of the form as a line of service, and its changes as those of an amendment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from dealthread.domain.amendment.change import (
    Change,
    ChangePrice,
    ChangeQuantity,
    ChangeTerms,
    RemoveLine,
)
from dealthread.domain.amendment.line import Segment, ServiceLine
from dealthread.domain.money import UNIT_PRICE_PLACES, UnitPrice
from dealthread.domain.periods.cycle import cycle_for
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.moment import day_in, is_instant
from dealthread.domain.pricing.price import PerUnitPrice, Price
from dealthread.domain.pricing.rating import rate
from dealthread.domain.revenue.modification import ChangeKind
from dealthread.domain.rounding import exact
from dealthread.domain.statement.form import ChangeForm, ContractForm, LineForm


def service_of(form: ContractForm, line: LineForm) -> ServiceLine:
    """The line as sold. Lines of a contract share its cycle."""
    rules = form.rules()
    start, end = (rules.moment(day, form.time_zone) for day in form.term_of(line))
    quantity, price = _priced(form, line, line.price_in(form.currency), line.quantity)
    cycle = cycle_for(
        rules.moment(form.start, form.time_zone),
        PeriodLength.of_months(form.billing_months),
        rules,
        cycle_day=form.cycle_day,
        zone=rules.zone(form.time_zone).key,
    )
    segment = Segment(
        start=start,
        end=end,
        product=line.key,
        quantity=quantity,
        unit_price=price,
        cycle=cycle,
    )
    return ServiceLine(line_key=line.key, segments=(segment,))


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the form, as changes of an amendment."""

    change: ChangeForm
    parts: tuple[Change, ...]


def steps_of(form: ContractForm, line: LineForm) -> list[Step]:
    """The changes of a line that hold, in the order of their documents.

    Raises ValueError for one that says what a change of its kind cannot, and for one that takes
    effect before one agreed earlier does: what it corrects would itself be corrected again.
    """
    held = accepted(form, line)
    for before, after in pairwise(held):
        if after.effective_on < before.effective_on:
            raise ValueError(
                f"{_place(form, after)}.effective_on: before that of {before.key}, agreed earlier"
            )
    quantity, price = line.quantity, line.price_in(form.currency)
    found: list[Step] = []
    for change in held:
        now, dear = _after(form, line, change, quantity, price)
        found.append(
            Step(change, tuple(_parts(form, line, change, (quantity, price), (now, dear))))
        )
        quantity, price = now, dear
    return found


def accepted(form: ContractForm, line: LineForm) -> list[ChangeForm]:
    """The changes of a line that both sides approved, in the order of their documents."""
    held = [one for one in form.changes if one.line == line.key and one.accepted_on is not None]
    return sorted(held, key=lambda one: (one.documented_on, one.effective_on))


def day_of(form: ContractForm, moment: date) -> date:
    """The calendar day of a moment of the convention."""
    return day_in(moment, form.rules().zone(form.time_zone)) if is_instant(moment) else moment


def _after(
    form: ContractForm, line: LineForm, change: ChangeForm, quantity: Decimal, price: Price
) -> tuple[Decimal, Price]:
    where = _place(form, change)
    now = quantity if change.quantity is None else change.quantity
    if change.kind is ChangeKind.ADD and not now > quantity:
        raise ValueError(f"{where}.quantity: adding leaves more than {quantity}")
    if change.kind is ChangeKind.REDUCE and not now < quantity:
        raise ValueError(f"{where}.quantity: reducing leaves less than {quantity}")
    if change.kind is ChangeKind.PRICE and change.unit_price is None:
        raise ValueError(f"{where}.unit_price: a change of price needs it")
    if change.unit_price is not None:
        price = line.price_in(form.currency, change.unit_price)
    return now, price


def _parts(
    form: ContractForm,
    line: LineForm,
    change: ChangeForm,
    before: tuple[Decimal, Price],
    after: tuple[Decimal, Price],
) -> Iterator[Change]:
    common = {"line_key": line.key, "effective": change.effective_on}
    if change.kind is ChangeKind.TERMINATE:
        yield RemoveLine.model_validate(common)
        return
    if change.kind is ChangeKind.TERMS_ONLY:
        yield ChangeTerms.model_validate({**common, "payment_terms": change.key})
        return
    was = _priced(form, line, before[1], before[0])
    quantity, price = _priced(form, line, after[1], after[0])
    if quantity != was[0]:
        yield ChangeQuantity.model_validate({**common, "quantity": quantity})
    if price != was[1]:
        yield ChangePrice.model_validate({**common, "unit_price": price})


def _priced(
    form: ContractForm, line: LineForm, price: Price, quantity: Decimal
) -> tuple[Decimal, UnitPrice]:
    """Units and the price of one for a billing period; a price model is one unit of its price."""
    ratio = Fraction(form.billing_months, line.per_months)
    if isinstance(price, PerUnitPrice):
        value, units = exact(price.unit_price) * ratio, quantity
    else:
        value, units = exact(rate(price, quantity).amount) * ratio, Decimal(1)
    scaled = value * 10**UNIT_PRICE_PLACES
    if scaled.denominator != 1:
        at = form.lines.index(line)
        raise ValueError(
            f"lines.{at}.per_months: the price for {line.per_months} months is no exact price for "
            f"a billing period of {form.billing_months}: give that of the billing period"
        )
    amount = Decimal(scaled.numerator).scaleb(-UNIT_PRICE_PLACES)
    return units, UnitPrice.of(amount.normalize(), form.currency)


def _place(form: ContractForm, change: ChangeForm) -> str:
    return f"changes.{form.changes.index(change)}"
