"""Contracts for the tests of amendments: one line, billed for its first periods; one in June."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dealthread.domain.amendment.amend import Amendment, Standing, amend
from dealthread.domain.amendment.billed import BilledItem
from dealthread.domain.amendment.change import Change, ChangeQuantity
from dealthread.domain.amendment.line import Segment, ServiceLine
from dealthread.domain.amendment.proration import part_price
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle, cycle_for
from dealthread.domain.periods.length import MONTHLY, PeriodLength
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import billing_periods

DAYS = Convention(name="days")
JUNE = date(2026, 6, 1)


def segment(
    price: str,
    start: date,
    end: date | None,
    cycle: BillCycle,
    *,
    quantity: str = "1",
    currency: str = "USD",
    product: str = "SEAT",
) -> Segment:
    return Segment(
        start=start,
        end=end,
        product=product,
        quantity=Decimal(quantity),
        unit_price=UnitPrice.of(price, currency),
        cycle=cycle,
    )


def billed(
    price: str,
    start: date,
    end: date | None,
    length: PeriodLength,
    convention: Convention,
    *,
    quantity: str = "1",
    currency: str = "USD",
    cycle_day: int | None = None,
    paid: bool = True,
    until: date | None = None,
    zone: str = "UTC",
) -> Standing:
    """A line of one segment, its periods billed up to `until` (the end, or the first period)."""
    first = convention.moment(start, zone)
    last = None if end is None else convention.moment(end, zone)
    cycle = cycle_for(first, length, convention, cycle_day=cycle_day, zone=zone)
    one = segment(price, first, last, cycle, quantity=quantity, currency=currency)
    through = convention.moment(until, zone) if until else cycle.boundary(1)
    term = Span(start=first, end=through if last is None else min(last, through))
    items: Sequence[BilledItem] = [
        _item(one, number, cycle, convention, term, paid=paid)
        for number in range(len(billing_periods(term, cycle, convention)))
    ]
    return Standing(
        currency=currency,
        lines=(ServiceLine(line_key="L1", segments=(one,)),),
        items=tuple(items),
    )


def _item(
    one: Segment, number: int, cycle: BillCycle, convention: Convention, term: Span, *, paid: bool
) -> BilledItem:
    whole = Span(start=term.start, end=one.end or cycle.boundary(cycle.index_at(term.end) + 1))
    period = billing_periods(whole, cycle, convention)[number]
    amount = part_price(period.span, period, one.unit_price, one.quantity, convention)
    return BilledItem(
        item_key=f"INV-{number + 1}/1",
        line_key="L1",
        product=one.product,
        invoice=f"INV-{number + 1}",
        span=period.span,
        period=period,
        quantity=one.quantity,
        unit_price=one.unit_price,
        amount=amount,
        unpaid=Money.zero(amount.currency) if paid else amount,
    )


def june(**options: object) -> Standing:
    """300.00 for June 2026, 10 seats at 30.00, paid: 1.00 a seat and day."""
    return billed("30.00", JUNE, None, MONTHLY, DAYS, quantity="10", **options)  # type: ignore[arg-type]


def on(day: int) -> date:
    return date(2026, 6, day)


def seats(day: int, quantity: int) -> ChangeQuantity:
    return ChangeQuantity(line_key="L1", effective=on(day), quantity=Decimal(quantity))


def run(
    standing: Standing, *changes: Change, day: date = JUNE, convention: Convention = DAYS
) -> Amendment:
    latest = max([day, *(change.effective for change in changes)])
    return amend(standing, changes, key="A1", as_of=latest, convention=convention)


def shown(amendment: Amendment) -> list[tuple[str, str, str, str]]:
    return [
        (str(line.amount.amount), str(line.span.start), str(line.span.end), ",".join(line.corrects))
        for line in amendment.lines
    ]
