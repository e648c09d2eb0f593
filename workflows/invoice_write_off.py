"""InvoiceWriteOff: a person gives up what is open of an invoice.

    1  read the bill, check what is open, split it into expense and tax, get it approved
    2  the invoice is marked as uncollectible at the biller             PIVOT
    3  the ledger writes it off: expense and, where the law gives it back, tax

Before the pivot nothing is written anywhere. The customer is told nothing and the claim stands:
paid after all, WriteOffRecovery takes the write-off back.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow

from activities.write_off import WriteOffActivities, WriteOffPostingActivities
from activities.write_off_inputs import (
    AssessedWriteOff,
    AssessWriteOff,
    GiveUp,
    RecordWriteOff,
    RecoveredClaim,
    RecoveryInput,
    ReverseWriteOff,
)
from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    SagaContext,
    StepState,
    context_of,
)
from dealthread.naming import BILLING_QUEUE, erp_task_queue, recovery_id
from dealthread.policies import POST_LEDGER, READ, STORE, WRITE
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import RECOVERY, WRITE_OFF, current_details


@workflow.defn(name="InvoiceWriteOff")
class InvoiceWriteOffWorkflow(DecidedByPeople):
    """One invoice, given up."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        self._context = context_of(order)
        requested_by = order.request.requested_by
        self._desk = CaseDesk(self._context, WRITE_OFF, requested_by, self._tell)
        self._saga = Saga(WRITE_OFF, self._desk, self._tell)
        self._saga.name_pivot("mark")

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeOutcome:  # noqa: ARG002 - read by __init__
        outcome = ChangeOutcome.COMPLETED
        try:
            await self._give_up()
        except SagaStopped as stop:
            outcome = ChangeOutcome.COMPENSATED
            await self._saga.to_its_end(self._record(outcome, str(stop)))
        except asyncio.CancelledError:
            await self._saga.to_its_end(self._record(ChangeOutcome.CANCELLED, "cancelled"))
            raise
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return outcome

    async def _give_up(self) -> None:
        found = await self._assessed()
        command, contract = found.command, found.contract
        assert command is not None and contract is not None  # noqa: S101, PT018 - nothing is against it
        given_up = GiveUp(
            context=self._context,
            billing_account=found.billing_account,
            invoice_id=found.invoice_id,
            erp=contract.erp,
            command=command,
        )
        await self._saga.run(
            Step(
                name="mark",
                act=lambda: workflow.execute_activity_method(
                    WriteOffActivities.mark,
                    given_up,
                    task_queue=BILLING_QUEUE,
                    summary=f"{found.invoice_number} is uncollectible",
                    **WRITE,
                ),
                pivot=True,
            )
        )
        await self._saga.run(
            Step(
                name="ledger",
                act=lambda: workflow.execute_activity_method(
                    WriteOffPostingActivities.post,
                    given_up,
                    task_queue=erp_task_queue(contract.erp, contract.erp_company),
                    summary=f"Write off {command.gross} of {found.invoice_number}",
                    **POST_LEDGER,
                ),
            )
        )
        await self._saga.to_its_end(self._record(ChangeOutcome.COMPLETED))

    async def _assessed(self) -> AssessedWriteOff:
        """Check and get approved, until it may be given up or is stopped."""
        approved = ""
        while True:
            found = await self._assess()
            if found.refusals:
                await self._refused(found)
            elif found.approvals and approved != found.content_hash:
                # After an approval all is looked at again: it may have been paid meanwhile.
                approved = await self._approval(found)
            else:
                self._saga.mark("assess", StepState.DONE)
                return found

    async def _assess(self) -> AssessedWriteOff:
        found = await self._saga.run(
            Step(
                name="assess",
                act=lambda: workflow.execute_activity_method(
                    WriteOffActivities.assess,
                    AssessWriteOff(context=self._context),
                    task_queue=BILLING_QUEUE,
                    summary="Read the bill, split what is open",
                    **READ,
                ),
            )
        )
        self._desk.contract = found.contract
        if found.contract is not None:
            self._desk.customer_key = found.contract.customer_key
        return found

    async def _refused(self, found: AssessedWriteOff) -> None:
        first = found.refusals[0]
        self._saga.mark("assess", StepState.STUCK, first.code)
        decision = await self._desk.ask(
            "billing.rejected",
            "assess",
            code=first.code,
            summary=f"{found.invoice_number or 'The invoice'} cannot be given up: {first.action}",
            evidence={one.field: f"{one.code}: {one.action}" for one in found.refusals},
            allowed=(DecisionKind.RETRY, DecisionKind.ABORT),
        )
        if decision.decision is DecisionKind.ABORT:
            raise SagaStopped("assess")

    async def _approval(self, found: AssessedWriteOff) -> str:
        self._saga.mark("assess", StepState.STUCK, "waiting for approval")
        decision = await self._desk.ask(
            "deal.approval",
            "assess",
            code="approval",
            summary=f"Giving up {found.invoice_number} needs approval: "
            + "; ".join(reason.detail for reason in found.approvals),
            evidence={reason.rule: reason.detail for reason in found.approvals},
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
            at_risk=found.open,
        )
        if decision.decision is not DecisionKind.APPROVE:
            raise SagaStopped("assess")
        return found.content_hash

    async def _record(self, outcome: ChangeOutcome, reason: str = "") -> None:
        await workflow.execute_activity_method(
            WriteOffActivities.record,
            RecordWriteOff(context=self._context, outcome=outcome, reason=reason),
            task_queue=BILLING_QUEUE,
            summary=f"Ended: {outcome}",
            **STORE,
        )

    def _tell(self) -> None:
        workflow.set_current_details(
            current_details(self._status(), self._desk.contract, self._desk.customer_name)
        )


