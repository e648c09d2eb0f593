"""TermEnd: the term of a contract is over and nothing follows. Only forward.

1  read the contract
2  the CRM shows the end; the contract is ended in our store; subscribers hear of it
3  look at the service: its rights have run out by their own date; subscribers hear of it
"""

from __future__ import annotations

from temporalio import workflow

from activities.change_inputs import RecordTermEnd
from activities.crm_change import CrmChangeActivities
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.service_status import ServiceAct
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    ChangeResult,
    context_of,
)
from dealthread.naming import CRM_QUEUE
from dealthread.policies import LAST_LOOK, READ, WRITE
from dealthread.saga import Saga, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.steps import Steps
from workflows.wording import TERM_END

SERVICE_TOLD = "term-end-service-told-202611"
"""Patch: the end of a service is told; before, nobody looked."""
SERVICE_AWAITED = "term-end-service-awaited-202611"
"""Patch: a service that is away on the last day is waited for, by a person at last; before, it was
given up after a quarter of an hour."""


@workflow.defn(name="TermEnd")
class TermEndWorkflow(DecidedByPeople):
    """The end of one term of one contract."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        request = order.request
        self._context = context_of(order)
        self._desk = CaseDesk(self._context, TERM_END, request.requested_by, lambda: None)
        self._saga = Saga(TERM_END, self._desk)
        # The end of the term itself was the pivot.
        self._saga.pivot_crossed = True

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        setup = await self._saga.run(Step(name="setup", act=Steps(self._context).read_setup))
        self._desk.contract = setup.contract
        self._desk.customer_key = setup.contract.customer_key
        record = await self._saga.run(
            Step(
                name="crm",
                act=lambda: workflow.execute_activity_method(
                    CrmChangeActivities.term_ended,
                    RecordTermEnd(context=self._context),
                    task_queue=CRM_QUEUE,
                    summary="Tell the CRM that the term is over",
                    **WRITE,
                ),
            )
        )
        if workflow.patched(SERVICE_TOLD):
            await self._tell_service(setup.contract)
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return ChangeResult(
            change_id=self._context.business_key,
            outcome=ChangeOutcome.COMPLETED,
            contract_state=ContractState.ENDED,
            refs=(record.ref,),
            residue=tuple(self._saga.residue),
        )

    async def _tell_service(self, contract: Contract) -> None:
        """No act comes after it that would look again; the contract has ended by now, and nothing
        is queued behind."""
        last = contract.end_date
        if last is None:
            return
        awaited = workflow.patched(SERVICE_AWAITED)
        timing = LAST_LOOK if awaited else READ
        await self._saga.tell(
            "service",
            lambda: Steps(self._context).tell_service(contract, ServiceAct.TERM_OVER, last, timing),
            "end not told",
            waits=lambda: awaited,
        )
