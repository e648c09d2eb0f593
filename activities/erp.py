"""Steps on the ERP: prepare the booking (customer, draft), confirm it, undo it."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.inputs import (
    ConfirmBooking,
    PrepareBooking,
    PreparedBooking,
    ReadBooking,
    UndoBooking,
    Undone,
)
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingContext, BookingState, ErpCustomer
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.errors import StepRejected
from dealthread.hub import Contracts, Effects, WriteSpec
from dealthread.naming import erp_document_key, idempotency_key
from dealthread.outcome import Done, Outcome
from dealthread.ports.erp import DraftBooking, ErpPort, OnboardErpCustomer


class ErpActivities:
    """One business step each, through the port of the ERP that the contract names."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure, contracts: Contracts) -> None:
        self._erps = erps
        self._contracts = contracts
        self._ensure = ensure

    @activity.defn(name="erp.prepare_booking")
    async def prepare_booking(self, order: PrepareBooking) -> PreparedBooking:
        """Customer under its parent, then the booking as a draft: proves that the ERP accepts
        customer, items, tax codes, dimensions and period while nothing legal exists."""
        customer = await self._onboard(order)
        if order.contract.booking_policy == "none":
            return PreparedBooking(customer=customer)
        return PreparedBooking(customer=customer, booking=await self._draft(order, customer))

    async def _onboard(self, order: PrepareBooking) -> ErpCustomer:
        contract = order.contract
        erp = self._erps[contract.erp]
        command = OnboardErpCustomer(
            customer_key=contract.customer_key,
            company=contract.erp_company,
            party=order.party,
            parent=order.parent,
            parent_customer_key=order.parent.key if order.parent else None,
            currency=contract.currency,
            payment_terms=contract.payment_terms,
        )

        async def find() -> ErpCustomer | None:
            return await erp.find_customer(contract.erp_company, contract.customer_key)

        async def create(wire_key: str) -> Outcome[ErpCustomer]:
            # What exists, from an earlier deal or a lost answer, is brought up to date.
            existing = await find()
            if existing is not None:
                return await erp.update_customer(command, existing, idempotency_key=wire_key)
            return await erp.create_customer(command, idempotency_key=wire_key)

        return await self._ensure(
            Write(
                spec=_spec(order.context, contract, "erp-customer", "do", request_hash(command)),
                result_type=ErpCustomer,
                find=_not_asked,
                act=create,
                effects=lambda customer: Effects(refs=(customer.ref,)),
                settle=erp.settle_window,
                replay_safe_for=erp.customer_key_window,
            )
        )

    async def _draft(self, order: PrepareBooking, customer: ErpCustomer) -> Booking:
        contract = order.contract
        erp = self._erps[contract.erp]
        command = DraftBooking(
            document_key=document_key(order.context, contract),
            contract=contract,
            customer=customer,
            estimated_tax=contract.booking_tax(),
            context=booking_context(order.context, contract),
        )

        async def find() -> Booking | None:
            found = await erp.find_booking(contract.erp_company, command.document_key)
            # An order that an earlier attempt left half-made is finished by acting again.
            made = found is not None and found.state is not BookingState.DRAFT
            return found if made else None

        return await self._ensure(
            Write(
                spec=_spec(
                    order.context,
                    contract,
                    "booking",
                    "do",
                    request_hash(contract, customer.ref.native_id),
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

    @activity.defn(name="erp.confirm_booking")
    async def confirm_booking(self, order: ConfirmBooking) -> Booking:
        """Confirm the draft after the pivot."""
        contract = order.contract
        erp = self._erps[contract.erp]
        key = document_key(order.context, contract)

        async def find() -> Booking | None:
            found = await erp.find_booking(contract.erp_company, key)
            return found if found is not None and found.state is BookingState.CONFIRMED else None

        return await self._ensure(
            Write(
                spec=_spec(
                    order.context, contract, "confirm", "do", request_hash(order.booking.ref)
                ),
                result_type=Booking,
                find=find,
                act=lambda wire_key: erp.confirm_booking(order.booking, idempotency_key=wire_key),
                effects=lambda booking: Effects(
                    refs=booking_refs(booking), stage="booking_confirmed"
                ),
                settle=erp.settle_window,
            )
        )

    @activity.defn(name="erp.link_booking")
    async def link_booking(self, order: ReadBooking) -> Booking:
        """Adopt the document a person named, after reading it back: state, customer, currency, net
        and tax must agree."""
        contract = order.contract
        erp = self._erps[contract.erp]
        booking = await erp.read_booking(contract.erp_company, order.native_id)
        customer = await erp.find_customer(contract.erp_company, contract.customer_key)
        ours = customer.ref.native_id if customer is not None else ""
        states = [BookingState.CONFIRMED]
        if not order.confirmed:
            states.append(BookingState.QUOTATION)
        for field, found, wanted, agrees in (
            ("state", booking.state, " or ".join(states), booking.state in states),
            ("customer", booking.customer.native_id, ours, booking.customer.native_id == ours),
            (
                "currency",
                booking.currency,
                contract.currency,
                booking.currency == contract.currency,
            ),
            (
                "net",
                str(booking.net),
                str(contract.booking_net()),
                booking.net == contract.booking_net(),
            ),
            ("tax", str(booking.tax), str(contract.booking_tax()), tax_agrees(booking, contract)),
        ):
            if not agrees:
                raise StepRejected(
                    "linked_document_differs",
                    case_kind="erp.rejected",
                    field=field,
                    found=found,
                    wanted=wanted,
                )

        async def known() -> Booking | None:
            return booking

        async def adopt(_: str) -> Outcome[Booking]:
            return Done(booking)

        return await self._ensure(
            Write(
                spec=_spec(
                    order.context,
                    contract,
                    f"link-{order.native_id}"[:40],
                    "do",
                    request_hash(order.native_id),
                ),
                result_type=Booking,
                find=known,
                act=adopt,
                effects=lambda linked: Effects(refs=booking_refs(linked), stage="booking_linked"),
            )
        )

    @activity.defn(name="erp.undo_booking")
    async def undo_booking(self, order: UndoBooking) -> Undone:
        """Cancel a draft, reverse a confirmed booking, leave the customer inactive."""
        contract = order.contract
        erp = self._erps[contract.erp]
        key = document_key(order.context, contract)
        gone = (BookingState.CANCELLED, BookingState.REVERSED)

        async def find() -> Booking | None:
            found = await erp.find_booking(contract.erp_company, key)
            return found if found is not None and found.state not in gone else None

        async def remove(found: Booking, wire_key: str) -> Outcome[Booking]:
            if found.state is BookingState.CONFIRMED:
                return await erp.reverse_booking(found, idempotency_key=wire_key)
            return await erp.cancel_booking(found, idempotency_key=wire_key)

        removed = await self._ensure.undo(
            idempotency_key(order.context.business_key, order.context.generation, "booking", "do"),
            Undo(
                spec=_spec(order.context, contract, "booking", "undo", request_hash(key)),
                result_type=Booking,
                find=find,
                remove=remove,
                effects=lambda booking: Effects(
                    refs=(booking.reversal,) if booking.reversal is not None else ()
                ),
                settle=erp.settle_window,
            ),
        )
        await self._retire_customer(order)
        return Undone(removed=str(removed.ref) if removed else "")

    async def _retire_customer(self, order: UndoBooking) -> None:
        contract = order.contract
        erp = self._erps[contract.erp]

        async def keep(made: ErpCustomer | None) -> bool:
            # One that served before this run, or serves another contract, whoever its seller is,
            # stays as it is.
            if made is not None and not made.created:
                return True
            return await self._contracts.is_served_through(
                contract.customer_key, contract.erp, contract.key
            )

        async def find() -> ErpCustomer | None:
            return await erp.find_customer(contract.erp_company, contract.customer_key)

        await self._ensure.undo(
            idempotency_key(
                order.context.business_key, order.context.generation, "erp-customer", "do"
            ),
            Undo(
                spec=_spec(
                    order.context,
                    contract,
                    "erp-customer",
                    "undo",
                    request_hash(contract.customer_key),
                ),
                result_type=ErpCustomer,
                find=find,
                remove=lambda customer, wire_key: erp.retire_customer(
                    customer, idempotency_key=wire_key
                ),
                settle=erp.settle_window,
                shared=True,
                keep=keep,
            ),
        )


def document_key(context: SagaContext, contract: Contract) -> str:
    """Our key on the booking: 16 characters, with the generation in it."""
    return erp_document_key(
        context.tenant, contract.seller, "booking", contract.deal_id, context.generation
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


def tax_agrees(booking: Booking, contract: Contract) -> bool:
    """Whether the ERP's tax on the booking is our estimate. A ledger may round an exact half of
    the smallest unit to even where we round up: at most one unit on each line."""
    difference = abs(booking.tax - contract.booking_tax())
    return difference.to_minor() <= len(contract.lines)


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


async def _not_asked() -> None:
    """Finding the customer does not say that it is up to date: the act looks, then completes."""
    return


def _spec(context: SagaContext, contract: Contract, step: str, way: str, hashed: str) -> WriteSpec:
    return WriteSpec(
        key=idempotency_key(context.business_key, context.generation, step, way),
        step=f"erp.{step}" if way == "do" else f"erp.undo_{step}",
        system=System.ERP,
        account=f"{contract.erp}.{contract.erp_company}",
        context=context,
        request_hash=hashed,
        money=contract.tcv() if step in ("booking", "confirm") else None,
    )
