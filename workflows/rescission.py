"""Rescission: a contract is taken back before it has begun. Nothing was billed, nothing is booked.

1  read what was set up; a second person approves
2  agreement at the biller: cancelled before its first invoice        PIVOT
3  entitlement: revoked before its first day
4  the draft booking in the ERP: cancelled
5  the CRM: the deal shows that it was withdrawn
6  our store: the contract never became active; subscribers hear of it

Each step is the undo that QuoteToCash has for it, under that run's keys. Any other cancellation of
a contract that has not begun waits for its first day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow

from activities.change_hub import ChangeHubActivities
from activities.change_inputs import RecordHeld
from activities.hub import HubActivities
from activities.inputs import RecordOutcome
from activities.rescission import ReadRescission, RescissionActivities, RescissionSetUp
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    ChangeResult,
    StepState,
    context_of,
)
from dealthread.policies import STORE
from dealthread.saga import Saga, SagaStopped, Step
from workflows.business_time import business_today, midnight
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.steps import Steps
from workflows.wording import RESCISSION

WHY = "rescinded before its start"


@workflow.defn(name="Rescission")
class RescissionWorkflow(DecidedByPeople):
    """One contract that has not begun, taken back."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        request = order.request
        self._context = context_of(order)
        self._desk = CaseDesk(self._context, RESCISSION, request.requested_by, lambda: None)
        self._saga = Saga(RESCISSION, self._desk)

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        try:
            result = await self._rescind()
        except SagaStopped as stop:
            result = await self._saga.to_its_end(
                self._ended(ChangeOutcome.COMPENSATED, ContractState.SCHEDULED, str(stop))
            )
        except asyncio.CancelledError:
            # Only before the pivot: nothing was written.
            await self._saga.to_its_end(
                self._ended(ChangeOutcome.CANCELLED, ContractState.SCHEDULED, "cancelled")
            )
            raise
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return result

    async def _rescind(self) -> ChangeResult:
        setup = await self._saga.run(Step(name="setup", act=self._read))
        contract = setup.contract
        self._desk.contract = contract
        self._desk.customer_key = contract.customer_key
        if not setup.is_rescission:
            return await self._saga.to_its_end(self._held(contract))
        if setup.needs_approval:
            await self._approval()
        if business_today(self._context.business_offset_seconds) >= contract.start_date:
            raise SagaStopped("it has begun meanwhile")
        await self._take_back(setup)
        return await self._saga.to_its_end(
            self._ended(ChangeOutcome.COMPLETED, ContractState.NEVER_ACTIVATED, WHY)
        )

    async def _take_back(self, setup: RescissionSetUp) -> None:
        contract = setup.contract
        made_by = Steps(
            self._context.model_copy(
                update={"business_key": setup.set_up_by, "generation": setup.generation}
            )
        )
        steps: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("billing", lambda: made_by.undo_billing(contract, None)),
            ("entitlement", lambda: made_by.revoke(contract)),
            ("booking", lambda: made_by.undo_booking(contract)),
            (
                "crm",
                lambda: made_by.withdraw(
                    contract, contract.customer_ref.native_id, contract.customer_key, WHY
                ),
            ),
        )
        self._saga.name_pivot("billing")
        for name, act in steps:
            await self._saga.run(Step(name=name, act=act, pivot=name == "billing"))

    async def _approval(self) -> None:
        self._saga.mark("setup", StepState.STUCK, "waiting for approval")
        decision = await self._desk.ask(
            "deal.approval",
            "setup",
            code="approval",
            summary="Approval needed: the contract is taken back before its start",
            evidence={"cancellation": WHY},
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
        )
        if decision.decision is not DecisionKind.APPROVE:
            raise SagaStopped("not approved")
        self._saga.mark("setup", StepState.DONE)

    async def _held(self, contract: Contract) -> ChangeResult:
        """Accepted, and carried out by the saga of cancellations once the contract has begun."""
        await workflow.execute_activity_method(
            ChangeHubActivities.record_held,
            RecordHeld(context=self._context, due_on=contract.start_date),
            summary=f"Record that the cancellation waits for {contract.start_date}",
            **STORE,
        )
        return ChangeResult(
            change_id=self._context.business_key,
            outcome=ChangeOutcome.SCHEDULED,
            contract_state=ContractState.SCHEDULED,
            due_at=midnight(contract.start_date),
        )

    async def _read(self) -> RescissionSetUp:
        return await workflow.execute_activity_method(
            RescissionActivities.read,
            ReadRescission(context=self._context),
            summary="Read what was set up",
            **STORE,
        )

    async def _ended(
        self, outcome: ChangeOutcome, state: ContractState, reason: str
    ) -> ChangeResult:
        await workflow.execute_activity_method(
            HubActivities.record_outcome,
            RecordOutcome(
                context=self._context,
                outcome=outcome,
                state=state,
                reason=reason,
                tell_customer_success=state is ContractState.NEVER_ACTIVATED,
            ),
            summary=f"Record: {reason}",
            **STORE,
        )
        return ChangeResult(
            change_id=self._context.business_key, outcome=outcome, contract_state=state
        )
