"""A contract's lines over time, and its recurring revenue on any day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract, ContractLine, RenewalKind
from dealthread.domain.metrics import LineKind, RevenueLine, arr, mrr
from dealthread.domain.money import ExactDecimal, Money, UnitPrice
from dealthread.domain.order_delta import OrderDelta, order_delta
from dealthread.domain.versions.lookup import is_served, line_keys, spans_of


class LineSpan(Carried):
    """One state of a line. `end_date` is the first day not served; None without end."""

    line_key: str
    product_code: str
    kind: str
    quantity: ExactDecimal
    unit_price: UnitPrice
    start_date: date
    end_date: date | None
    committed_net: Money


def lines_over_time(contract: Contract) -> tuple[LineSpan, ...]:
    """Every span of every line: lines in the contract's order, spans by start."""
    return tuple(
        LineSpan(
            line_key=line.line_key,
            product_code=line.product_code,
            kind=line.kind,
            quantity=line.quantity,
            unit_price=line.unit_price,
            start_date=line.start_date,
            end_date=line.end_date,
            committed_net=line.committed_net,
        )
        for key in line_keys(contract)
        for line in spans_of(contract, key)
    )


def quantities_on(contract: Contract, day: date) -> dict[str, Decimal]:
    """Quantity of each line that is served on a day, by line key; without one-time charges."""
    return {
        line.line_key: line.quantity
        for line in contract.lines
        if line.kind != ChargeKind.ONE_TIME and is_served(line, day)
    }


def arr_on(contract: Contract, day: date) -> Money:
    """Annual recurring revenue of a day, half up (`domain.metrics`). A bundle counts with its
    whole price: what of it is one-time is known to revenue alone."""
    return arr(revenue_lines(contract), day, contract.currency).amount


def mrr_on(contract: Contract, day: date) -> Money:
    """Monthly recurring revenue of a day, half up."""
    return mrr(revenue_lines(contract), day, contract.currency).amount


def value_delta(before: Contract, after: Contract, on: date) -> OrderDelta:
    """What a change moves of MRR, ARR, TCV and quantities on the day it takes effect.

    TCV there is by price periods (Zuora's order delta metrics); the contract's own moves by what
    is credited and charged.
    """
    return order_delta(revenue_lines(before), revenue_lines(after), on, before.currency)


def revenue_lines(contract: Contract) -> tuple[RevenueLine, ...]:
    """The lines as `domain.metrics` takes them; usage commits nothing and is left out."""
    return tuple(
        _revenue_line(contract, line) for line in contract.lines if line.kind != ChargeKind.USAGE
    )


def _revenue_line(contract: Contract, line: ContractLine) -> RevenueLine:
    once = line.kind == ChargeKind.ONE_TIME
    ends = contract.renewal is not None and contract.renewal.kind is RenewalKind.NONE
    return RevenueLine(
        key=line.line_key,
        kind=LineKind.ONE_TIME if once else LineKind.RECURRING,
        quantity=line.quantity,
        net=line.committed_net if once else line.unit_price.times(line.quantity),
        period_months=line.period_months or 1,
        start_date=line.start_date,
        end_date=line.end_date,
        is_end_accepted=not once
        and line.end_date is not None
        and (ends or line.end_date != contract.end_date),
    )
