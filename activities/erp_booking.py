"""What every booking in the ERP goes through, a contract's own and a change's alike: drafted,
confirmed, undone. Each is looked for by its document key before it is written again."""

from __future__ import annotations

from dataclasses import dataclass

from activities.inputs import Undone
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingContext, BookingState, ErpCustomer
from dealthread.domain.money import Money
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.erp import DraftBooking, ErpPort

_GONE = (BookingState.CANCELLED, BookingState.REVERSED)


@dataclass(frozen=True)
class BookingSteps:
    """One booking of one run: `lines` says what is booked, `key` is ours on the document."""

    erp: ErpPort
    ensure: Ensure
    context: SagaContext
    lines: Contract
    key: str
    money: Money

    async def draft(self, customer: ErpCustomer, *, amends: str = "") -> Booking:
        """As a quotation: proves that the ERP accepts it while nothing legal exists."""
        lines, erp = self.lines, self.erp
        command = DraftBooking(
            document_key=self.key,
            contract=lines,
            customer=customer,
            estimated_tax=lines.booking_tax(),
            context=booking_context(self.context, lines),
            amends=amends,
        )

        async def find() -> Booking | None:
            found = await self._find()
            # An order that an earlier attempt left half-made is finished by acting again.
            made = found is not None and found.state is not BookingState.DRAFT
            return found if made else None

        return await self.ensure(
            Write(
                spec=self._spec("booking", "do", request_hash(lines, customer.ref.native_id)),
                result_type=Booking,
                find=find,
                act=lambda wire_key: erp.draft_booking(command, idempotency_key=wire_key),
                effects=lambda booking: Effects(
                    refs=booking_refs(booking), stage="booking_drafted"
                ),
                settle=erp.settle_window,
            )
        )

    async def confirm(self, draft: Booking) -> Booking:
        """The draft, after the pivot."""

        async def find() -> Booking | None:
            found = await self._find()
            return found if found is not None and found.state is BookingState.CONFIRMED else None

        return await self.ensure(
            Write(
                spec=self._spec("confirm", "do", request_hash(draft.ref)),
                result_type=Booking,
                find=find,
                act=lambda wire_key: self.erp.confirm_booking(draft, idempotency_key=wire_key),
                effects=lambda booking: Effects(
                    refs=booking_refs(booking), stage="booking_confirmed"
                ),
                settle=self.erp.settle_window,
            )
        )

    async def undo(self) -> Undone:
        """Cancel a draft, reverse what is confirmed; nothing there is fine."""
        context, erp = self.context, self.erp

        async def find() -> Booking | None:
            found = await self._find()
            return found if found is not None and found.state not in _GONE else None

        async def remove(found: Booking, wire_key: str) -> Outcome[Booking]:
            if found.state is BookingState.CONFIRMED:
                return await erp.reverse_booking(found, idempotency_key=wire_key)
            return await erp.cancel_booking(found, idempotency_key=wire_key)

        removed = await self.ensure.undo(
            idempotency_key(context.business_key, context.generation, "booking", "do"),
            Undo(
                spec=self._spec("booking", "undo", request_hash(self.key)),
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

    async def _find(self) -> Booking | None:
        return await self.erp.find_booking(self.lines.erp_company, self.key)

    def _spec(self, step: str, way: str, hashed: str) -> WriteSpec:
        return erp_spec(self.context, self.lines, step, way, hashed, self.money)


def erp_spec(
    context: SagaContext,
    contract: Contract,
    step: str,
    way: str,
    hashed: str,
    money: Money | None = None,
) -> WriteSpec:
    """A write at the contract's ERP, `do` or `undo`."""
    return WriteSpec(
        key=idempotency_key(context.business_key, context.generation, step, way),
        step=f"erp.{step}" if way == "do" else f"erp.undo_{step}",
        system=System.ERP,
        account=f"{contract.erp}.{contract.erp_company}",
        context=context,
        request_hash=hashed,
        money=money,
    )


def booking_refs(booking: Booking) -> tuple[Ref, ...]:
    """The booking by its id, by the number people read, and by our key on it."""
    named = {"booking_number": booking.number, "booking_key": booking.document_key}
    return (
        booking.ref,
        *(
            booking.ref.model_copy(update={"kind": kind, "native_id": native_id})
            for kind, native_id in named.items()
            if native_id
        ),
    )


def booking_context(context: SagaContext, contract: Contract) -> BookingContext:
    """The groups a booking must carry, from the contract."""
    lines = contract.lines
    codes = sorted({f"{line.tax.code} {line.tax.applied_rate}%" for line in lines})
    return BookingContext(
        contract_key=contract.key,
        contract_number=contract.number,
        business_key=context.business_key,
        deal=contract.deal_id,
        term=f"{contract.start_date} to before {contract.end_date or 'no end'}",
        billing_schedule=f"{contract.billing_frequency}, in {contract.billing_timing}, "
        f"by {contract.billing_account}",
        revenue_treatment="; ".join(
            f"{line.line_key}: {line.revenue_rule} to {line.revenue_account}" for line in lines
        ),
        tax_estimate=f"{contract.booking_tax()} (tax of record comes with the invoice) "
        + ", ".join(codes),
        receivable_terms=f"{contract.payment_terms}, {contract.days_until_due} days, "
        f"{contract.collection_method}",
        config_version=contract.config_version,
    )
