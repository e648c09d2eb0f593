"""Order items of Revenue Cloud as changes of a contract's lines. Pure; not wired to a query yet.

`StartQuantity + Quantity = EndQuantity`: `Quantity` is the change (object reference, "Quote and
order capture fields on OrderItem", API 60). The objects are not in our simulator and no answer of
a real org was seen: this reads records of that form, and the tests hold samples of it. The line
that an item changes is named by our own field, `Dealthread_Changes_Line__c`.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.salesforce.commercial_change import CommercialChange
from adapters.salesforce.record import Record, drift
from adapters.salesforce.translate import exclusive, price_of
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.naming import line_key

FIELDS = (
    "Id Product2.ProductCode Quantity StartQuantity EndQuantity UnitPrice ServiceDate EndDate "
    "Dealthread_Changes_Line__c"
).split()


def changes_of(rows: Iterable[Record], contract: Contract, org: str) -> list[CommercialChange]:
    """Items that change something. Raises ContractDrift for quantities that do not add up."""
    found = (_change(row, contract, org) for row in rows)
    return [one for one in found if one.quantity]


def _change(row: Record, contract: Contract, org: str) -> CommercialChange:
    native_id, product = row.key("Id"), row.related("Product2")
    delta = row.number("Quantity")
    before, after = row.number("StartQuantity") or 0, row.number("EndQuantity") or 0
    start, price = row.day("ServiceDate"), price_of(row, "UnitPrice", contract.currency)
    if delta is None or before + delta != after:
        raise drift(row.name("EndQuantity"))
    if start is None or price is None:
        raise drift(row.name("ServiceDate" if start is None else "UnitPrice"))
    key = row.text("Dealthread_Changes_Line__c")
    return CommercialChange(
        line_key=key or line_key(org, native_id),
        product=product.text("ProductCode") if product else "",
        quantity=delta,
        price=price,
        start=start,
        end=exclusive(row.day("EndDate")),
        ref=Ref(system=System.CRM, account=org, kind="order_line", native_id=native_id),
        is_cancelled=bool(key) and not after,
    )
