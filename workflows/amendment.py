"""Amendment: a running contract gets other lines or terms.

    1  read the order, validate, preview at the biller, get it approved
    2  contracts of other legal entities that join, where there are any
    3  adjustment of the booking, as a draft in the ERP
    4  agreement at the biller: one invoice or one set of credit memos      PIVOT
    5  entitlement
    6  confirm the adjustment
    7  the CRM; the new version with its revenue schedule; customer success hears the event

A change for a day within a billing period to come is accepted now and carried out on that day.
"""

from __future__ import annotations

from temporalio import workflow

from dealthread.domain.contract import ContractState
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeInput, ChangeResult
from workflows.change_run import ContractChange
from workflows.wording import AMENDMENT


@workflow.defn(name="Amendment")
class AmendmentWorkflow(ContractChange):
    """One amendment of one contract."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        super().__init__(order, AMENDMENT)

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        return await self._change.to_its_end(self._amend())

    async def _amend(self) -> ChangeResult:
        run = self._change
        change = await run.assessed()
        if run.is_held(change):
            return await run.hold(change)
        await run.join_regional(change)
        draft = await run.draft(change)
        billed = await run.bill(change)
        entitlement = await run.entitle(change)
        booking = await run.confirm(change, draft)
        return await run.record(
            change,
            state=ContractState.ACTIVE,
            event=EventType.CONTRACT_AMENDED,
            billed=billed,
            booking=booking,
            entitlement=entitlement,
            forecast_renewal=True,
        )