@workflow.defn(name="WriteOffRecovery")
class WriteOffRecoveryWorkflow(DecidedByPeople):
    """An invoice that was written off, and is paid after all: the write-off is reversed, so that
    the payment settles the receivable. A part of it paid is a person's."""

    @workflow.init
    def __init__(self, order: RecoveryInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=recovery_id(order.billing_account, order.invoice_id),
            generation=1,
            contract_key="",
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
        )
        self._desk = CaseDesk(self._context, RECOVERY, "biller", self._tell)
        self._saga = Saga(RECOVERY, self._desk, self._tell)
        self._saga.pivot_crossed = True

    @workflow.run
    async def run(self, order: RecoveryInput) -> str:
        found = await self._saga.run(
            Step(
                name="read",
                act=lambda: workflow.execute_activity_method(
                    WriteOffActivities.paid_after_all,
                    order,
                    task_queue=BILLING_QUEUE,
                    summary="Read the invoice back from the biller",
                    **READ,
                ),
            )
        )
        if found.reversal is not None:
            await self._reverse(found, found.reversal.company)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return "recovered" if found.reversal is not None else "not_paid"

    async def _reverse(self, found: RecoveredClaim, company: str) -> None:
        reversal = found.reversal
        assert reversal is not None  # noqa: S101 - asked before
        self._context = self._context.model_copy(
            update={
                "contract_key": found.contract_key,
                "org": found.org,
                "deal_id": found.deal_id,
            }
        )
        self._desk.move_to(self._context, found.customer_key)
        await self._saga.run(
            Step(
                name="ledger",
                act=lambda: workflow.execute_activity_method(
                    WriteOffPostingActivities.reverse,
                    ReverseWriteOff(context=self._context, erp=found.erp, reversal=reversal),
                    task_queue=erp_task_queue(found.erp, company),
                    summary=reversal.reason,
                    **POST_LEDGER,
                ),
            )
        )

    def _tell(self) -> None:
        workflow.set_current_details(current_details(self._status(), None, ""))
