"""Steps on the ERP for a change: an order of its own, under the change's key, with what the change
adds to the booking or takes off it."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.change_inputs import ConfirmAdjustment, DraftAdjustment
from activities.erp import booking_context, booking_refs
from activities.inputs import Undone
from dealthread.domain.base import System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingState
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.errors import StepRejected
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import erp_document_key, idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.erp import DraftBooking, ErpPort


class ErpAdjustmentActivities:
    """One business step each, through the port of the ERP that the contract names."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._erps = erps
        self._ensure = ensure

    @activity.defn(name="erp.draft_adjustment")
    async def draft(self, order: DraftAdjustment) -> Booking:
        """As a draft: proves that the ERP accepts items, tax codes and terms before anything is
        billed."""
        lines = order.booking
        erp = self._erps[lines.erp]
        customer = await erp.find_customer(lines.erp_company, lines.customer_key)
        if customer is None:
            raise StepRejected(
                "customer_not_found", case_kind="customer.sync_failed", field="customer"
            )
        command = DraftBooking(
            document_key=adjustment_key(order.context, lines),
            contract=lines,
            customer=customer,
            estimated_tax=lines.booking_tax(),
            context=booking_context(order.context, lines),
            amends=order.amends,
        )

        async def find() -> Booking | None:
            found = await erp.find_booking(lines.erp_company, command.document_key)
            made = found is not None and found.state is not BookingState.DRAFT
            return found if made else None

        return await self._ensure(
            Write(
                spec=_spec(
                    order.context,
                    lines,
                    "booking",
                    "do",
                    request_hash(lines, customer.ref.native_id),
                ),
                result_type=Booking,
                find=find,
                act=lambda wire_key: erp.draft_booking(command, idempotency_key=wire_key),
                effects=lambda booking: Effects(
                    refs=booking_refs(booking), stage="booking_drafted"
                ),
                settle=erp.settle_window,
            )
        )

    @activity.defn(name="erp.confirm_adjustment")
    async def confirm(self, order: ConfirmAdjustment) -> Booking:
        """Confirm the draft after the pivot."""
        draft = order.draft
        if draft is None:
            raise StepRejected("booking_missing", case_kind="erp.rejected", field="booking")
        erp = self._erps[order.booking.erp]
        key = adjustment_key(order.context, order.booking)

        async def find() -> Booking | None:
            found = await erp.find_booking(order.booking.erp_company, key)
            return found if found is not None and found.state is BookingState.CONFIRMED else None

        return await self._ensure(
            Write(
                spec=_spec(order.context, order.booking, "confirm", "do", request_hash(draft.ref)),
                result_type=Booking,
                find=find,
                act=lambda wire_key: erp.confirm_booking(draft, idempotency_key=wire_key),
                effects=lambda booking: Effects(
                    refs=booking_refs(booking), stage="booking_confirmed"
                ),
                settle=erp.settle_window,
            )
        )

    @activity.defn(name="erp.undo_adjustment")
    async def undo(self, order: ConfirmAdjustment) -> Undone:
        """Cancel the draft, reverse a confirmed order; nothing there is fine."""
        lines = order.booking
        erp = self._erps[lines.erp]
        key = adjustment_key(order.context, lines)
        gone = (BookingState.CANCELLED, BookingState.REVERSED)

        async def find() -> Booking | None:
            found = await erp.find_booking(lines.erp_company, key)
            return found if found is not None and found.state not in gone else None

        async def remove(found: Booking, wire_key: str) -> Outcome[Booking]:
            if found.state is BookingState.CONFIRMED:
                return await erp.reverse_booking(found, idempotency_key=wire_key)
            return await erp.cancel_booking(found, idempotency_key=wire_key)

        removed = await self._ensure.undo(
            idempotency_key(order.context.business_key, order.context.generation, "booking", "do"),
            Undo(
                spec=_spec(order.context, lines, "booking", "undo", request_hash(key)),
                result_type=Booking,
                find=find,
                remove=remove,
                effects=lambda booking: Effects(
                    refs=(booking.reversal,) if booking.reversal is not None else ()
                ),
                settle=erp.settle_window,
            ),
        )
        return Undone(removed=str(removed.ref) if removed else "")


def adjustment_key(context: SagaContext, lines: Contract) -> str:
    """Our key on the order: 16 characters, of the change and its generation."""
    return erp_document_key(
        context.tenant, lines.seller, "adjustment", context.business_key, context.generation
    )


def _spec(context: SagaContext, lines: Contract, step: str, way: str, hashed: str) -> WriteSpec:
    return WriteSpec(
        key=idempotency_key(context.business_key, context.generation, step, way),
        step=f"erp.{step}" if way == "do" else f"erp.undo_{step}",
        system=System.ERP,
        account=f"{lines.erp}.{lines.erp_company}",
        context=context,
        request_hash=hashed,
        money=lines.booking_net(),
    )
