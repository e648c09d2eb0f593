"""What a part of a line's billing periods costs.

Stripe preset: seconds over the seconds of the whole period, anchors at 00:00 UTC, so whole days;
each amount rounded half up by itself. A part costs what is left of its period from its start on,
less what is left from its end on: what is billed at the start of a period and credited when a
part of it falls away (`facts/domain.md` §9.6, D1 and D2). What is left is a share of the amount
that was billed when the state began, as the biller credits it (docs.stripe.com: billing mode
flexible), not of the price: for a state that began within its period the two differ by a cent.
The parts of a period therefore add up to what was billed for it, whatever was changed in it and
in which order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dealthread.domain.amendment.proration import part_price
from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import ContractLine
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.moment import Span, start_of, zone_of
from dealthread.domain.periods.presets import STRIPE
from dealthread.domain.periods.schedule import BillingPeriod, PeriodKind
from dealthread.domain.rounding import money_of
from dealthread.domain.span import add_months
from dealthread.domain.versions.terms import ONE_DAY, BillingTerms, Period

_UTC = zone_of("UTC")


@dataclass(frozen=True, slots=True)
class Priced:
    """What is sold in a span: a quantity at a price for so many months."""

    quantity: Decimal
    unit_price: UnitPrice
    period_months: int

    @classmethod
    def of(cls, line: ContractLine) -> Priced:
        """Of a line of a contract."""
        return cls(line.quantity, line.unit_price, line.period_months)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line in one billing period and its net."""

    period: Period
    start: date
    end: date
    net: Money


def price_periods(start: date, end: date, months: int) -> Fraction:
    """Whole periods of so many months in a span, and the days of a broken last one, exact."""
    count = ((end.year - start.year) * 12 + end.month - start.month) // months
    if add_months(start, count * months) > end:
        count -= 1
    reached = add_months(start, count * months)
    following = add_months(start, (count + 1) * months)
    return count + Fraction((end - reached).days, (following - reached).days)


def periods_billed(period: Period, months: int, period_months: int) -> Fraction:
    """Price periods in one billing period; `months` 0 is a whole term."""
    if months:
        return Fraction(months, period_months)
    return price_periods(period.start, period.end, period_months)


def net_per_period(priced: Priced, period: Period, terms: BillingTerms) -> Money:
    """Net of one whole billing period, half up."""
    return _billed(
        priced, period.start, Period(period.start, period.whole_end, period.whole_end), terms.months
    )


def committed_net(priced: Priced, start: date, end: date) -> Money:
    """Price of the whole periods, each rounded half up, and of a broken last one by its days, as
    for a new contract."""
    one = priced.unit_price.times(priced.quantity)
    periods = price_periods(start, end, priced.period_months)
    count = int(periods)
    whole = Money.of(one.amount * count, one.currency)
    broken = Fraction(priced.unit_price.amount) * Fraction(priced.quantity) * (periods - count)
    return whole + money_of(broken, one.currency)


def parts(
    priced: Priced,
    start: date,
    end: date | None,
    terms: BillingTerms,
    until: date,
    *,
    since: date | None = None,
) -> Iterator[Part]:
    """[start, end) period by period; without an end, up to the period that holds `until`.
    `since` is the day from which the state was billed, where that is before `start`."""
    billed_from = start if since is None else since
    for period in terms.periods(start, end, until):
        first = max(start, period.start)
        last = period.end if end is None else min(end, period.end)
        begun = max(billed_from, period.start)
        billed = _billed(priced, begun, period, terms.months)
        net = _left(billed, begun, first, period) - _left(billed, begun, last, period)
        yield Part(period, first, last, net)


def line_parts(
    line: ContractLine, start: date, end: date | None, terms: BillingTerms, until: date
) -> tuple[Part, ...]:
    """A part of a line of a contract. Usage has no price of its own; a one-time charge is whole
    on its day. A span that lies in one period is worth what the contract keeps for it."""
    if line.kind == ChargeKind.USAGE:
        return ()
    if line.kind == ChargeKind.ONE_TIME:
        day = line.start_date
        return (
            Part(Period(day, day + ONE_DAY, day + ONE_DAY), day, day + ONE_DAY, line.committed_net),
        )
    found = tuple(parts(Priced.of(line), start, end, terms, until, since=line.start_date))
    is_whole = (start, end) == (line.start_date, line.end_date)
    if terms.is_fixed and is_whole and len(found) == 1:
        return (Part(found[0].period, start, found[0].end, line.committed_net),)
    return found


def total(found: tuple[Part, ...], currency: str) -> Money:
    """Net of the parts."""
    return Money.total((part.net for part in found), currency)


def _left(billed: Money, begun: date, day: date, period: Period) -> Money:
    """The share of what was billed on `begun` for the rest of its period, from a day on."""
    share = Fraction((period.end - day).days, (period.end - begun).days)
    return money_of(Fraction(billed.amount) * share, billed.currency)


def _billed(priced: Priced, day: date, period: Period, months: int) -> Money:
    """Price of a period from a day on."""
    billed = BillingPeriod.model_construct(
        number=1,
        span=_span(period.start, period.end),
        whole=_span(period.start, period.whole_end),
        kind=PeriodKind.FULL,
        bill_at=start_of(period.start, _UTC),
        length=_LENGTH,
        cycle_day=period.start.day,
    )
    return part_price(
        _span(day, period.end),
        billed,
        priced.unit_price,
        priced.quantity,
        STRIPE,
        periods_billed(period, months, priced.period_months),
    )


_LENGTH = PeriodLength.of_months(1)
"""Not looked at: a convention of seconds measures the period itself."""


def _span(start: date, end: date) -> Span:
    return Span(start=start_of(start, _UTC), end=start_of(end, _UTC))
