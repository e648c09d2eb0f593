"""InvoiceWriteOff: a person gives up what is open of an invoice.

    1  read the bill, check what is open, split it into expense and tax, get it approved
    2  the invoice is marked as uncollectible at the biller             PIVOT
    3  the ledger writes it off: expense and, where the law gives it back, tax

Before the pivot nothing is written anywhere. The customer is told nothing and the claim stands:
paid after all, WriteOffRecovery takes the write-off back.
"""

from __future__ import annotations

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
from dealthread.domain.money import Money
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeOutcome,
    SagaContext,
)
from dealthread.naming import BILLING_QUEUE, erp_task_queue, recovery_id
from dealthread.policies import POST_LEDGER, READ, STORE, WRITE
from dealthread.saga import Saga, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.invoice_order import InvoiceOrder
from workflows.wording import RECOVERY, WRITE_OFF, current_details


@workflow.defn(name="InvoiceWriteOff")
class InvoiceWriteOffWorkflow(InvoiceOrder[AssessedWriteOff]):
    """One invoice, given up."""

    steps = WRITE_OFF
    pivot = "mark"
    refused_as = "cannot be given up"
    asked_as = "Giving up"

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeOutcome:  # noqa: ARG002 - read by __init__
        return await self._carried_out(self._give_up())

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

    async def _look(self) -> AssessedWriteOff:
        return await workflow.execute_activity_method(
            WriteOffActivities.assess,
            AssessWriteOff(context=self._context),
            task_queue=BILLING_QUEUE,
            summary="Read the bill, split what is open",
            **READ,
        )

    def _at_risk(self, found: AssessedWriteOff) -> Money | None:
        return found.open

    async def _record(self, outcome: ChangeOutcome, reason: str = "") -> None:
        await workflow.execute_activity_method(
            WriteOffActivities.record,
            RecordWriteOff(context=self._context, outcome=outcome, reason=reason),
            task_queue=BILLING_QUEUE,
            summary=f"Ended: {outcome}",
            **STORE,
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
