"""Lines of a plain opportunity as an order's lines: each says what its line comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adapters.salesforce.commercial_change import refused
from adapters.salesforce.record import Record, drift
from adapters.salesforce.translate import exclusive, price_of
from dealthread.domain.base import Ref, System
from dealthread.domain.change_order import LineAction, LineOrder
from dealthread.domain.contract import Contract
from dealthread.naming import line_key

ACTION = "Dealthread_Action__c"
CHANGES = "Dealthread_Changes_Line__c"


def amended(rows: Iterable[Record], contract: Contract, org: str) -> tuple[LineOrder, ...]:
    """Every line says what is done to which line of the contract. Raises StepRejected."""
    found = []
    for row in rows:
        action = row.choice(ACTION, LineAction)
        if action is None:
            raise refused("line_without_action", ACTION, line=row.key("Id"))
        found.append(_order(row, action, row.text(CHANGES), contract, org))
    return tuple(found)


def renewed(rows: Iterable[Record], contract: Contract, org: str) -> tuple[LineOrder, ...]:
    """A line without an action is renewed at its price: by its key, else by its product where
    the contract has one line of it; what the contract does not have is added."""
    found = []
    for row in rows:
        action, key = row.choice(ACTION, LineAction), row.text(CHANGES)
        if action is None:
            key = key or _only_line(contract, row.text("ProductCode"))
            action = LineAction.PRICE if key else LineAction.ADD
        found.append(_order(row, action, key, contract, org))
    return tuple(found)


def _order(row: Record, action: LineAction, key: str, contract: Contract, org: str) -> LineOrder:
    native_id = row.key("Id")
    ref = Ref(system=System.CRM, account=org, kind="opportunity_line", native_id=native_id)
    known = {line.line_key for line in contract.lines}
    if action is LineAction.ADD:
        key = line_key(org, native_id)
    elif key not in known:
        raise refused("line_unknown" if key else "line_not_named", CHANGES, line=key or native_id)
    if action is LineAction.REMOVE:
        return LineOrder(action=action, line_key=key, ref=ref)
    quantity, price = row.number("Quantity"), price_of(row, "UnitPrice", contract.currency)
    if quantity is None or price is None:
        raise drift(row.name("Quantity" if quantity is None else "UnitPrice"))
    if quantity <= Decimal(0):
        raise refused("quantity_below_zero", "Quantity", line=native_id)
    is_new = action in (LineAction.ADD, LineAction.SWAP)
    return LineOrder(
        action=action,
        line_key=key,
        product_code=row.text("ProductCode") if is_new else "",
        quantity=quantity,
        unit_price=price,
        end_date=exclusive(row.day("Dealthread_End__c")) if action is LineAction.ADD else None,
        ref=ref,
    )


def _only_line(contract: Contract, product: str) -> str:
    keys = {
        line.line_key
        for line in contract.lines
        if line.product_code == product and line.end_date == contract.end_date
    }
    return keys.pop() if len(keys) == 1 else ""
