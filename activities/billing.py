"""Steps on the biller: start the agreement (the pivot), release its first invoice, undo it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from temporalio import activity

from activities.account_telling import AccountChange
from activities.inputs import ReleaseInvoice, StartBilling, StartedBilling, UndoBilling, Undone
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import first_bill
from dealthread.domain.documents import Agreement, BillingCustomer
from dealthread.domain.event_data.contract import SubscriptionStarted
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.invoice import BillingInvoice, InvoiceStatus
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.errors import NotFound, StepRejected, VendorUnavailable
from dealthread.hub import Contracts, Effects, WriteSpec
from dealthread.naming import event_id, idempotency_key
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import BillingPort, OnboardBillingCustomer, StartAgreement
from dealthread.ports.clock import BusinessClock
from dealthread.ports.noting import NoteFields, NoteMaking

NOT_HELD = "first_invoice_not_held"


class BillingActivities:
    """One business step each, through the billing port."""

    def __init__(
        self, billing: BillingPort, ensure: Ensure, contracts: Contracts, clock: BusinessClock
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._ensure = ensure
        self._clock = clock

    @activity.defn(name="billing.start_agreement")
    async def start_agreement(self, order: StartBilling) -> StartedBilling:
        """Customer, then billing agreement. From here on a legal invoice can exist."""
        customer = await self._onboard(order)
        agreement = await self._start(order, customer)
        return StartedBilling(customer=customer, agreement=agreement)

    async def _onboard(self, order: StartBilling) -> BillingCustomer:
        contract = order.contract
        command = OnboardBillingCustomer(
            customer_key=contract.customer_key,
            billing_account=contract.billing_account,
            party=order.party,
            parent_customer_key=order.parent_key,
            currency=contract.currency,
        )

        spec = self._spec(order, "billing-customer", "do", request_hash(command))
        change = self._change(order)

        async def write(
            wire_key: str, note: NoteFields, making: NoteMaking
        ) -> Outcome[BillingCustomer]:
            # The customer may exist from an earlier deal, or from an attempt whose answer was
            # lost: creating comes second, and what exists is brought up to date.
            existing = await self._billing.find_customer(
                command.billing_account, command.customer_key, email=command.party.invoice_email()
            )
            if existing is not None:
                return await self._billing.update_customer(
                    command, existing, idempotency_key=wire_key, note=note
                )
            await making()
            return await self._billing.create_customer(command, idempotency_key=wire_key)

        return await self._ensure(
            Write(
                spec=spec,
                result_type=BillingCustomer,
                find=_not_asked,
                act=lambda wire_key: change.made_by(
                    lambda note, making: write(wire_key, note, making)
                ),
                effects=lambda customer: Effects(refs=(customer.ref,), events=change.events()),
                settle=self._billing.settle_window,
                replay_safe_for=self._billing.idempotency_window,
            )
        )

    async def _start(self, order: StartBilling, customer: BillingCustomer) -> Agreement:
        contract = order.contract
        key = self._key(order, "subscription", "do")
        command = StartAgreement(
            contract=contract,
            customer=customer,
            hold_first_invoice=contract.release_policy == "review",
        )

        async def find() -> Agreement | None:
            found = await self._billing.find_agreement(contract, customer, idempotency_key=key)
            return await self._kept(contract, found, key) if found is not None else None

        async def start(wire_key: str) -> Outcome[Agreement]:
            outcome = await self._billing.start_agreement(command, idempotency_key=wire_key)
            if not isinstance(outcome, Done):
                return outcome
            if command.hold_first_invoice and outcome.value.bills_by_itself():
                # It is there and not as asked for: the next attempt finds it, and holds it.
                return Unknown(NOT_HELD)
            return Done(outcome.value.model_copy(update={"key": key}))

        return await self._ensure(
            Write(
                spec=self._spec(
                    order, "subscription", "do", request_hash(contract, customer.ref.native_id)
                ),
                result_type=Agreement,
                find=find,
                act=start,
                effects=lambda agreement: Effects(
                    refs=tuple(
                        ref
                        for ref in (agreement.ref, agreement.subscription, agreement.schedule)
                        if ref is not None
                    )
                    + _invoice_refs(agreement.first_invoice),
                    events=(self._started(order, agreement),),
                    stage="billing_started",
                ),
                replay_safe_for=self._billing.idempotency_window,
            )
        )

    async def _kept(self, contract: Contract, found: Agreement, key: str) -> Agreement:
        """The agreement that was found, its first draft held where that was asked for. Raises
        StepRejected when the biller refuses that: a person has to, or the draft is finalised."""
        kept = found.model_copy(update={"key": key})
        if contract.release_policy != "review" or not found.bills_by_itself():
            return kept
        outcome = await self._billing.hold_first_invoice(
            kept, contract.billing_account, idempotency_key=key
        )
        match outcome:
            case Done(value=held):
                return held.model_copy(update={"key": key})
            case Rejected():
                evidence = {"refusal": outcome.code, "agreement": found.ref.native_id}
                raise StepRejected.of(
                    replace(outcome, code=NOT_HELD, evidence={**outcome.evidence, **evidence})
                )
            case Unknown():
                raise VendorUnavailable(NOT_HELD, retry_after=outcome.retry_after)

    def _started(self, order: StartBilling, agreement: Agreement) -> BusinessEvent:
        return BusinessEvent(
            id=event_id(self._key(order, "subscription", "told")),
            type=EventType.SUBSCRIPTION_STARTED,
            subject=order.contract.key,
            time=self._clock.now(),
            data=SubscriptionStarted(
                contract_key=order.contract.key,
                billing_account=order.contract.billing_account,
                subscription=agreement.ref.native_id,
                status=agreement.status,
            ).told(),
        )

    @activity.defn(name="billing.release_first_invoice")
    async def release_first_invoice(self, order: ReleaseInvoice) -> BillingInvoice:
        """Compare the held draft with the preview, to the cent, then finalise it.

        Nothing is asked before the journal is: a biller that is away after the request went out
        must not look like one that never got it.
        """
        contract = order.contract

        async def release(wire_key: str) -> Outcome[BillingInvoice]:
            held = await self._compared(order)
            return await self._billing.release_first_invoice(
                held, contract.billing_account, idempotency_key=wire_key
            )

        async def find() -> BillingInvoice | None:
            state = await self._billing.read_agreement(order.agreement, contract.billing_account)
            invoice = state.first_invoice
            held = (InvoiceStatus.DRAFT, InvoiceStatus.PREVIEW)
            return invoice if invoice is not None and invoice.status not in held else None

        return await self._ensure(
            Write(
                spec=self._spec(order, "release", "do", request_hash(order.agreement.ref)),
                result_type=BillingInvoice,
                find=find,
                act=release,
                effects=lambda invoice: Effects(
                    refs=_invoice_refs(invoice), stage="invoice_released"
                ),
                replay_safe_for=self._billing.idempotency_window,
            )
        )

    async def _compared(self, order: ReleaseInvoice) -> Agreement:
        """The agreement with its held draft. Raises StepRejected when the draft is another one
        than was previewed."""
        contract = order.contract
        current = await self._held(order)
        draft = current.first_invoice
        if draft is None:
            # The start date has come, the biller has not made the draft yet.
            raise VendorUnavailable("draft_not_made_yet", retry_after=timedelta(minutes=1))
        if order.preview is not None:
            gross, tax = order.preview.gross, order.preview.tax
        else:
            bill = first_bill(contract)
            gross, tax = bill.gross, bill.tax
        if draft.gross != gross or draft.tax != tax:
            raise StepRejected(
                "draft_differs_from_preview",
                case_kind="billing.preview_not_kept",
                field="first_invoice.total",
                preview=str(gross),
                draft=str(draft.gross),
            )
        return current

    async def _held(self, order: ReleaseInvoice) -> Agreement:
        """The agreement as it stands; for one set up ahead, its draft is held by finding it."""
        contract = order.contract
        account = contract.billing_account
        found = None
        try:
            if order.preview is not None:
                return await self._billing.read_agreement(order.agreement, account)
            customer = await self._billing.find_customer(account, contract.customer_key)
            if customer is not None:
                key = order.agreement.key
                found = await self._billing.find_agreement(contract, customer, idempotency_key=key)
        except NotFound:
            found = None
        if found is None:
            raise StepRejected(
                "agreement_not_found", case_kind="billing.rejected", contract=contract.key
            )
        return await self._kept(contract, found, order.agreement.key)

    @activity.defn(name="billing.undo_agreement")
    async def undo_agreement(self, order: UndoBilling) -> Undone:
        """Cancel the agreement and mark a customer of this run unused; nothing there is fine."""
        contract = order.contract
        do_key = self._key(order, "subscription", "do")

        async def find_agreement() -> Agreement | None:
            customer = await self._customer(order)
            if customer is None:
                return None
            return await self._billing.find_agreement(contract, customer, idempotency_key=do_key)

        async def cancel(found: Agreement, wire_key: str) -> Outcome[Agreement]:
            return await self._billing.cancel_agreement(
                found, contract.billing_account, idempotency_key=wire_key
            )

        removed = await self._ensure.undo(
            do_key,
            Undo(
                spec=self._spec(order, "subscription", "undo", request_hash(contract.key)),
                result_type=Agreement,
                find=find_agreement,
                remove=cancel,
            ),
        )
        await self._retire_customer(order)
        return Undone(removed=str(removed.ref) if removed else "")

    async def _retire_customer(self, order: UndoBilling) -> None:
        contract = order.contract
        change = self._change(order)

        async def keep(made: BillingCustomer | None) -> bool:
            # One that served before this run, or serves another contract, stays as it is.
            if made is not None and not made.created:
                return True
            if made is None and await change.is_of_an_older_record():
                return True
            return bool(
                await self._contracts.active_contracts(
                    contract.customer_key, contract.seller, contract.key
                )
            )

        await self._ensure.undo(
            self._key(order, "billing-customer", "do"),
            Undo(
                spec=self._spec(
                    order, "billing-customer", "undo", request_hash(contract.customer_key)
                ),
                result_type=BillingCustomer,
                find=lambda: self._customer(order),
                remove=lambda customer, wire_key: self._billing.retire_customer(
                    customer, idempotency_key=wire_key
                ),
                settle=self._billing.settle_window,
                shared=True,
                keep=keep,
                if_kept=change.when_stopped,
            ),
        )

    def _change(self, order: StartBilling | UndoBilling) -> AccountChange:
        return AccountChange(
            self._ensure,
            self._key(order, "billing-customer", "do"),
            System.BILLING,
            order.contract.customer_key,
            self._clock,
        )

    async def _customer(self, order: UndoBilling) -> BillingCustomer | None:
        """Found by e-mail too: a search index may not know a customer whose answer was lost."""
        contract = order.contract
        return await self._billing.find_customer(
            contract.billing_account,
            contract.customer_key,
            email=order.party.invoice_email() if order.party is not None else "",
        )

    def _key(self, order: StartBilling | ReleaseInvoice | UndoBilling, step: str, way: str) -> str:
        return idempotency_key(order.context.business_key, order.context.generation, step, way)

    def _spec(
        self,
        order: StartBilling | ReleaseInvoice | UndoBilling,
        step: str,
        way: str,
        hashed: str,
    ) -> WriteSpec:
        contract = order.contract
        return WriteSpec(
            key=self._key(order, step, way),
            step=f"billing.{step}" if way == "do" else f"billing.undo_{step}",
            system=System.BILLING,
            account=contract.billing_account,
            context=order.context,
            request_hash=hashed,
            money=contract.tcv() if step == "subscription" else None,
        )


def _invoice_refs(invoice: BillingInvoice | None) -> tuple[Ref, ...]:
    """The invoice by its id and, once it has one, by its legal number."""
    if invoice is None or invoice.ref is None:
        return ()
    if not invoice.number:
        return (invoice.ref,)
    number = {"kind": "invoice_number", "native_id": invoice.number}
    return (invoice.ref, invoice.ref.model_copy(update=number))


async def _not_asked() -> None:
    """Finding the customer does not say that it is up to date: the act looks, then completes."""
    return
