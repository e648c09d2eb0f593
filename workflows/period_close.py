"""PeriodClose: a legal entity's month is looked at, signed and closed.

    1  cut off       is the month over and open; from here on it has an attempt on record
    2  revenue       recognise the month, use that no bill has among it (a run of its own)
    3  check         the owners' figures must tie; what stands in the way is a case for accounting
    4  sign          another person than the one who began it signs what was found
    5  close         PIVOT: the ledger's period, if its books are still what was signed
    6  record        it is closed; what is posted into it from now on is refused by the ledger

Until 5 nothing needs to be undone: recognised revenue is right whether or not the month is closed.
What changes between 4 and 5 leads back to 2.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from activities.closing import ClosingActivities, ClosingHubActivities
from activities.closing_inputs import (
    CheckClose,
    CloseChecked,
    CloseInput,
    ClosePeriod,
    CloseResult,
    EndClose,
    OfClose,
    PeriodClosed,
    ReadProcessor,
    RevenueRun,
    SignClose,
)
from activities.closing_processor import ProcessorActivities
from activities.recognition_inputs import RecognitionInput
from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.naming import BILLING_QUEUE, close_id, close_key, erp_task_queue, recognition_id
from dealthread.policies import CLOSE_BOOKS, LOOK_AT_BOOKS, READ, STORE
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import CLOSE, current_details

with workflow.unsafe.imports_passed_through():
    # Only named here, to be started as a child: it runs in a sandbox of its own.
    from workflows.recognition_run import RecognitionRunWorkflow


@workflow.defn(name="PeriodClose")
class PeriodCloseWorkflow(DecidedByPeople):
    """One month of one legal entity."""

    @workflow.init
    def __init__(self, order: CloseInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=close_id(order.seller, order.period),
            generation=order.number,
            contract_key=close_key(order.seller, order.period),
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
            actor=order.requested_by,
        )
        self._queue = erp_task_queue(order.erp, order.company)
        self._desk = CaseDesk(self._context, CLOSE, order.requested_by, self._tell)
        self._saga = Saga(CLOSE, self._desk, self._tell)
        self._signed_by = ""
        self._reason = ""

    @workflow.run
    async def run(self, order: CloseInput) -> CloseResult:
        result = await self._to_its_end(order)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _to_its_end(self, order: CloseInput) -> CloseResult:
        try:
            refused = await self._cut_off(order)
            if refused.outcome:
                return refused
            while True:
                revenue = await self._recognise()
                found = await self._check(revenue)
                if found.in_the_way:
                    await self._put_right(found)
                    continue
                await self._sign(found)
                closed = await self._close(found, revenue)
                if not closed.is_changed:
                    break
        except (SagaStopped, asyncio.CancelledError):
            await self._saga.to_its_end(self._end("stopped", self._reason))
            return CloseResult(outcome="stopped")
        await self._saga.to_its_end(
            self._end("closed", "", str(closed.ref) if closed.ref else "", found.fingerprint)
        )
        self._saga.mark("record", StepState.DONE)
        return CloseResult(
            outcome="closed", signed_by=self._signed_by, fingerprint=found.fingerprint
        )

    # ------------------------------------------------------------ steps

    async def _cut_off(self, order: CloseInput) -> CloseResult:
        """Whether the month can be closed; if so, this attempt is on record."""
        answer = await self._saga.run(
            Step(
                name="cut_off",
                act=lambda: workflow.execute_activity_method(
                    ClosingActivities.may_begin,
                    OfClose(**self._of()),
                    task_queue=self._queue,
                    summary=f"Can {order.period:%Y-%m} be closed?",
                    **READ,
                ),
            )
        )
        if answer.refused:
            return CloseResult(outcome="refused", refused=answer.refused, action=answer.action)
        await workflow.execute_activity_method(
            ClosingHubActivities.begin,
            OfClose(**self._of()),
            summary=f"{order.requested_by} begins",
            **STORE,
        )
        return CloseResult(outcome="")

    async def _recognise(self) -> RevenueRun:
        """A run of its own, as accounting starts it by hand; again it posts what has come since."""
        order = self._order
        self._saga.raise_if_cancelled()
        self._saga.mark("revenue", StepState.RUNNING)
        try:
            run = await workflow.execute_child_workflow(
                RecognitionRunWorkflow.run,
                RecognitionInput(
                    seller=order.seller,
                    period=order.period,
                    erp=order.erp,
                    company=order.company,
                    requested_by=order.requested_by,
                    tenant=order.tenant,
                    business_offset_seconds=order.business_offset_seconds,
                ),
                id=recognition_id(order.seller, order.period),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                # It takes back what it posted by itself, as long as that takes.
                cancellation_type=workflow.ChildWorkflowCancellationType.TRY_CANCEL,
                static_summary=f"Revenue of {order.seller}, {order.period:%Y-%m}",
            )
        except WorkflowAlreadyStartedError:
            self._saga.mark("revenue", StepState.STUCK, "elsewhere")
            return RevenueRun(outcome="elsewhere", refused="another run of the month is under way")
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise asyncio.CancelledError from None
            raise
        is_done = run.outcome == "completed"
        self._saga.mark("revenue", StepState.DONE if is_done else StepState.STUCK, run.refused)
        return RevenueRun(
            outcome=run.outcome,
            refused=run.refused,
            left_out=tuple(
                f"{one.contract_key} {one.month:%Y-%m}: {one.amount}, {one.reason}"
                for one in run.left_out
            ),
        )

    async def _processor(self) -> ReadProcessor | None:
        """What the processor says of its balance and its payouts."""
        if not workflow.patched("close-processor-202611"):
            return None
        return await workflow.execute_activity_method(
            ProcessorActivities.read,
            OfClose(**self._of()),
            task_queue=BILLING_QUEUE,
            summary=f"The processor's balance after {self._order.period:%Y-%m}",
            **LOOK_AT_BOOKS,
        )

    async def _check(self, revenue: RevenueRun) -> CloseChecked:
        order = self._order

        async def look() -> CloseChecked:
            processor = await self._processor()
            return await workflow.execute_activity_method(
                ClosingActivities.check,
                CheckClose(
                    **self._of(),
                    erp=order.erp,
                    company=order.company,
                    revenue=revenue,
                    processor=processor,
                ),
                task_queue=self._queue,
                summary=f"Do the books of {order.period:%Y-%m} tie?",
                **LOOK_AT_BOOKS,
            )

        return await self._saga.run(Step(name="check", act=look))

    async def _put_right(self, found: CloseChecked) -> None:
        """Wait until a person has put right what stands in the way; then all is looked at anew."""
        stands = found.in_the_way
        self._saga.mark("check", StepState.STUCK, f"{len(stands)} open")
        decision = await self._desk.ask(
            "close.not_ready",
            "check",
            code="close_not_ready",
            summary=f"{self._order.seller} {self._order.period:%Y-%m} cannot be closed: "
            + "; ".join(one.title for one in stands[:5]),
            evidence={one.name: " | ".join(one.lines[:5])[:500] for one in stands[:20]},
            allowed=(DecisionKind.RETRY, DecisionKind.ABORT),
        )
        if decision.decision is DecisionKind.ABORT:
            self._reason = decision.reason
            raise SagaStopped("check")

    async def _sign(self, found: CloseChecked) -> None:
        """Another person than the one who began it; the store refuses the same one."""
        self._saga.mark("sign", StepState.RUNNING)
        seen = [one for one in found.items if one.state in ("noted", "not_checked")]
        decision = await self._desk.ask(
            "close.sign_off",
            "sign",
            code="close_waits_for_signature",
            summary=f"{self._order.seller} {self._order.period:%Y-%m} ties and waits for a "
            f"signature: dealthread close {self._order.seller} {self._order.period:%Y-%m}",
            evidence={
                "fingerprint": found.fingerprint,
                **{one.name: f"{one.state}, {one.count}" for one in seen},
            },
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
        )
        self._reason = decision.reason
        if decision.decision is not DecisionKind.APPROVE:
            raise SagaStopped("sign")
        self._signed_by = decision.actor
        await workflow.execute_activity_method(
            ClosingHubActivities.sign,
            SignClose(
                **self._of(),
                fingerprint=found.fingerprint,
                actor=decision.actor,
                reason=decision.reason,
            ),
            summary=f"{decision.actor} signs",
            **STORE,
        )
        self._saga.mark("sign", StepState.DONE, decision.actor)

    async def _close(self, found: CloseChecked, revenue: RevenueRun) -> PeriodClosed:
        order = self._order

        async def close() -> PeriodClosed:
            processor = await self._processor()
            return await workflow.execute_activity_method(
                ClosingActivities.close,
                ClosePeriod(
                    **self._of(),
                    erp=order.erp,
                    company=order.company,
                    fingerprint=found.fingerprint,
                    revenue=revenue,
                    processor=processor,
                ),
                task_queue=self._queue,
                summary=f"Close {order.period:%Y-%m} in the ledger",
                **CLOSE_BOOKS,
            )

        closed = await self._saga.run(Step(name="close", act=close, pivot=True))
        if closed.is_changed:
            # Nothing was closed: the pivot is still ahead.
            self._saga.pivot_crossed = False
            self._saga.mark("close", StepState.PENDING, "the books are not what was signed")
        return closed

    # ------------------------------------------------------------ parts

    async def _end(
        self, state: str, reason: str, ledger_period: str = "", fingerprint: str = ""
    ) -> None:
        await workflow.execute_activity_method(
            ClosingHubActivities.end,
            EndClose(
                **self._of(),
                state=state,
                reason=reason,
                ledger_period=ledger_period,
                fingerprint=fingerprint,
            ),
            summary=f"The attempt ended: {state}",
            **STORE,
        )

    def _of(self) -> dict[str, object]:
        order = self._order
        return {
            "context": self._context,
            "seller": order.seller,
            "period": order.period,
            "number": order.number,
        }

    def _tell(self) -> None:
        workflow.set_current_details(current_details(self._status(), None, ""))
