"""Bookings as non-posting sale orders: drafted before the pivot, confirmed after, never deleted.

Draft = create → attach context → quote, so a quotation is always complete and an order still in
`draft` is one whose answer was lost on the way: the repeat goes on from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from adapters.erp.tryton import orders, translate
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.operation import Operation, conclude
from adapters.erp.tryton.order_values import order_values, price_places
from adapters.erp.tryton.returns import return_order
from adapters.erp.tryton.rpc import ERP_REJECTED, Row, TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from dealthread.domain.documents import Booking, BookingState
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Outcome
from dealthread.ports.erp import DraftBooking


class TrytonBookings:
    """Booking half of the ERP port, policy `memo_order`."""

    def __init__(self, settings: TrytonSettings, rpc: TrytonRpc, companies: Companies) -> None:
        self._settings = settings
        self._rpc = rpc
        self._companies = companies
        self._price_places: int | None = None

    async def find(self, company: str, document_key: str) -> Booking | None:
        """The booking that counts, or None when there is none or all are cancelled."""
        operation = await self._operation(company)
        found = orders.live(await orders.find_orders(operation, document_key))
        if not found:
            return None
        return await orders.read_order(operation, self._companies, company, found[0])

    async def read(self, company: str, document_key: str) -> Booking:
        """Present state, a cancelled booking included; the ERP's own number or id will do too."""
        operation = await self._operation(company)
        found = await orders.find_named(operation, document_key)
        if not found:
            raise NotFound("booking", company=company, document_key=document_key)
        order = (orders.live(found) or found[-1:])[0]
        return await orders.read_order(operation, self._companies, company, order)

    async def draft(self, command: DraftBooking) -> Outcome[Booking]:
        company = command.contract.erp_company

        async def work(operation: Operation) -> Booking:
            found = await orders.find_orders(operation, command.document_key)
            order = await self._keep_one(operation, found)
            if order is not None and order["state"] in orders.CANCELLABLE:
                if _matches(order, command):
                    order = await self._complete(operation, order, command)
                else:
                    # Made for an earlier form of the deal: replaced, both stay on record.
                    await orders.cancel_orders(operation, [order])
                    order = None
            if order is None:
                order = await self._make(operation, command)
            return await orders.read_order(operation, self._companies, company, order)

        return await self._run(company, work)

    async def confirm(self, booking: Booking) -> Outcome[Booking]:
        async def work(operation: Operation, company: str) -> Booking:
            order = await self._keep_one(operation, await orders.orders_of(operation, booking))
            if order is None:
                raise _refused("booking_missing", booking)
            if order["state"] == "draft":
                raise _refused("booking_incomplete", booking)
            if order["state"] == "quotation":
                order = await orders.confirm_order(operation, order["id"])
            return await orders.read_order(operation, self._companies, company, order)

        return await self._run_for(booking, work)

    async def cancel(self, booking: Booking) -> Outcome[Booking]:
        async def work(operation: Operation, company: str) -> Booking:
            found = await orders.orders_of(operation, booking)
            await orders.cancel_orders(operation, found)
            if not found:
                return booking.model_copy(update={"state": BookingState.CANCELLED})
            order = await orders.order_by_id(operation, found[-1]["id"])
            return await orders.read_order(operation, self._companies, company, order)

        return await self._run_for(booking, work)

    async def reverse(self, booking: Booking) -> Outcome[Booking]:
        async def work(operation: Operation, company: str) -> Booking:
            order = await self._keep_one(operation, await orders.orders_of(operation, booking))
            if order is None:
                return booking.model_copy(update={"state": BookingState.CANCELLED})
            if order["state"] in orders.CANCELLABLE:
                # Never confirmed: there is nothing to reverse, only a draft to cancel.
                await orders.cancel_orders(operation, [order])
            else:
                await return_order(operation, order)
            order = await orders.order_by_id(operation, order["id"])
            return await orders.read_order(operation, self._companies, company, order)

        return await self._run_for(booking, work)

    # ------------------------------------------------------------ steps

    async def _keep_one(self, operation: Operation, found: Sequence[Row]) -> Row | None:
        """The order that counts. A second one, made by a late answer, is cancelled."""
        kept, *spare = orders.live(found) or (None,)
        if any(order["state"] not in orders.CANCELLABLE for order in spare if order):
            raise StepRejected("confirmed_twice", case_kind=ERP_REJECTED, field="reference")
        await orders.cancel_orders(operation, [order for order in spare if order])
        return kept

    async def _make(self, operation: Operation, command: DraftBooking) -> Row:
        if self._price_places is None:
            self._price_places = await price_places(operation)
        values = await order_values(operation, command, self._price_places)
        order_id = await operation.create("sale.sale", values)
        order = await orders.order_by_id(operation, order_id)
        if not _matches(order, command):
            await orders.cancel_orders(operation, [order])
            raise _differs(order, command)
        return await self._complete(operation, order, command)

    async def _complete(self, operation: Operation, order: Row, command: DraftBooking) -> Row:
        """Attach the context and quote, as far as that has not happened yet.

        When Tryton refuses, nothing is left but a cancelled order.
        """
        try:
            await orders.attach(operation, order, translate.context_document(command))
            if order["state"] != "draft":
                return order
            await orders.press(operation, "quote", [order["id"]])
            quoted = await orders.order_by_id(operation, order["id"])
            if quoted["state"] == "draft":
                raise StepRejected("not_quoted", case_kind=ERP_REJECTED, field="state")
        except StepRejected:
            await orders.cancel_orders(operation, [order])
            raise
        return quoted

    # ------------------------------------------------------------ running

    async def _operation(self, company: str) -> Operation:
        return Operation(self._rpc, await self._companies.context(company), ERP_REJECTED)

    async def _run(
        self, company: str, work: Callable[[Operation], Awaitable[Booking]]
    ) -> Outcome[Booking]:
        operation = await self._operation(company)
        return await conclude(operation, work, self._settings.total_seconds)

    async def _run_for(
        self, booking: Booking, work: Callable[[Operation, str], Awaitable[Booking]]
    ) -> Outcome[Booking]:
        company = self._companies.of(booking.ref)
        return await self._run(company, lambda operation: work(operation, company))


def _matches(order: Row, command: DraftBooking) -> bool:
    """Whether customer, currency, terms, PO and the three totals are those of the command."""
    contract = command.contract
    term = order["payment_term."]
    return (
        str(order["party"]) == command.customer.ref.native_id
        and order["currency."]["code"] == contract.currency
        and (term["name"] if term else "") == contract.payment_terms
        and (order["description"] or "") == contract.po_number
        and order["untaxed_amount"] == contract.booking_net().amount
        and order["tax_amount"] in translate.expected_taxes(command)
        and order["total_amount"] == order["untaxed_amount"] + order["tax_amount"]
    )


def _differs(order: Row, command: DraftBooking) -> StepRejected:
    return StepRejected(
        "totals_differ",
        case_kind=ERP_REJECTED,
        field="total_amount",
        net=str(order["untaxed_amount"]),
        tax=str(order["tax_amount"]),
        expected_net=str(command.contract.booking_net().amount),
        expected_tax=str(command.estimated_tax.amount),
    )


def _refused(code: str, booking: Booking) -> StepRejected:
    return StepRejected(
        code, case_kind=ERP_REJECTED, field="state", document_key=booking.document_key
    )
