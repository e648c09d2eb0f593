"""Activation: a contract that was set up ahead starts today. Only forward.

1  confirm the ERP booking, held as a draft until now
2  tell the CRM that the contract is active; customer success hears the event
3  look at the service: its first day has come by its own date; subscribers hear of it
"""

from __future__ import annotations

from temporalio import workflow

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Agreement
from dealthread.domain.service_status import ServiceAct
from dealthread.domain.transaction import (
    ChangeOutcome,
    ChangeResult,
    QuoteToCashInput,
    context_of,
)
from dealthread.saga import Saga, Step
from workflows.business_time import midnight
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.steps import Steps

TITLES = {
    "setup": "Read what was set up",
    "release": "Release the first invoice",
    "confirm": "Confirm the ERP booking",
    "crm": "Tell the CRM that the contract is active",
    "service": "Tell what the customer receives",
}

SERVICE_TOLD = "activation-service-told-202611"
"""Patch: the first day of a service is told; before, nobody looked."""


@workflow.defn(name="Activation")
class ActivationWorkflow(DecidedByPeople):
    """The start date of one contract."""

    @workflow.init
    def __init__(self, order: QuoteToCashInput) -> None:
        request = order.request
        self._context = context_of(order, actor="calendar")
        self._steps = Steps(self._context)
        self._desk = CaseDesk(self._context, TITLES, request.requested_by, lambda: None)
        self._saga = Saga(TITLES, self._desk)
        # The start date itself was the pivot.
        self._saga.pivot_crossed = True

    @workflow.run
    async def run(self, order: QuoteToCashInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        setup = await self._saga.run(Step(name="setup", act=self._steps.read_setup))
        contract, booking = setup.contract, setup.booking
        self._desk.contract = contract
        self._desk.customer_key = contract.customer_key
        if contract.release_policy == "review" and setup.agreement is not None:
            await self._release(contract, setup.agreement)
        if booking is not None:
            draft = booking
            booking = await self._saga.run(
                Step(name="confirm", act=lambda: self._steps.confirm_booking(contract, draft))
            )
        record = await self._saga.run(
            Step(
                name="crm",
                act=lambda: self._steps.write_back(
                    contract,
                    ContractState.ACTIVE,
                    ChangeOutcome.COMPLETED,
                    setup.agreement,
                    booking,
                    setup.entitlement,
                ),
            )
        )
        if workflow.patched(SERVICE_TOLD):
            await self._tell_service(contract)
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return ChangeResult(
            change_id=self._context.business_key,
            outcome=ChangeOutcome.COMPLETED,
            contract_state=ContractState.ACTIVE,
            start_at=midnight(contract.start_date),
            end_at=midnight(contract.end_date) if contract.end_date else None,
            auto_renew=contract.auto_renew,
            renewal=contract.renewal,
            term_no=contract.term_no,
            refs=(record.ref,),
            residue=tuple(self._saga.residue),
        )

    async def _tell_service(self, contract: Contract) -> None:
        await self._saga.tell(
            "service",
            lambda: self._steps.tell_service(contract, ServiceAct.FIRST_DAY, contract.start_date),
            "first day not told",
            waits=lambda: False,
        )

    async def _release(self, contract: Contract, agreement: Agreement) -> None:
        await self._saga.run(
            Step(
                name="release",
                act=lambda: self._steps.release_invoice(contract, agreement, None),
            )
        )
