"""What every change of a running contract goes through; the sagas say in which order.

    1  read the order, compute the new version, preview it at the biller, get it approved
    2  adjustment of the booking, drafted in the ERP    all that the ERP can refuse comes first
    3  agreement at the biller                          PIVOT
    4  entitlement
    5  confirm the adjustment
    6  the CRM, and the new version with its revenue schedule

Where nothing is billed, the first of the later steps that is taken is the pivot. Before the pivot a
stop leaves the contract as it was; after it the change only goes forward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow

from activities.change_inputs import AssessedChange, BilledChange, RecordChange
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Booking, Entitlement
from dealthread.domain.events import EventType
from dealthread.domain.money import Money
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    ChangeResult,
    StepState,
    context_of,
)
from dealthread.saga import Deferred, Saga, SagaStopped, Step
from workflows.business_time import business_today, midnight
from workflows.change_questions import ask_about_bill, ask_about_rule, ask_for_approval
from workflows.change_steps import ChangeSteps
from workflows.decided_by_people import DecidedByPeople, status_of
from workflows.desk import CaseDesk
from workflows.wording import current_details

T = TypeVar("T")

FIRST_WRITE_IS_PIVOT = "change-first-write-is-pivot-202611"
"""Patch: where nothing is billed, the first write that has no undo is the pivot."""

ERP_AWAY = "change-erp-away-202611"
"""Patch: an ERP that was away while the change was assessed is not waited for a second time."""


class ChangeRun:
    """One run of one change: its steps, its ledger, its people."""

    def __init__(self, order: ChangeInput, titles: dict[str, str]) -> None:
        request = order.request
        self.order = order
        self.context = context_of(order)
        self._steps = ChangeSteps(order, self.context)
        self.desk = CaseDesk(self.context, titles, request.requested_by, self._tell)
        self.saga = Saga(titles, self.desk, self._tell)
        self._before: Contract | None = None
        self._assessed: AssessedChange | None = None
        self._stopped_at = ""
        self._erp_away = False

    async def to_its_end(self, work: Awaitable[ChangeResult]) -> ChangeResult:
        """Run the saga; a stop or a cancellation before the pivot leaves the contract as it was."""
        try:
            result = await work
        except SagaStopped as stop:
            self._stopped_at = str(stop)
            result = await self.saga.to_its_end(self._undo(ChangeOutcome.COMPENSATED))
        except asyncio.CancelledError:
            self._stopped_at = self._stopped_at or "cancelled"
            await self.saga.to_its_end(self._undo(ChangeOutcome.CANCELLED))
            raise
        await self.saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return result

    # ------------------------------------------------------------ before anything is written

    async def assessed(self) -> AssessedChange:
        """Read, compute, preview and get approved, until the change may go on or is stopped."""
        approved = ""
        while True:
            change = await self._assess()
            if change.stopping:
                first = change.stopping[0]
                self.saga.mark("assess", StepState.STUCK, f"{first.rule} {first.field}")
                await ask_about_rule(self.desk, change)
                continue
            if change.approvals and approved != change.content_hash:
                # After an approval all is computed again: the contract may have changed meanwhile.
                self.saga.mark("assess", StepState.STUCK, "waiting for approval")
                await ask_for_approval(self.desk, change)
                approved = change.content_hash
                continue
            self.saga.mark("assess", StepState.DONE)
            self._assessed = change
            return change

    async def _assess(self) -> AssessedChange:
        try:
            change = await self.saga.run(
                Step(
                    name="assess",
                    act=lambda: self._steps.assess(ask_erp=True),
                    deferrable=True,
                )
            )
            self._erp_away = False
        except Deferred:
            # The ERP stayed away longer than policy allows: go on with its last known rules.
            self._erp_away = True
            change = await self.saga.run(
                Step(name="assess", act=lambda: self._steps.assess(ask_erp=False))
            )
        self._before = change.before
        self.desk.contract = change.before
        self.desk.customer_key = change.customer_key
        return change

    def is_held(self, change: AssessedChange) -> bool:
        """Whether the change waits for a day to come."""
        until = change.hold_until
        today = business_today(self.context.business_offset_seconds)
        return until is not None and today < until

    async def hold(self, change: AssessedChange) -> ChangeResult:
        """Accepted today, carried out on its day: nothing is written until then."""
        due = change.hold_until
        assert due is not None  # noqa: S101 - asked by is_held
        await self._steps.record_held(due, change.deal_id)
        self.saga.mark("assess", StepState.DONE, f"held until {due}")
        result = self._result(ChangeOutcome.SCHEDULED, ContractState.ACTIVE, self._before)
        return result.model_copy(update={"due_at": midnight(due)})

    async def join_regional(self, change: AssessedChange) -> None:
        """Contracts of other legal entities: each has a pivot of its own. What stands of them when
        this change stops is put before a person."""
        deals = change.regional_deals

        async def join() -> None:
            await self._steps.join_regional(deals)
            standing = await self._steps.await_regional(deals)
            if standing.stopped:
                raise SagaStopped("regional")

        if deals:
            await self.saga.run(
                Step(name="regional", act=join, undo=lambda: self._steps.name_regional(deals))
            )
        else:
            self.saga.mark("regional", StepState.SKIPPED)

    # ------------------------------------------------------------ the ERP, before the pivot

    async def draft(self, change: AssessedChange) -> Booking | None:
        """The adjustment as a draft. None where nothing is booked, or the ERP stays away."""
        booking = change.booking
        if booking is None:
            self.saga.mark("booking", StepState.SKIPPED, "nothing to book")
            return None
        if self._erp_away and workflow.patched(ERP_AWAY):
            self.saga.mark("booking", StepState.PENDING, "deferred: unavailable")
            return None
        patience = timedelta(minutes=change.erp_patience_minutes)
        try:
            return await self.saga.run(self._draft_step(booking, change.amends, patience))
        except Deferred:
            return None

    def _draft_step(
        self, booking: Contract, amends: str, patience: timedelta | None
    ) -> Step[Booking]:
        return Step(
            name="booking",
            act=lambda: self._steps.draft(booking, amends, patience),
            undo=None if self.saga.pivot_crossed else (lambda: self._steps.undo_draft(booking)),
            deferrable=patience is not None,
        )

    # ------------------------------------------------------------ the pivot

    async def bill(self, change: AssessedChange) -> BilledChange | None:
        """The first moment at which a legal document of the change can exist."""
        if change.billing is None:
            self.saga.mark("billing", StepState.SKIPPED, "nothing changes at the biller")
            return None
        self.saga.name_pivot("billing")
        return await self.saga.run(
            Step(name="billing", act=lambda: self._steps.bill(change), pivot=True)
        )

    # ------------------------------------------------------------ forward only

    async def entitle(self, change: AssessedChange) -> Entitlement:
        """The rights of the new version."""
        contract = _known(change.contract)
        patience = timedelta(minutes=change.entitlement_patience_minutes)
        return await self.saga.run(
            Step(
                name="entitlement",
                act=lambda: self._steps.entitle(contract, patience),
                pivot=self._is_pivot("entitlement"),
            )
        )

    async def confirm(self, change: AssessedChange, draft: Booking | None) -> Booking | None:
        """Confirm the adjustment; where the ERP stayed away it is drafted now."""
        booking = change.booking
        if booking is None:
            self.saga.mark("confirm", StepState.SKIPPED, "nothing to book")
            return None
        if draft is None:
            draft = await self.saga.run(self._draft_step(booking, change.amends, None))
        held = draft
        return await self.saga.run(
            Step(
                name="confirm",
                act=lambda: self._steps.confirm(booking, held),
                pivot=self._is_pivot("confirm"),
            )
        )

    async def record(
        self,
        change: AssessedChange,
        *,
        state: ContractState,
        event: EventType,
        billed: BilledChange | None = None,
        booking: Booking | None = None,
        entitlement: Entitlement | None = None,
        is_new_version: bool = True,
        forecast_renewal: bool = False,
        renewal_price: Money | None = None,
    ) -> ChangeResult:
        """The CRM, the new version, the event; and a person, where the bill is another one."""
        contract = _known(change.contract)
        today = business_today(self.context.business_offset_seconds)
        record = RecordChange(
            context=self.context,
            contract=contract,
            kind=self.order.request.kind,
            state=state,
            outcome=ChangeOutcome.COMPLETED,
            event=event,
            effective_from=change.effective_from or today,
            accepted_on=change.accepted_on or today,
            deal_id=change.deal_id,
            is_new_version=is_new_version,
            working=change.working,
            booking=booking,
            entitlement=entitlement,
            billed=billed.changed if billed is not None else None,
            forecast_renewal=forecast_renewal,
            renewal_price=renewal_price,
        )
        written = await self.saga.run(
            Step(
                name="crm",
                act=lambda: self._steps.record_change(record),
                pivot=self._is_pivot("crm"),
            )
        )
        if billed is not None and billed.difference:
            await self.saga.to_its_end(ask_about_bill(self.desk, billed.difference, change))
        result = self._result(ChangeOutcome.COMPLETED, state, contract)
        return result.model_copy(update={"refs": (written.ref,)})

    def _is_pivot(self, name: str) -> bool:
        """Whether a step without an undo is the first write of this run that stands."""
        if self.saga.pivot_crossed or not workflow.patched(FIRST_WRITE_IS_PIVOT):
            return False
        self.saga.name_pivot(name)
        return True

    def _result(
        self, outcome: ChangeOutcome, state: ContractState, contract: Contract | None
    ) -> ChangeResult:
        result = ChangeResult(
            change_id=self.context.business_key, outcome=outcome, contract_state=state
        )
        if contract is None:
            return result
        return result.model_copy(
            update={
                "start_at": midnight(contract.start_date),
                "end_at": midnight(contract.end_date) if contract.end_date else None,
                "auto_renew": contract.auto_renew,
                "renewal": contract.renewal,
                "term_no": contract.term_no,
            }
        )

    # ------------------------------------------------------------ stopping before the pivot

    async def _undo(self, outcome: ChangeOutcome) -> ChangeResult:
        """Undo in reverse, tell the CRM why where it asked, record how the run ended. The contract
        stays as it was."""
        state = ContractState.ACTIVE
        await self.saga.compensate()
        await self._tell_crm_it_stopped(outcome, state)
        await self._steps.record_stop(outcome, state, self._stopped_at, tuple(self.saga.residue))
        return self._result(outcome, state, self._before).model_copy(
            update={"residue": tuple(self.saga.residue)}
        )

    async def _tell_crm_it_stopped(self, outcome: ChangeOutcome, state: ContractState) -> None:
        before = self._before
        asked_by = self._assessed.deal_id if self._assessed else self.context.deal_id
        if before is None or not asked_by or asked_by == before.deal_id:
            return
        today = business_today(self.context.business_offset_seconds)
        record = RecordChange(
            context=self.context,
            contract=before,
            kind=self.order.request.kind,
            state=state,
            outcome=outcome,
            event=EventType.CONTRACT_CHANGE_WITHDRAWN,
            effective_from=today,
            accepted_on=today,
            deal_id=asked_by,
            reason=self._stopped_at,
            is_new_version=False,
        )
        await self.saga.tell("crm", lambda: self._steps.tell_stopped(record), "status not updated")

    # ------------------------------------------------------------ what people see

    def _tell(self) -> None:
        workflow.set_current_details(
            current_details(status_of(self.desk, self.saga), self._before, self.desk.customer_name)
        )


class ContractChange(DecidedByPeople):
    """A workflow that changes a contract: its run, and the handlers for the people it asks."""

    def __init__(self, order: ChangeInput, titles: dict[str, str]) -> None:
        self._change = ChangeRun(order, titles)
        self._desk, self._saga = self._change.desk, self._change.saga


def _known(value: T | None) -> T:
    """What an assessment without stopping findings always holds."""
    if value is None:
        raise SagaStopped("assess")
    return value
