"""RecognitionRun: what a legal entity's contracts owe of a month, posted to its ledger.

    1  work out what is owed and not posted yet; keep it as documents
    2  post each document: deferred revenue against revenue
    3  revenue of closed periods that is not small: the controller decides, then 1 and 2 again

The same workflow reverses what was posted, so that nothing else of the month runs beside it. A run
that is stopped takes back what it posted. Asked again, it posts only what has come since.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow

from activities.recognition import RecognitionActivities
from activities.recognition_inputs import (
    PlannedEntry,
    PlanRecognition,
    PostRecognition,
    RecognitionInput,
    RecognitionPlan,
    RecognitionResult,
    WithdrawRecognition,
)
from activities.recognition_posting import RecognitionPostingActivities
from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.naming import erp_task_queue, recognition_id, recognition_key
from dealthread.policies import COMPENSATE, POST_REVENUE, READ
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import RECOGNITION, current_details


@workflow.defn(name="RecognitionRun")
class RecognitionRunWorkflow(DecidedByPeople):
    """One month of one legal entity."""

    @workflow.init
    def __init__(self, order: RecognitionInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=recognition_id(order.seller, order.period),
            generation=1,
            contract_key=recognition_key(order.seller, order.period),
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
            actor=order.requested_by,
        )
        self._desk = CaseDesk(self._context, RECOGNITION, order.requested_by, self._tell)
        self._saga = Saga(RECOGNITION, self._desk, self._tell)
        self._posted: list[PlannedEntry] = []

    @workflow.run
    async def run(self, order: RecognitionInput) -> RecognitionResult:
        queue = erp_task_queue(order.erp, order.company)
        result = await (self._reverse(queue) if order.reverses else self._recognise(queue))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _recognise(self, queue: str) -> RecognitionResult:
        try:
            plan = await self._owed(queue, is_approved=False)
            if plan.refused:
                return RecognitionResult(
                    outcome="refused", refused=plan.refused, action=plan.action
                )
            if plan.waits_for_controller is not None and await self._let_in(plan):
                plan = await self._owed(queue, is_approved=True)
        except (SagaStopped, asyncio.CancelledError):
            await self._saga.compensate()
            return RecognitionResult(outcome="stopped")
        return RecognitionResult(
            outcome="completed",
            entries=tuple(self._posted),
            left_out=plan.left_out,
            left_out_count=plan.left_out_count,
        )

    async def _owed(self, queue: str, *, is_approved: bool) -> RecognitionPlan:
        """Plan and post."""
        order = self._order
        plan = await self._saga.run(
            Step(
                name="plan",
                act=lambda: workflow.execute_activity_method(
                    RecognitionActivities.plan,
                    PlanRecognition(
                        context=self._context,
                        seller=order.seller,
                        period=order.period,
                        is_approved=is_approved,
                    ),
                    task_queue=queue,
                    summary=f"What {order.seller} owes of {order.period:%Y-%m}",
                    **READ,
                ),
                undo=lambda: workflow.execute_activity_method(
                    RecognitionPostingActivities.withdraw,
                    WithdrawRecognition(
                        context=self._context, seller=order.seller, period=order.period
                    ),
                    task_queue=queue,
                    summary="What was planned and not sent counts no longer",
                    **COMPENSATE,
                ),
            )
        )
        for entry in plan.entries:
            await self._post(entry, queue)
        return plan

    async def _post(self, entry: PlannedEntry, queue: str) -> None:
        asked = PostRecognition(context=self._context, document_key=entry.document_key)
        await self._saga.run(
            Step(
                name="post",
                act=lambda: workflow.execute_activity_method(
                    RecognitionPostingActivities.post,
                    asked,
                    task_queue=queue,
                    summary=f"Post {entry.ledger_amount} on {entry.posting_date}",
                    **POST_REVENUE,
                ),
                undo=lambda: workflow.execute_activity_method(
                    RecognitionPostingActivities.reverse,
                    asked,
                    task_queue=queue,
                    summary=f"Take back {entry.ledger_amount} of {entry.posting_date}",
                    **COMPENSATE,
                ),
            )
        )
        self._posted.append(entry)

    async def _let_in(self, plan: RecognitionPlan) -> bool:
        """Whether the controller lets late revenue into this month."""
        waits = [one for one in plan.left_out if one.needs_controller]
        decision = await self._desk.ask(
            "revenue.late",
            "late",
            code="revenue_of_closed_period",
            summary=f"{self._order.seller}: {plan.waits_for_controller} of closed periods is not "
            f"recognised; approved, {self._order.period:%Y-%m} takes it",
            evidence={
                "contracts": ", ".join(sorted({one.contract_key for one in waits})[:20]),
                "months": ", ".join(sorted({f"{one.month:%Y-%m}" for one in waits})),
                "reason": waits[0].reason if waits else "",
            },
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
            at_risk=plan.waits_for_controller,
        )
        is_approved = decision.decision is DecisionKind.APPROVE
        self._saga.mark("late", StepState.DONE, "" if is_approved else "rejected")
        return is_approved

    async def _reverse(self, queue: str) -> RecognitionResult:
        """A ledger that refuses, as it does in a closed period, is a case; given up, what was not
        reversed stands."""
        try:
            await self._each_reversed(queue)
        except (SagaStopped, asyncio.CancelledError):
            return RecognitionResult(outcome="stopped")
        return RecognitionResult(outcome="reversed")

    async def _each_reversed(self, queue: str) -> None:
        order = self._order
        for key in order.reverses:
            await self._saga.run(
                Step(
                    name="reverse",
                    act=lambda key=key: workflow.execute_activity_method(  # type: ignore[misc]
                        RecognitionPostingActivities.reverse,
                        PostRecognition(
                            context=self._context, document_key=key, reason=order.reason
                        ),
                        task_queue=queue,
                        summary=f"Reverse {key}",
                        **POST_REVENUE,
                    ),
                )
            )

    def _tell(self) -> None:
        workflow.set_current_details(current_details(self._status(), None, ""))
