"""What the ERP books for a change: the difference of two versions as a contract of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.money import Money
from dealthread.domain.versions.lookup import is_served, line_keys, spans_of


def booking_delta(
    before: Contract | None, after: Contract, effective_from: date
) -> Contract | None:
    """A contract whose lines are the change: one for each line that changed.

    Quantity and committed net are what is more (or, below zero, less) than before; where only the
    price changes, the quantity is the present one. Another product or tax code is two lines, the
    old one taken back and the new one booked. For a new term they are its spans; for a first
    version everything. None where lines stay as they are.
    """
    if before is None:
        return after
    if after.term_no > before.term_no and before.end_date is not None:
        start = before.end_date
        lines = tuple(line for line in after.lines if line.start_date >= start)
    else:
        lines = tuple(
            line
            for key in line_keys(before, after)
            for line in _changed(spans_of(before, key), spans_of(after, key), effective_from)
        )
    if not lines:
        return None
    # The order of the change is dated by its own first day, not by the contract's.
    first = min(line.start_date for line in lines)
    return after.model_copy(update={"lines": lines, "start_date": first})


def _changed(
    old: tuple[ContractLine, ...], new: tuple[ContractLine, ...], on: date
) -> Iterator[ContractLine]:
    if old == new:
        return
    currency = (*old, *new)[0].net_per_period.currency
    was, now = _from(old, on), _from(new, on)
    end = (new or old)[-1].end_date if now is not None else old[-1].end_date
    if was is not None and now is not None and not _is_booked_alike(was, now):
        before = tuple(one for one in new if one.start_date < on)
        since = tuple(one for one in new if one.start_date >= on)
        gone = _committed(old, currency) - _committed(before, currency)
        taken = -was.net_per_period
        yield _line(was, -was.quantity, -gone, taken, on, old[-1].end_date)
        yield _line(now, now.quantity, _committed(since, currency), now.net_per_period, on, end)
        return
    net = _committed(new, currency) - _committed(old, currency)
    held, holds = _quantity(was), _quantity(now)
    quantity = holds - held if holds != held else holds
    if net or holds != held:
        bill = _bill(now, currency) - _bill(was, currency)
        yield _line(now or was or (*old, *new)[-1], quantity, net, bill, on, end)


def _is_booked_alike(was: ContractLine, now: ContractLine) -> bool:
    """Whether one line of the ERP can hold the difference."""
    return (was.product_code, was.tax.code, was.tax.applied_rate) == (
        now.product_code,
        now.tax.code,
        now.tax.applied_rate,
    )


def _from(spans: tuple[ContractLine, ...], on: date) -> ContractLine | None:
    """The span that is served on the day, or the first after it."""
    return next((one for one in spans if is_served(one, on) or one.start_date >= on), None)


def _committed(spans: tuple[ContractLine, ...], currency: str) -> Money:
    return Money.total((one.committed_net for one in spans), currency)


def _quantity(line: ContractLine | None) -> Decimal:
    return Decimal(0) if line is None else line.quantity


def _bill(line: ContractLine | None, currency: str) -> Money:
    return Money.zero(currency) if line is None else line.net_per_period


def _line(
    line: ContractLine,
    quantity: Decimal,
    net: Money,
    per_period: Money,
    start: date,
    end: date | None,
) -> ContractLine:
    tax, hundred = line.tax, Decimal(100)
    base = Money.rounded(per_period.amount * tax.taxable_share / hundred, net.currency)
    amount = Money.rounded(per_period.amount * tax.applied_rate / hundred, net.currency)
    return line.model_copy(
        update={
            "quantity": quantity,
            "committed_net": net,
            "net_per_period": per_period,
            "tax": tax.model_copy(update={"base": base, "amount": amount}),
            "start_date": start,
            "end_date": end,
            "access_from": start,
            "segment_no": None,
        }
    )
