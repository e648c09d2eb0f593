"""TaxRate: a tax rate that changes while a contract runs reaches what is billed from then on.

1  work out which rates the contract is billed at from the day on
2  the agreement at the biller bears them    PIVOT

Nothing is charged or credited for it; what was billed before keeps its rate.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow

from activities.billing_change import BillingChangeActivities
from activities.change_inputs import BillChange
from activities.hub import HubActivities
from activities.inputs import RecordOutcome
from activities.tax_rates import LookAtRates, NewRates, TaxRateActivities
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    ChangeResult,
    StepState,
    context_of,
)
from dealthread.naming import BILLING_QUEUE
from dealthread.policies import READ, STORE, WRITE
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import TAX_RATE


@workflow.defn(name="TaxRate")
class TaxRateWorkflow(DecidedByPeople):
    """One day's new rates for one contract."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        self._context = context_of(order)
        requested_by = order.request.requested_by
        self._desk = CaseDesk(self._context, TAX_RATE, requested_by, lambda: None)
        self._saga = Saga(TAX_RATE, self._desk)
        self._saga.name_pivot("billing")
        self._state = ContractState.ACTIVE

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        outcome, reason = ChangeOutcome.COMPLETED, ""
        try:
            reason = await self._carry_out()
        except SagaStopped as stop:
            outcome, reason = ChangeOutcome.COMPENSATED, str(stop)
        except asyncio.CancelledError:
            await self._saga.to_its_end(self._record(ChangeOutcome.CANCELLED, "cancelled"))
            raise
        await self._saga.to_its_end(self._record(outcome, reason))
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return ChangeResult(
            change_id=self._context.business_key, outcome=outcome, contract_state=self._state
        )

    async def _carry_out(self) -> str:
        found = await self._saga.run(Step(name="rates", act=self._look))
        self._state = found.state
        self._desk.contract = found.contract
        self._desk.customer_key = found.contract.customer_key
        change = found.change
        if change is None:
            self._saga.mark("billing", StepState.SKIPPED, "billed at these rates already")
            return "billed at these rates already"
        await self._saga.run(
            Step(
                name="billing",
                act=lambda: workflow.execute_activity_method(
                    BillingChangeActivities.change,
                    BillChange(context=self._context, change=change),
                    task_queue=BILLING_QUEUE,
                    summary=f"Bill {', '.join(found.rates)}",
                    **WRITE,
                ),
            )
        )
        return ", ".join(found.rates)

    async def _look(self) -> NewRates:
        return await workflow.execute_activity_method(
            TaxRateActivities.rates_of_day,
            LookAtRates(context=self._context),
            task_queue=BILLING_QUEUE,
            summary="Which rates the contract is billed at from the day on",
            **READ,
        )

    async def _record(self, outcome: ChangeOutcome, reason: str) -> None:
        await workflow.execute_activity_method(
            HubActivities.record_outcome,
            RecordOutcome(context=self._context, outcome=outcome, state=self._state, reason=reason),
            summary=f"Record: {outcome}",
            **STORE,
        )
