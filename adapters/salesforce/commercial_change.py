"""One form for what CPQ and Revenue Cloud say of a line, and how it becomes an order's line.

Both tell deltas. They are folded onto the contract's own lines, so that an amendment which was
quoted before another one took effect still changes what it meant to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from adapters.salesforce.fold import Held, fold, from_day
from dealthread.domain.base import Ref
from dealthread.domain.change_order import LineAction, LineOrder
from dealthread.domain.contract import Contract
from dealthread.domain.money import UnitPrice
from dealthread.errors import StepRejected

INVALID_TERMS = "deal.invalid_terms"


@dataclass(frozen=True)
class CommercialChange:
    """A delta of one line. `line_key` is the contract's, or that of the line it adds."""

    line_key: str
    product: str
    quantity: Decimal
    """More, or less where negative."""
    price: UnitPrice
    start: date
    end: date | None
    """Exclusive."""
    ref: Ref
    is_cancelled: bool = False
    """Whether nothing is left of the line where the change was made."""


def refused(code: str, field: str, **evidence: str) -> StepRejected:
    """The change cannot be told from what the CRM holds."""
    return StepRejected(code, case_kind=INVALID_TERMS, field=field, **evidence)


def effective_day(changes: Iterable[CommercialChange], default: date | None) -> date:
    """The one day on which all lines change. Raises StepRejected for several or none."""
    days = {change.start for change in changes} or ({default} if default else set())
    if len(days) != 1:
        raise refused(
            "several_effective_days" if days else "no_effective_day",
            "Dealthread_Effective_From__c",
            days=", ".join(sorted(day.isoformat() for day in days)),
        )
    return days.pop()


def line_orders(
    contract: Contract, changes: Sequence[CommercialChange], day: date
) -> tuple[LineOrder, ...]:
    """Raises StepRejected where the deltas leave less than nothing, or several quantities."""
    known = {line.line_key for line in contract.lines}
    added = [change for change in changes if change.line_key not in known]
    keys = dict.fromkeys(change.line_key for change in changes if change.line_key in known)
    orders = [
        _existing(contract, key, [one for one in changes if one.line_key == key], day)
        for key in keys
    ]
    repriced, added = _repriced(contract, orders, added)
    return (*repriced, *(_added(contract, change) for change in added))


def _existing(
    contract: Contract, key: str, changes: Sequence[CommercialChange], day: date
) -> LineOrder:
    ref = changes[0].ref
    spans = [
        line
        for line in contract.lines
        if line.line_key == key and (line.end_date is None or line.end_date > day)
    ]
    if not spans:
        raise refused("line_has_ended", "line_key", line=key, day=day.isoformat())
    rows = []
    for span in spans:
        group = (contract.key, key, span.product_code, span.unit_price.amount)
        start = max(span.start_date, day)
        rows.append(Held(*group, span.quantity, start, span.end_date))
        rows += [Held(*group, one.quantity, start, span.end_date) for one in changes]
    phases = from_day(fold(rows), key, day)
    if not phases or any(one.is_cancelled for one in changes):
        return LineOrder(action=LineAction.REMOVE, line_key=key, ref=ref)
    quantities = {phase.quantity for phase in phases}
    if min(quantities) < 0:
        raise refused("quantity_below_zero", "quantity", line=key, quantity=str(min(quantities)))
    if len(quantities) > 1:
        raise refused("later_quantity_agreed", "quantity", line=key)
    return LineOrder(action=LineAction.QUANTITY, line_key=key, quantity=quantities.pop(), ref=ref)


def _repriced(
    contract: Contract, orders: list[LineOrder], added: list[CommercialChange]
) -> tuple[list[LineOrder], list[CommercialChange]]:
    """A line taken off and put on again, same product and same end, has a new price.

    Sellers cannot edit the price of an existing line: they debook it and book it anew.
    """
    product = {line.line_key: line.product_code for line in contract.lines}
    end = {line.line_key: line.end_date for line in contract.lines}
    removed = [one for one in orders if one.action is LineAction.REMOVE]
    left = list(added)
    for order in removed:
        key = order.line_key
        of_product = [one for one in left if one.product == product[key]]
        alike = [one for one in of_product if one.end == end[key]]
        rivals = [one for one in removed if product[one.line_key] == product[key]]
        if len(of_product) != 1 or len(alike) != 1 or len(rivals) != 1:
            continue
        (booked,) = alike
        left.remove(booked)
        orders[orders.index(order)] = LineOrder(
            action=LineAction.PRICE,
            line_key=key,
            quantity=booked.quantity,
            unit_price=booked.price,
            ref=booked.ref,
        )
    return orders, left


def _added(contract: Contract, change: CommercialChange) -> LineOrder:
    if change.quantity <= 0:
        raise refused("quantity_below_zero", "quantity", line=change.ref.native_id)
    return LineOrder(
        action=LineAction.ADD,
        line_key=change.line_key,
        product_code=change.product,
        quantity=change.quantity,
        unit_price=change.price,
        end_date=None if change.end == contract.end_date else change.end,
        ref=change.ref,
    )
