"""How the change of each line is accounted for: row M0–M14 of the table of modifications.

A line is an obligation. The standalone selling price is the list price of its product on the day
of acceptance, with the product's range around it; where the catalogue has none, the list price
that the deal recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dealthread.domain.catalog import ChargeKind as Charged
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    ChangeOrder,
    RenewalOrder,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.contracting import list_price_of
from dealthread.domain.money import UnitPrice
from dealthread.domain.revenue.modification import (
    Change,
    ChangeKind,
    Decision,
    ScopeReason,
    decide_all,
)
from dealthread.domain.versions.line_tax import product_of
from dealthread.domain.versions.lookup import is_same_state, line_keys, served_on, spans_of
from dealthread.domain.versions.refusal import OrderRefusal, OrderRefused

NEEDS_PRICE = (ChangeKind.ADD,)
"""Kinds whose row depends on the standalone selling price."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """How one line differs from a day on. `was` and `now` are its states on that day."""

    line_key: str
    kind: ChangeKind
    on: date
    was: ContractLine | None
    now: ContractLine | None


def treatments(
    before: Contract, after: Contract, order: ChangeOrder, config: ConfigSet
) -> tuple[Decision, ...]:
    """One decision for each line that changes, with its inputs; terms alone are row M14.

    Raises OrderRefused where an added service has no standalone selling price to compare with:
    nobody can tell then whether it is a contract of its own.
    """
    for missing in ssp_findings(before, after, order, config):
        raise OrderRefused.because(missing)
    changes = [_change(change, order, config) for change in line_changes(before, after, order)]
    if not changes:
        changes = [
            Change(
                obligation=before.key,
                kind=ChangeKind.TERMS_ONLY,
                accepted_at=order.accepted_on,
                scope_reason=_reason(order),
            )
        ]
    return decide_all(changes)


def ssp_findings(
    before: Contract, after: Contract, order: ChangeOrder, config: ConfigSet
) -> tuple[OrderRefusal, ...]:
    """Added services without a standalone selling price."""
    return tuple(
        OrderRefusal(
            code="selling_price_missing",
            field=f"lines.{change.line_key}.unit_price",
            action=f"give {change.now.product_code} a list price in {after.currency}: "
            "revenue is decided by it",
        )
        for change in line_changes(before, after, order)
        if change.kind in NEEDS_PRICE
        and change.now is not None
        and _range(change.now, order.accepted_on, config) == (None, None)
        and _reason(order) is not ScopeReason.ERROR
    )


def line_changes(before: Contract, after: Contract, order: ChangeOrder) -> tuple[LineChange, ...]:
    """Lines whose obligation changes, in the contract's order; usage is variable and has none."""
    return tuple(_line_changes(before, after, order))


def _line_changes(before: Contract, after: Contract, order: ChangeOrder) -> Iterator[LineChange]:
    for key in line_keys(before, after):
        old, new = spans_of(before, key), spans_of(after, key)
        if (old or new)[-1].kind == Charged.USAGE:
            continue
        on = _first_change(old, new)
        if on is None:
            continue
        was, now = served_on(old, on), served_on(new, on)
        yield LineChange(key, _kind(was, now, order), on, was, now)


def _first_change(old: tuple[ContractLine, ...], new: tuple[ContractLine, ...]) -> date | None:
    edges = {line.start_date for line in (*old, *new)}
    edges |= {line.end_date for line in (*old, *new) if line.end_date is not None}
    for day in sorted(edges):
        was, now = served_on(old, day), served_on(new, day)
        if was is None and now is None:
            continue
        if was is None or now is None or not is_same_state(was, now):
            return day
    return None


def _kind(was: ContractLine | None, now: ContractLine | None, order: ChangeOrder) -> ChangeKind:
    if isinstance(order, RenewalOrder):
        return ChangeKind.RENEW
    if isinstance(order, CancellationOrder):
        return ChangeKind.TERMINATE
    if was is None:
        return ChangeKind.ADD
    if now is None:
        return ChangeKind.REDUCE
    if was.product_code != now.product_code:
        return ChangeKind.SWAP
    if was.unit_price != now.unit_price:
        # More or less of it at another price for all of it: the old price is touched, so it is
        # no contract of its own.
        return ChangeKind.PRICE
    return ChangeKind.ADD if was.quantity < now.quantity else ChangeKind.REDUCE


def _change(change: LineChange, order: ChangeOrder, config: ConfigSet) -> Change:
    low = high = price = None
    if change.now is not None:
        price = change.now.unit_price
        low, high = _range(change.now, order.accepted_on, config)
    return Change(
        obligation=change.line_key,
        kind=change.kind,
        accepted_at=order.accepted_on,
        scope_reason=_reason(order),
        is_past_service=_reason(order) is ScopeReason.CONCESSION and change.on < order.accepted_on,
        unit_price=price,
        ssp_low=low,
        ssp_high=high,
    )


def _reason(order: ChangeOrder) -> ScopeReason:
    """A change that is taken back before it took effect was none: as if it had never been."""
    if isinstance(order, WithdrawalOrder):
        return ScopeReason.ERROR
    if isinstance(order, AmendmentOrder):
        return order.scope_reason
    return ScopeReason.CUSTOMER_REQUEST


def _range(
    line: ContractLine, day: date, config: ConfigSet
) -> tuple[UnitPrice | None, UnitPrice | None]:
    """The range of standalone selling prices for one unit and price period."""
    mapping = product_of(line, config, day)
    currency = line.unit_price.currency
    listed = None if mapping is None else list_price_of(mapping, currency)
    listed = listed or line.list_price
    if mapping is None or listed is None:
        return None, None
    percent = mapping.ssp_range_percent
    return (
        UnitPrice.of(listed.amount * (100 - percent) / 100, currency),
        UnitPrice.of(listed.amount * (100 + percent) / 100, currency),
    )
