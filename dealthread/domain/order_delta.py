"""What an order changes of a contract's MRR, ARR, TCV and quantities.

A delta is the figure after the order less the figure before it, on the day it takes effect
(docs.zuora.com, "Order Delta Metrics").
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from dealthread.domain.base import Frozen
from dealthread.domain.metrics import RevenueLine, arr, mrr, tcv
from dealthread.domain.money import ExactDecimal, Money
from dealthread.domain.working import Working, worked


class Movement(StrEnum):
    """How a line's recurring revenue moved (roll-forward T13 of facts/domain.md §6)."""

    NEW = "new"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"
    PRICE = "price"
    """Another price for the same quantity."""
    NONE = "none"


class LineDelta(Frozen):
    """What an order changes of one line, on the day it takes effect."""

    key: str
    movement: Movement
    quantity: ExactDecimal
    mrr: Money
    arr: Money
    tcv: Money


class OrderDelta(Frozen):
    """What an order changes: lines in the order of their first mention, and the sums."""

    lines: tuple[LineDelta, ...]
    mrr: Money
    arr: Money
    tcv: Money
    working: Working


def order_delta(
    before: Sequence[RevenueLine], after: Sequence[RevenueLine], on: date, currency: str
) -> OrderDelta:
    """The deltas of an order that takes effect on a day: the contract's lines before and after.

    The sums are those of the contract's metrics; a line's own figures are rounded by themselves.
    Raises ValueError for a line in another currency.
    """
    keys = dict.fromkeys(line.key for line in [*before, *after])
    lines = tuple(_line_delta(key, _of(key, before), _of(key, after), on, currency) for key in keys)
    monthly = mrr(after, on, currency).amount - mrr(before, on, currency).amount
    yearly = arr(after, on, currency).amount - arr(before, on, currency).amount
    total = tcv(after, currency).amount - tcv(before, currency).amount
    working = worked(
        "change of the order",
        "figure after − figure before",
        f"MRR {monthly}, ARR {yearly}, TCV {total}",
        source='Zuora, "Order Delta Metrics"',
        parts=[
            worked(
                f"{one.key}, {one.movement}",
                "after − before",
                f"MRR {one.mrr}, ARR {one.arr}, TCV {one.tcv}",
                quantity=one.quantity,
            )
            for one in lines
        ],
        on=on,
    )
    return OrderDelta(lines=lines, mrr=monthly, arr=yearly, tcv=total, working=working)


def _of(key: str, lines: Sequence[RevenueLine]) -> list[RevenueLine]:
    return [line for line in lines if line.key == key]


def _line_delta(
    key: str, before: list[RevenueLine], after: list[RevenueLine], on: date, currency: str
) -> LineDelta:
    had, has = _held(before, on), _held(after, on)
    old, new = arr(before, on, currency).amount, arr(after, on, currency).amount
    return LineDelta(
        key=key,
        movement=_movement(old, new, is_same_quantity=had == has),
        quantity=has - had,
        mrr=mrr(after, on, currency).amount - mrr(before, on, currency).amount,
        arr=new - old,
        tcv=tcv(after, currency).amount - tcv(before, currency).amount,
    )


def _held(lines: list[RevenueLine], on: date) -> Decimal:
    return sum((line.quantity for line in lines if line.is_active(on)), Decimal(0))


def _movement(old: Money, new: Money, *, is_same_quantity: bool) -> Movement:
    if old == new:
        return Movement.NONE
    if not old:
        return Movement.NEW
    if not new:
        return Movement.CHURN
    if is_same_quantity:
        return Movement.PRICE
    return Movement.EXPANSION if old < new else Movement.CONTRACTION
