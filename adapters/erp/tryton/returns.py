"""Reversal of a confirmed order by a return order that names it."""

from __future__ import annotations

from adapters.erp.tryton import orders
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.errors import ContractDrift, StepRejected

REVERSAL_SUFFIX = "-R"
_WIZARD = "wizard.sale.return_sale"


async def return_order(operation: Operation, order: Row) -> Row:
    """One confirmed return order for `order`, whatever part of that exists already."""
    if order["state"] == "confirmed":
        # Its processing was queued or failed; a return starts from a processed order.
        await orders.press(operation, "process", [order["id"]])
    found = await orders.returns_of(operation, order["id"])
    if not found:
        await _run_wizard(operation, order["id"])
        found = await orders.returns_of(operation, order["id"])
    if not found:
        raise ContractDrift("return_not_found")
    kept, *spare = orders.live(found)
    await orders.cancel_orders(operation, spare)
    if kept["state"] == "draft":
        await _prepare(operation, order, kept)
        await orders.press(operation, "quote", [kept["id"]])
        kept = await orders.order_by_id(operation, kept["id"])
    _check_nets_to_zero(order, kept)
    if kept["state"] not in orders.CONFIRMED:
        kept = await orders.confirm_order(operation, kept["id"])
    return kept


async def _run_wizard(operation: Operation, order_id: int) -> None:
    context = {"active_model": "sale.sale", "active_id": order_id, "active_ids": [order_id]}
    answer = await operation.write(f"{_WIZARD}.create", **context)
    try:
        run = int(answer[0])
    except (TypeError, IndexError, ValueError) as failure:
        raise ContractDrift("wizard_answer") from failure
    await operation.write(f"{_WIZARD}.execute", run, {"start": {}}, "return_", **context)
    await operation.write(f"{_WIZARD}.delete", run, **context)


async def _prepare(operation: Operation, order: Row, returned: Row) -> None:
    """Give the return its reference, and the original's date so that the same tax applies."""
    reference = f"{order['reference']}{REVERSAL_SUFFIX}"
    if returned["reference"] == reference and returned["sale_date"] == order["sale_date"]:
        return
    await operation.write(
        "model.sale.sale.write",
        [returned["id"]],
        {"reference": reference, "sale_date": order["sale_date"]},
        _timestamp={f"sale.sale,{returned['id']}": returned["_timestamp"]},
    )


def _check_nets_to_zero(order: Row, returned: Row) -> None:
    for field in ("untaxed_amount", "tax_amount", "total_amount"):
        if order[field] + returned[field] != 0:
            raise StepRejected(
                "reversal_differs",
                case_kind=ERP_REJECTED,
                field=field,
                original=str(order[field]),
                reversal=str(returned[field]),
            )
