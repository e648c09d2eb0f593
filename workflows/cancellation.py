"""Cancellation: a running contract ends before its term, or is not continued after it.

    1  read the order, compute what is given back, preview it, get it approved
    2  what the booking loses, as a draft in the ERP
    3  agreement at the biller: ended, unused time credited                 PIVOT
    4  entitlement: ends at the agreed instant
    5  confirm what the booking loses
    6  the CRM; the revenue schedule is closed; customer success hears the event

A withdrawal takes a cancellation or a change back that has not taken effect: the same steps, with
the version before it as what shall be.
"""

from __future__ import annotations

from temporalio import workflow

from activities.change_inputs import AssessedChange
from dealthread.domain.contract import ContractState
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeInput, ChangeKind, ChangeResult
from workflows.business_time import business_today
from workflows.change_run import ContractChange
from workflows.wording import CANCELLATION


@workflow.defn(name="Cancellation")
class CancellationWorkflow(ContractChange):
    """One cancellation, or the withdrawal of a change, of one contract."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        super().__init__(order, CANCELLATION)

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        return await self._change.to_its_end(self._cancel())

    async def _cancel(self) -> ChangeResult:
        run = self._change
        change = await run.assessed()
        if run.is_held(change):
            return await run.hold(change)
        draft = await run.draft(change)
        billed = await run.bill(change)
        entitlement = await run.entitle(change)
        booking = await run.confirm(change, draft)
        withdraws = run.order.request.kind is ChangeKind.WITHDRAWAL
        return await run.record(
            change,
            state=self._state_after(change),
            event=EventType.CONTRACT_CHANGE_WITHDRAWN
            if withdraws
            else EventType.CONTRACT_CANCELLED,
            billed=billed,
            booking=booking,
            entitlement=entitlement,
        )

    def _state_after(self, change: AssessedChange) -> ContractState:
        """Ended, where its last day is over; until then it is served."""
        end = change.contract.end_date if change.contract is not None else None
        today = business_today(self._change.context.business_offset_seconds)
        return ContractState.ENDED if end is not None and end <= today else ContractState.ACTIVE
