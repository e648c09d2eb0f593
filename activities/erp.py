"""Steps on the ERP: prepare the booking (customer, draft), confirm it, undo it."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.account_telling import AccountChange
from activities.erp_booking import BookingSteps, booking_refs, erp_spec
from activities.inputs import (
    ConfirmBooking,
    PrepareBooking,
    PreparedBooking,
    ReadBooking,
    UndoBooking,
    Undone,
)
from dealthread.domain.base import System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingState, ErpCustomer
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.errors import StepRejected
from dealthread.hub import Contracts, Effects
from dealthread.naming import erp_document_key, idempotency_key
from dealthread.outcome import Done, Outcome
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort, OnboardErpCustomer
from dealthread.ports.noting import NoteFields, NoteMaking


class ErpActivities:
    """One business step each, through the port of the ERP that the contract names."""

    def __init__(
        self,
        erps: Mapping[str, ErpPort],
        ensure: Ensure,
        contracts: Contracts,
        clock: BusinessClock,
    ) -> None:
        self._erps = erps
        self._contracts = contracts
        self._ensure = ensure
        self._clock = clock

    @activity.defn(name="erp.prepare_booking")
    async def prepare_booking(self, order: PrepareBooking) -> PreparedBooking:
        """Customer under its parent, then the booking as a draft: proves that the ERP accepts
        customer, items, tax codes, dimensions and period while nothing legal exists."""
        customer = await self._onboard(order)
        if order.contract.booking_policy == "none":
            return PreparedBooking(customer=customer)
        steps = self._steps(order.context, order.contract)
        return PreparedBooking(customer=customer, booking=await steps.draft(customer))

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

        spec = erp_spec(order.context, contract, "erp-customer", "do", request_hash(command))
        change = self._change(order)

        async def write(
            wire_key: str, note: NoteFields, making: NoteMaking
        ) -> Outcome[ErpCustomer]:
            # What exists, from an earlier deal or a lost answer, is brought up to date.
            existing = await erp.find_customer(contract.erp_company, contract.customer_key)
            if existing is not None:
                return await erp.update_customer(
                    command, existing, idempotency_key=wire_key, note=note
                )
            return await erp.create_customer(
                command, idempotency_key=wire_key, note=note, making=making
            )

        return await self._ensure(
            Write(
                spec=spec,
                result_type=ErpCustomer,
                find=_not_asked,
                act=lambda wire_key: change.made_by(
                    lambda note, making: write(wire_key, note, making)
                ),
                effects=lambda customer: Effects(refs=(customer.ref,), events=change.events()),
                settle=erp.settle_window,
                replay_safe_for=erp.customer_key_window,
            )
        )

    @activity.defn(name="erp.confirm_booking")
    async def confirm_booking(self, order: ConfirmBooking) -> Booking:
        """Confirm the draft after the pivot."""
        return await self._steps(order.context, order.contract).confirm(order.booking)

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
                spec=erp_spec(
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
        undone = await self._steps(order.context, order.contract).undo()
        await self._retire_customer(order)
        return undone

    def _steps(self, context: SagaContext, contract: Contract) -> BookingSteps:
        return BookingSteps(
            erp=self._erps[contract.erp],
            ensure=self._ensure,
            context=context,
            lines=contract,
            key=document_key(context, contract),
            money=contract.tcv(),
        )

    async def _retire_customer(self, order: UndoBooking) -> None:
        contract = order.contract
        erp = self._erps[contract.erp]
        change = self._change(order)

        async def keep(made: ErpCustomer | None) -> bool:
            # One that served before this run, or serves another contract, whoever its seller is,
            # stays as it is.
            if made is not None and not made.created:
                return True
            if made is None and await change.is_of_an_older_record():
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
                spec=erp_spec(
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
                if_kept=change.when_stopped,
            ),
        )

    def _change(self, order: PrepareBooking | UndoBooking) -> AccountChange:
        context = order.context
        return AccountChange(
            self._ensure,
            idempotency_key(context.business_key, context.generation, "erp-customer", "do"),
            System.ERP,
            order.contract.customer_key,
            self._clock,
        )


def document_key(context: SagaContext, contract: Contract) -> str:
    """Our key on the booking: 16 characters, with the generation in it."""
    return erp_document_key(
        context.tenant, contract.seller, "booking", contract.deal_id, context.generation
    )


def tax_agrees(booking: Booking, contract: Contract) -> bool:
    """Whether the ERP's tax on the booking is our estimate. A ledger may round an exact half of
    the smallest unit to even where we round up: at most one unit on each line."""
    difference = abs(booking.tax - contract.booking_tax())
    return difference.to_minor() <= len(contract.lines)


async def _not_asked() -> None:
    """Finding the customer does not say that it is up to date: the act looks, then completes."""
    return
