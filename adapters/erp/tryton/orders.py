"""Single RPCs on sale orders, and their look-ups. Each is safe to repeat by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.erp.tryton import translate
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.domain.documents import Booking, BookingState
from dealthread.errors import ContractDrift, StepRejected

CANCELLABLE = frozenset({"draft", "quotation"})
CONFIRMED = frozenset({"confirmed", "processing", "done"})
_PROGRESS = ("done", "processing", "confirmed", "quotation", "draft")


async def find_orders(operation: Operation, document_key: str) -> list[Row]:
    """Orders with this key at the company, oldest first. `reference` is not unique in Tryton."""
    domain = [["reference", "=", document_key], ["company", "=", operation.context["company"]]]
    return await operation.rows("sale.sale", domain, translate.SALE_FIELDS, order=[["id", "ASC"]])


async def find_named(operation: Operation, name: str) -> list[Row]:
    """Orders that a person may mean: by our key, by Tryton's number, or by its id."""
    own: list[list[object]] = [["reference", "=", name], ["number", "=", name]]
    if name.isdecimal():
        own.append(["id", "=", int(name)])
    domain = [["company", "=", operation.context["company"]], ["OR", *own]]
    return await operation.rows("sale.sale", domain, translate.SALE_FIELDS, order=[["id", "ASC"]])


async def orders_of(operation: Operation, booking: Booking) -> list[Row]:
    """The order of a booking, and any other that carries the same key of ours.

    An order that a person keyed and we adopted may carry no key; it is known by its id alone.
    """
    own: list[list[object]] = [["id", "=", int(booking.ref.native_id)]]
    if booking.document_key:
        own.append(["reference", "=", booking.document_key])
    domain = [["company", "=", operation.context["company"]], ["OR", *own]]
    return await operation.rows("sale.sale", domain, translate.SALE_FIELDS, order=[["id", "ASC"]])


async def order_by_id(operation: Operation, order_id: int) -> Row:
    """One order as it is now."""
    rows = await operation.rows("sale.sale", [["id", "=", order_id]], translate.SALE_FIELDS)
    if not rows:
        raise ContractDrift("order_not_readable")
    return rows[0]


async def press(operation: Operation, button: str, order_ids: Sequence[int]) -> None:
    """Run a workflow step. Tryton skips records in a wrong state without a word: read back."""
    await operation.write(f"model.sale.sale.{button}", list(order_ids))


async def cancel_orders(operation: Operation, orders: Sequence[Row]) -> None:
    """Cancel drafts and quotations; anything further on is refused before a change."""
    beyond = [order for order in orders if order["state"] in CONFIRMED]
    if beyond:
        raise StepRejected(
            "already_confirmed",
            case_kind=operation.case_kind,
            field="state",
            number=str(beyond[0]["number"]),
            state=str(beyond[0]["state"]),
        )
    ids = [order["id"] for order in orders if order["state"] in CANCELLABLE]
    if not ids:
        return
    await press(operation, "cancel", ids)
    for row in await operation.rows("sale.sale", [["id", "in", ids]], ["state"]):
        if row["state"] != "cancelled":
            raise StepRejected(
                "not_cancelled", case_kind=operation.case_kind, field="state", state=row["state"]
            )


async def confirm_order(operation: Operation, order_id: int) -> Row:
    """Quotation → confirmed. Returns the order as it is then."""
    refusal = None
    try:
        await press(operation, "confirm", [order_id])
    except StepRejected as failure:
        # Processing follows the commit of the confirmation inside the same call, so a refusal
        # may arrive although the order is confirmed: only its state tells.
        refusal = failure
    order = await order_by_id(operation, order_id)
    if order["state"] in CONFIRMED:
        return order
    raise refusal or StepRejected(
        "not_confirmed", case_kind=operation.case_kind, field="state", state=order["state"]
    )


async def returns_of(operation: Operation, order_id: int) -> list[Row]:
    """Return orders that name this order as their origin, oldest first, cancelled ones not."""
    domain = [
        ["origin", "=", f"sale.sale,{order_id}"],
        ["company", "=", operation.context["company"]],
        ["state", "!=", "cancelled"],
    ]
    return await operation.rows("sale.sale", domain, translate.SALE_FIELDS, order=[["id", "ASC"]])


async def read_order(
    operation: Operation, companies: Companies, company: str, order: Row
) -> Booking:
    """The order with lines, tax codes, context and reversal."""
    lines, attachments, returned = await asyncio.gather(
        operation.rows(
            "sale.line",
            [["sale", "=", order["id"]]],
            translate.LINE_FIELDS,
            order=[["sequence", "ASC NULLS FIRST"], ["id", "ASC"]],
        ),
        attachments_of(operation, order),
        returns_of(operation, order["id"]),
    )
    done = [row for row in returned if row["state"] in CONFIRMED]
    return translate.to_booking(
        order,
        lines,
        ref=companies.ref(company, "booking", order["id"]),
        customer=companies.ref(company, "customer", order["party"]),
        context=translate.read_context(attachments[0]["data"] if attachments else None),
        reversal=companies.ref(company, "booking", done[0]["id"]) if done else None,
    )


def attachment_name(order: Row) -> str:
    return f"dealthread-{order['reference']}.json"


async def attachments_of(operation: Operation, order: Row) -> list[Row]:
    """Our attachments of an order; names are not unique in Tryton."""
    domain = [
        ["resource", "=", f"sale.sale,{order['id']}"],
        ["name", "=", attachment_name(order)],
    ]
    return await operation.rows("ir.attachment", domain, ["data"], order=[["id", "ASC"]])


async def attach(operation: Operation, order: Row, data: bytes) -> None:
    """The context beside the order, once."""
    present = await attachments_of(operation, order)
    if not present:
        values = {
            "name": attachment_name(order),
            "resource": f"sale.sale,{order['id']}",
            "type": "data",
            "data": data,
        }
        await operation.create("ir.attachment", values)
    elif present[0]["data"] != data:
        await operation.write("model.ir.attachment.write", [present[0]["id"]], {"data": data})


def live(orders: Sequence[Row]) -> list[Row]:
    """Orders that count, the furthest first, then by age.

    Of two orders with one key, the one that a late answer left behind is never ahead.
    """
    rows = [order for order in orders if translate.state_of(order) is not BookingState.CANCELLED]
    return sorted(rows, key=lambda row: (_PROGRESS.index(row["state"]), row["id"]))
