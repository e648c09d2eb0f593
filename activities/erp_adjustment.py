"""Steps on the ERP for a change: an order of its own, under the change's key, with what the change
adds to the booking or takes off it."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.change_inputs import ConfirmAdjustment, DraftAdjustment
from activities.erp_booking import BookingSteps
from activities.inputs import Undone
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.errors import StepRejected
from dealthread.naming import erp_document_key
from dealthread.ports.erp import ErpPort


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
        customer = await self._erps[lines.erp].find_customer(lines.erp_company, lines.customer_key)
        if customer is None:
            raise StepRejected(
                "customer_not_found", case_kind="customer.sync_failed", field="customer"
            )
        return await self._steps(order.context, lines).draft(customer, amends=order.amends)

    @activity.defn(name="erp.confirm_adjustment")
    async def confirm(self, order: ConfirmAdjustment) -> Booking:
        """Confirm the draft after the pivot."""
        if order.draft is None:
            raise StepRejected("booking_missing", case_kind="erp.rejected", field="booking")
        return await self._steps(order.context, order.booking).confirm(order.draft)

    @activity.defn(name="erp.undo_adjustment")
    async def undo(self, order: ConfirmAdjustment) -> Undone:
        """Cancel the draft, reverse a confirmed order; nothing there is fine."""
        return await self._steps(order.context, order.booking).undo()

    def _steps(self, context: SagaContext, lines: Contract) -> BookingSteps:
        return BookingSteps(
            erp=self._erps[lines.erp],
            ensure=self._ensure,
            context=context,
            lines=lines,
            key=adjustment_key(context, lines),
            money=lines.booking_net(),
        )


def adjustment_key(context: SagaContext, lines: Contract) -> str:
    """Our key on the order: 16 characters, of the change and its generation."""
    return erp_document_key(
        context.tenant, lines.seller, "adjustment", context.business_key, context.generation
    )
