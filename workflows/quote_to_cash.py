"""QuoteToCash: a closed-won deal becomes a subscription, an entitlement and a booking.

    1  read the deal back and freeze it
    2  validate it, price it with the biller's preview, get it approved
    3  customer and draft booking in the ERP        everything the ERP can refuse is tried here
    4  billing agreement                            PIVOT (with review: the invoice's release)
    5  entitlement
    6  confirm the ERP booking                      on the start date where that is in the future
    7  write back to the CRM; customer success hears the event

Before the pivot a stop undoes what was done; after it the saga only goes forward, and ending the
deal is a new, approved transaction (docs/adr/0003).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import TypeVar

from pydantic import JsonValue
from temporalio import workflow

from activities.inputs import Assessment, PreparedBooking, StartedBilling
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.corrections import merged, parse_corrections
from dealthread.domain.documents import Booking, Entitlement
from dealthread.domain.transaction import (
    ChangeOutcome,
    ChangeResult,
    FrozenDeal,
    QuoteToCashInput,
    StepState,
    context_of,
)
from dealthread.saga import Deferred, Saga, SagaStopped, Step
from workflows.business_time import business_today, midnight
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.questions import ask_about_rules, ask_for_approval
from workflows.steps import Steps
from workflows.wording import QUOTE_TO_CASH, current_details

T = TypeVar("T")
Undo = Callable[[], Awaitable[None]]

CRM_AWAY = "quote-to-cash-crm-away-202611"
"""Patch: a stopped run waits for a CRM that stays away; before, that was a residue."""

ERP_AWAY = "quote-to-cash-erp-away-202611"
"""Patch: an ERP that was away while the deal was assessed is not waited for a second time."""


@workflow.defn(name="QuoteToCash")
class QuoteToCashWorkflow(DecidedByPeople):
    """One run of one deal."""

    @workflow.init
    def __init__(self, order: QuoteToCashInput) -> None:
        request = order.request
        self._order = order
        self._corrections = order.corrections
        self._context = context_of(order, actor="saga")
        self._steps = Steps(self._context)
        self._desk = CaseDesk(self._context, QUOTE_TO_CASH, request.requested_by, self._tell)
        self._saga = Saga(QUOTE_TO_CASH, self._desk, self._tell)
        self._contract: Contract | None = None
        self._account_id = ""
        self._stopped_at = ""
        self._billing_started = False
        self._erp_away = False

    @workflow.run
    async def run(self, order: QuoteToCashInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        try:
            result = await self._quote_to_cash()
        except SagaStopped as stop:
            self._stopped_at = str(stop)
            result = await self._saga.to_its_end(self._undo(ChangeOutcome.COMPENSATED))
        except asyncio.CancelledError:
            self._stopped_at = self._stopped_at or "cancelled"
            await self._saga.to_its_end(self._undo(ChangeOutcome.CANCELLED))
            raise
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return result

    async def _quote_to_cash(self) -> ChangeResult:
        assessment = await self._assessed_deal()
        contract = _known(assessment.contract)
        self._contract = contract
        starts_later = contract.start_date > self._today()

        prepared = await self._prepare_booking(assessment, contract)
        billing = await self._start_billing(assessment, contract, starts_later)
        if contract.release_policy == "review" and not starts_later:
            await self._release_first_invoice(assessment, contract, billing)
        entitlement = await self._grant(contract, assessment)
        if prepared is None:
            prepared = await self._prepare_booking_late(assessment, contract)
        booking = prepared.booking
        if booking is not None and not starts_later:
            booking = await self._confirm_booking(contract, booking)
        else:
            self._saga.mark("confirm", StepState.PENDING, f"due {contract.start_date}")
        return await self._write_back(contract, billing, booking, entitlement, starts_later)

    # ------------------------------------------------------------ before anything is written

    async def _assessed_deal(self) -> Assessment:
        """Read, validate, price and get approved, until the deal may go on or is stopped."""
        approved_hash = ""
        while True:
            frozen = await self._read_deal()
            assessment = await self._assess(frozen, approved_hash)
            if assessment.stopping:
                await self._stopped_by_rule(assessment)
                continue
            if assessment.approvals and approved_hash != assessment.content_hash:
                # After an approval the deal is read again: it may have changed while waiting.
                approved_hash = await self._approval(assessment)
                continue
            self._saga.mark("assess", StepState.DONE)
            return assessment

    async def _read_deal(self) -> FrozenDeal:
        frozen = await self._saga.run(Step(name="deal", act=self._steps.read_deal))
        if frozen.deal.account is not None:
            self._account_id = frozen.deal.account.ref.native_id
            self._desk.customer_key = frozen.deal.account.key
            self._desk.customer_name = frozen.deal.account.legal_name
        return frozen

    async def _assess(self, frozen: FrozenDeal, approved_hash: str) -> Assessment:
        def assess(*, ask_erp: bool) -> Awaitable[Assessment]:
            return self._steps.assess(frozen, self._corrections, approved_hash, ask_erp=ask_erp)

        try:
            assessment = await self._saga.run(
                Step(name="assess", act=lambda: assess(ask_erp=True), deferrable=True)
            )
            self._erp_away = False
        except Deferred:
            # The ERP stayed away longer than policy allows: go on with its last known rules.
            self._erp_away = True
            assessment = await self._saga.run(
                Step(name="assess", act=lambda: assess(ask_erp=False))
            )
        self._desk.contract = assessment.contract
        return assessment

    async def _stopped_by_rule(self, assessment: Assessment) -> None:
        first = assessment.stopping[0]
        self._saga.mark("assess", StepState.STUCK, f"{first.rule} {first.field}")
        self._apply(await ask_about_rules(self._desk, assessment))

    async def _approval(self, assessment: Assessment) -> str:
        self._saga.mark("assess", StepState.STUCK, "waiting for approval")
        if not await ask_for_approval(self._desk, assessment):
            raise SagaStopped("assess")
        return assessment.content_hash

    def _apply(self, decision: Decision) -> None:
        if decision.decision is DecisionKind.ABORT:
            raise SagaStopped("assess")
        if decision.decision is DecisionKind.RETRY_WITH:
            self._correct(decision.correction)

    def _correct(self, correction: dict[str, JsonValue]) -> None:
        self._corrections = merged(self._corrections, parse_corrections(correction))

    # ------------------------------------------------------------ the ERP, before the pivot

    async def _prepare_booking(
        self, assessment: Assessment, contract: Contract
    ) -> PreparedBooking | None:
        """Customer and draft. None when the ERP stayed unavailable: then after the pivot."""
        if self._erp_away and workflow.patched(ERP_AWAY):
            self._saga.mark("booking", StepState.PENDING, "deferred: unavailable")
            return None
        patience = timedelta(minutes=assessment.erp_patience_minutes)
        try:
            return await self._saga.run(self._booking_step(assessment, contract, patience))
        except Deferred:
            return None

    async def _prepare_booking_late(
        self, assessment: Assessment, contract: Contract
    ) -> PreparedBooking:
        return await self._saga.run(self._booking_step(assessment, contract, None))

    def _booking_step(
        self, assessment: Assessment, contract: Contract, patience: timedelta | None
    ) -> Step[PreparedBooking]:
        party = _known(assessment.party)

        def prepare(wanted: Contract = contract) -> Awaitable[PreparedBooking]:
            return self._steps.prepare_booking(wanted, party, assessment.parent, patience)

        async def link(native_id: str) -> PreparedBooking:
            # The customer only: the draft was refused, or stands beside the one that was named.
            prepared = await prepare(contract.model_copy(update={"booking_policy": "none"}))
            booking = await self._steps.link_booking(contract, native_id)
            return prepared.model_copy(update={"booking": booking})

        return Step(
            name="booking",
            act=prepare,
            undo=self._before_pivot(lambda: self._steps.undo_booking(contract)),
            link=link if self._saga.pivot_crossed else None,
            deferrable=patience is not None,
        )

    # ------------------------------------------------------------ the pivot

    async def _start_billing(
        self, assessment: Assessment, contract: Contract, starts_later: bool
    ) -> StartedBilling:
        """The first moment at which a legal invoice can exist, unless the first invoice is held
        for review or the agreement starts in the future."""
        held = contract.release_policy == "review"
        is_pivot = not held and not starts_later
        if is_pivot:
            self._saga.name_pivot("billing")
        party = _known(assessment.party)
        started = await self._saga.run(
            Step(
                name="billing",
                act=lambda: self._steps.start_billing(
                    contract, party, assessment.parent, assessment.preview
                ),
                undo=lambda: self._steps.undo_billing(contract, party),
                pivot=is_pivot,
            )
        )
        self._billing_started = True
        return started

    async def _release_first_invoice(
        self, assessment: Assessment, contract: Contract, billing: StartedBilling
    ) -> None:
        preview = _known(assessment.preview)
        self._saga.name_pivot("release")
        await self._saga.run(
            Step(
                name="release",
                act=lambda: self._steps.release_invoice(contract, billing.agreement, preview),
                pivot=True,
            )
        )

    # ------------------------------------------------------------ forward only

    async def _grant(self, contract: Contract, assessment: Assessment) -> Entitlement:
        patience = timedelta(minutes=assessment.entitlement_patience_minutes)
        return await self._saga.run(
            Step(
                name="entitlement",
                act=lambda: self._steps.grant(contract, patience),
                undo=self._before_pivot(lambda: self._steps.revoke(contract)),
            )
        )

    async def _confirm_booking(self, contract: Contract, booking: Booking) -> Booking:
        return await self._saga.run(
            Step(
                name="confirm",
                act=lambda: self._steps.confirm_booking(contract, booking),
                link=lambda native_id: self._steps.link_booking(
                    contract, native_id, confirmed=True
                ),
            )
        )

    async def _write_back(
        self,
        contract: Contract,
        billing: StartedBilling,
        booking: Booking | None,
        entitlement: Entitlement,
        starts_later: bool,
    ) -> ChangeResult:
        state = ContractState.SCHEDULED if starts_later else ContractState.ACTIVE
        outcome = ChangeOutcome.SCHEDULED if starts_later else ChangeOutcome.COMPLETED
        record = await self._saga.run(
            Step(
                name="crm",
                act=lambda: self._steps.write_back(
                    contract, state, outcome, billing.agreement, booking, entitlement
                ),
                undo=self._before_pivot(self._withdraw),
            )
        )
        refs = [record.ref, billing.agreement.ref, entitlement.ref]
        if booking is not None:
            refs.append(booking.ref)
        return ChangeResult(
            change_id=self._context.business_key,
            outcome=outcome,
            contract_state=state,
            start_at=midnight(contract.start_date),
            end_at=midnight(contract.end_date) if contract.end_date else None,
            auto_renew=contract.auto_renew,
            renewal=contract.renewal,
            term_no=contract.term_no,
            refs=tuple(refs),
        )

    # ------------------------------------------------------------ stopping before the pivot

    async def _undo(self, outcome: ChangeOutcome) -> ChangeResult:
        """Undo in reverse, tell the CRM why, record how the run ended."""
        await self._saga.compensate()
        if self._account_id:
            await self._tell_crm_it_stopped()
        await self._steps.record_stop(
            outcome,
            self._stopped_at,
            tuple(self._saga.residue),
            was_told=self._billing_started,
        )
        return ChangeResult(
            change_id=self._context.business_key,
            outcome=outcome,
            contract_state=ContractState.NEVER_ACTIVATED,
            residue=tuple(self._saga.residue),
        )

    async def _tell_crm_it_stopped(self) -> None:
        # The books are clean: a CRM that refuses the status line must not undo that.
        await self._saga.tell(
            "crm", self._withdraw, "status not updated", waits=lambda: workflow.patched(CRM_AWAY)
        )

    async def _withdraw(self) -> None:
        await self._steps.withdraw(
            self._contract or self._desk.contract,
            self._account_id,
            self._desk.customer_key,
            self._stopped_at,
        )

    def _before_pivot(
        self, undo: Callable[[], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]] | None:
        """An undo exists only while the pivot is not crossed."""
        return None if self._saga.pivot_crossed else undo

    # ------------------------------------------------------------ what people see

    def _tell(self) -> None:
        workflow.set_current_details(
            current_details(
                self._status(), self._contract or self._desk.contract, self._desk.customer_name
            )
        )

    def _today(self) -> date:
        return business_today(self._context.business_offset_seconds)


def _known(value: T | None) -> T:
    """What an assessment without stopping findings always holds."""
    if value is None:
        raise SagaStopped("assess")
    return value
