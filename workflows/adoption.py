"""Adoption: a book that was in force before us.

AdoptionProposal reads every system and keeps a plan. AdoptionRun carries out an approved one: it
holds the plan against the systems once more and writes the contracts. Adoption is then the first
run of each contract:

    1  our references on the subscription, its items and its customer
    2  our references on the ledger's customer and on what it owes
    3  the CRM shows the contract; it is active

Only forward: the approval was the pivot, and no step makes or changes a document that is money.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from activities.adoption import (
    AdoptionActivities,
    TakeOverActivities,
    TakeOverLedgerActivities,
)
from activities.adoption_inputs import (
    AdoptionApproval,
    AdoptionProposed,
    AdoptionRequest,
    AdoptionResult,
    TakeOver,
    WriteAdopted,
)
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import (
    ChangeOutcome,
    ChangeResult,
    QuoteToCashInput,
    context_of,
)
from dealthread.naming import BILLING_QUEUE, CRM_QUEUE, erp_task_queue
from dealthread.policies import POST_LEDGER, STORE, WRITE, Timing, patient
from dealthread.saga import Saga, Step
from workflows.business_time import midnight
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.steps import Steps
from workflows.wording import ADOPTION

BEATS = timedelta(minutes=2)
"""A worker that reads a book and is not heard of for so long is dead."""
READ_BOOK = Timing(
    # A company's whole book: one call for each deal, a page for a hundred of anything else.
    start_to_close_timeout=timedelta(hours=2),
    schedule_to_close_timeout=timedelta(hours=6),
    retry_policy=patient(timedelta(minutes=15)),
)


@workflow.defn(name="AdoptionProposal")
class AdoptionProposalWorkflow:
    """What would be adopted of a company. Writes nothing but the plan."""

    @workflow.run
    async def run(self, ask: AdoptionRequest) -> AdoptionProposed:
        return await workflow.execute_activity_method(
            AdoptionActivities.propose,
            ask,
            task_queue=BILLING_QUEUE,
            summary=f"Read the book of {ask.seller}",
            heartbeat_timeout=BEATS,
            **READ_BOOK,
        )


@workflow.defn(name="AdoptionRun")
class AdoptionRunWorkflow:
    """One approved plan."""

    @workflow.run
    async def run(self, ask: AdoptionApproval) -> AdoptionResult:
        begun = await workflow.execute_activity_method(
            AdoptionActivities.approve,
            ask,
            task_queue=BILLING_QUEUE,
            summary="Hold the plan against the systems",
            heartbeat_timeout=BEATS,
            **READ_BOOK,
        )
        if begun.refused:
            return begun
        written = begun.written
        while True:
            made = await workflow.execute_activity_method(
                AdoptionActivities.write,
                WriteAdopted(plan_id=ask.plan_id),
                task_queue=BILLING_QUEUE,
                summary="Write contracts, schedules, cross-references",
                **STORE,
            )
            if not made.written:
                return AdoptionResult(plan_id=ask.plan_id, written=written)
            written += made.written


@workflow.defn(name="Adoption")
class AdoptionWorkflow(DecidedByPeople):
    """The first run of one adopted contract."""

    @workflow.init
    def __init__(self, order: QuoteToCashInput) -> None:
        request = order.request
        self._context = context_of(order, actor=request.requested_by)
        self._desk = CaseDesk(self._context, ADOPTION, request.requested_by, lambda: None)
        self._saga = Saga(ADOPTION, self._desk)
        # The approval of the plan was the pivot.
        self._saga.pivot_crossed = True

    @workflow.run
    async def run(self, order: QuoteToCashInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        setup = await self._saga.run(Step(name="setup", act=Steps(self._context).read_setup))
        contract = setup.contract
        self._desk.contract = contract
        self._desk.customer_key = contract.customer_key
        take_over = TakeOver(context=self._context, erp=contract.erp, company=contract.erp_company)
        agreement = await self._saga.run(
            Step(
                name="billing",
                act=lambda: workflow.execute_activity_method(
                    TakeOverActivities.agreement,
                    take_over,
                    task_queue=BILLING_QUEUE,
                    summary="Our references on the subscription",
                    **WRITE,
                ),
            )
        )
        customer = await self._saga.run(
            Step(
                name="ledger",
                act=lambda: workflow.execute_activity_method(
                    TakeOverLedgerActivities.customer,
                    take_over,
                    task_queue=erp_task_queue(contract.erp, contract.erp_company),
                    summary="Our references on the ledger's customer",
                    **POST_LEDGER,
                ),
            )
        )
        record = await self._saga.run(
            Step(
                name="crm",
                act=lambda: workflow.execute_activity_method(
                    TakeOverActivities.show,
                    take_over,
                    task_queue=CRM_QUEUE,
                    summary="The CRM shows the contract",
                    **WRITE,
                ),
            )
        )
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
            refs=(agreement.ref, customer.ref, record.ref),
        )
