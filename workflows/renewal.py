"""Renewal: what follows the present term. Accepted, declined, or automatic after the notice period.

    1  read the order, price the next term, preview it at the biller; an automatic one needs proof
       of the notice that the law asks for, and a person where customer success sees a risk
    2  booking of the next term, as a draft in the ERP
    3  agreement at the biller: the next term follows the present one        PIVOT
    4  entitlement
    5  confirm the booking
    6  the CRM; the new term as a version; customer success hears the event

A refusal changes no agreement: it ends with its term by itself. The CRM is told.
"""

from __future__ import annotations

from temporalio import workflow

from dealthread.domain.contract import ContractState
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeInput, ChangeResult
from workflows.change_run import ContractChange
from workflows.wording import RENEWAL


@workflow.defn(name="Renewal")
class RenewalWorkflow(ContractChange):
    """One renewal of one contract."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        super().__init__(order, RENEWAL)

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        return await self._change.to_its_end(self._renew())

    async def _renew(self) -> ChangeResult:
        run = self._change
        change = await run.assessed()
        if change.declined:
            return await run.record(
                change, state=ContractState.ACTIVE, event=EventType.RENEWAL_DECLINED
            )
        draft = await run.draft(change)
        billed = await run.bill(change)
        entitlement = await run.entitle(change)
        booking = await run.confirm(change, draft)
        return await run.record(
            change,
            state=ContractState.ACTIVE,
            event=EventType.CONTRACT_RENEWED,
            billed=billed,
            booking=booking,
            entitlement=entitlement,
            forecast_renewal=True,
        )
