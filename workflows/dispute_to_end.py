"""DisputeToEnd: one payment that its payer's bank takes back, until won, lost or closed.

    1  read the dispute back from the biller, with the invoices that it is about
    2  post what was taken; hold the pursuit of each; tell customer success and the CRM
    3  a person decides, before the bank's last day, whether evidence is given
    4  won: post what came back. Lost: open the receivables again, by what was lost of each, or book
       the loss, by policy
    5  claims that are open again: a person decides what becomes of them

News may come in any order and again: the biller is asked how it stands. What is posted stands.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.dispute import (
    DISPUTED,
    EVIDENCE,
    DisputeActivities,
    DisputePostingActivities,
    DisputeTellingActivities,
)
from activities.dispute_documents import CASE
from activities.dispute_inputs import (
    DisputeInput,
    DisputeToPost,
    PostDispute,
    ReadDispute,
    TellDispute,
)
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.dispute import DisputeStatus
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.failure import problem_of
from dealthread.naming import (
    BILLING_QUEUE,
    CRM_QUEUE,
    dispute_id,
    dispute_key,
    erp_task_queue,
)
from dealthread.policies import POST_LEDGER, READ, WRITE
from dealthread.saga import Saga, SagaStopped, Step
from workflows.business_time import business_now, business_today
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.dispute_hold import PursuitHold
from workflows.dispute_receivable import Receivable
from workflows.single_posting import post_by_itself
from workflows.wording import DISPUTE, current_details

LOOK_AGAIN = timedelta(days=1)
"""How often the biller is asked while a bank thinks: no event is needed for its end."""
BEFORE_THE_LAST_DAY = timedelta(days=3)
"""A decision is wanted so long before the bank's last day: evidence has to be put together."""
AT_LEAST = timedelta(hours=1)
LEFT_TO_PEOPLE = "left_to_people"
STAYS_WITH_PEOPLE = "dispute-to-end-stays-with-people-202611"
"""Patch: what a person books by hand is taken up by no later run."""


@workflow.defn(name="DisputeToEnd")
class DisputeToEndWorkflow(DecidedByPeople):
    """One dispute of one billing account."""

    @workflow.init
    def __init__(self, order: DisputeInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=dispute_id(order.billing_account, order.dispute_id),
            generation=1,
            contract_key=dispute_key(order.billing_account, order.dispute_id),
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
        )
        self._desk = CaseDesk(self._context, DISPUTE, "biller", self._tell)
        self._saga = Saga(DISPUTE, self._desk, self._tell)
        self._hold = PursuitHold(order)
        self._receivable = Receivable(self._saga)
        self._told: DisputeToPost | None = None
        self._news = 1
        self._seen = 0
        """News that it was last read after."""
        self._posted: set[str] = set()
        self._decided = ""

    @workflow.run
    async def run(self, order: DisputeInput) -> str:  # noqa: ARG002 - read by __init__
        try:
            return await self._followed()
        except (SagaStopped, asyncio.CancelledError):
            # A person books the rest by hand: what is posted stands, and a pursuit goes on.
            if self._told is not None:
                for one in self._told.each():
                    await self._saga.to_its_end(self._hold.lift(one))
            return LEFT_TO_PEOPLE

    async def _followed(self) -> str:
        if workflow.patched(STAYS_WITH_PEOPLE) and await self._desk.was_left_to_people():
            # Whoever books by hand is not to find what a later message posted beside.
            return LEFT_TO_PEOPLE
        told = await self._read()
        await self._opened(told)
        if told.dispute.status is DisputeStatus.OPEN:
            told = await self._to_its_end(told)
        await self._over(told)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return told.dispute.status

    # ------------------------------------------------------------ while it is open

    async def _opened(self, told: DisputeToPost) -> None:
        await self._post("opened", told, told.opened)
        for one in told.each():
            if one.bill is not None:
                await post_by_itself(self._context, one.bill)
            await self._hold.set(one)
            await self._say(one, DISPUTED)

    async def _to_its_end(self, told: DisputeToPost) -> DisputeToPost:
        """Until the bank has decided, beside the person who decides about evidence."""
        while told.dispute.status is DisputeStatus.OPEN:
            case = None if self._decided else asyncio.ensure_future(self._evidence(told))
            try:
                await self._changed()
            except asyncio.CancelledError:
                # Not "finally": when a worker drops a waiting run, nothing may touch the workflow.
                await self._withdraw(case)
                raise
            await self._withdraw(case)
            told = await self._read()
            # An inquiry that has become a dispute takes the money later.
            await self._post("opened", told, told.opened)
        return told

    async def _changed(self) -> None:
        """Until it is over, has moved money, or needs a person: one case at a time. A biller that
        is away is asked again later."""
        while True:
            await self._rest(self._seen)
            try:
                found = await self._read_once()
            except ActivityError as error:
                if problem_of(error).is_unavailable:
                    continue
                return
            is_open = found.dispute.status is DisputeStatus.OPEN
            if not is_open or (found.opened is not None and "opened" not in self._posted):
                return

    async def _rest(self, seen: int) -> None:
        try:
            await workflow.wait_condition(lambda: self._news > seen, timeout=LOOK_AGAIN)
        except TimeoutError:
            return

    async def _evidence(self, told: DisputeToPost) -> Decision:
        dispute = told.dispute
        within = None
        evidence = {"reason": dispute.reason, "invoice": told.invoice}
        if dispute.evidence_due is not None:
            left = dispute.evidence_due - business_now(self._order.business_offset_seconds)
            within = max(left - BEFORE_THE_LAST_DAY, AT_LEAST)
            evidence["evidence_due_by"] = dispute.evidence_due.isoformat()
        decision = await self._desk.ask(
            EVIDENCE,
            "decide",
            code="payment_disputed",
            summary=f"{told.invoice}: {dispute.amount} is disputed ({dispute.reason}); approve "
            "where evidence is given at the biller, reject where the loss is taken",
            evidence=evidence,
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
            at_risk=dispute.amount if dispute.is_converted else dispute.amount + dispute.fee,
            within=within,
        )
        self._decided = str(decision.decision)
        self._saga.mark("decide", StepState.DONE, self._decided)
        return decision

    async def _withdraw(self, case: asyncio.Future[Decision] | None) -> None:
        """Once the bank has decided nobody needs to any more."""
        if case is None or case.done():
            return
        if await self._desk.withdraw(case, "the bank has decided"):
            self._saga.mark("decide", StepState.SKIPPED, "the bank has decided")

    # ------------------------------------------------------------ once it is over

    async def _over(self, told: DisputeToPost) -> None:
        await self._post("won", told, told.won)
        for one in told.each():
            if one.reversal is not None:
                await self._receivable.reopen(self._whose(one), one, one.reversal)
        await self._post("lost", told, told.lost)
        is_lost = told.dispute.status is DisputeStatus.LOST
        for one in told.each():
            await self._hold.lift(one)
            await self._say(one, "dispute_lost" if is_lost else "dispute_won")
        if any(one.reversal is not None for one in told.each()):
            await self._claim(told)

    async def _claim(self, told: DisputeToPost) -> None:
        """The biller counts the invoices as paid for ever: nobody pursues them by itself."""
        numbers = ", ".join(one.invoice for one in told.parts) or told.invoice
        decision = await self._desk.ask(
            CASE,
            "claim",
            code="claim_open_again",
            summary=f"{numbers}: the dispute over {told.dispute.amount} is lost, the customer "
            "owes it again; hand over to whoever pursues it, or write it off in the ledger",
            evidence={
                "reason": told.dispute.reason,
                "evidence": self._decided or "not decided",
                "owed_again": "; ".join(f"{one.invoice}: {one.lost}" for one in told.parts),
            },
            allowed=(DecisionKind.HAND_OVER,),
            at_risk=told.dispute.amount,
            # News that comes after the end, or again, begins a run that reads it once more.
            once=True,
        )
        self._saga.mark("claim", StepState.DONE, str(decision.decision))

    # ------------------------------------------------------------ steps

    async def _read(self) -> DisputeToPost:
        self._told = told = await self._saga.run(Step(name="read", act=self._read_once))
        bill = told.bill
        if bill is not None:
            self._context = self._context.model_copy(
                update={
                    "contract_key": bill.contract_key,
                    "org": told.org,
                    "deal_id": told.deal_id,
                }
            )
            self._desk.move_to(self._context, bill.customer_key)
        return told

    async def _read_once(self) -> DisputeToPost:
        order, self._seen = self._order, self._news
        return await workflow.execute_activity_method(
            DisputeActivities.read,
            ReadDispute(
                billing_account=order.billing_account,
                dispute_id=order.dispute_id,
                today=business_today(order.business_offset_seconds),
                tenant=order.tenant,
            ),
            task_queue=BILLING_QUEUE,
            summary="Read the dispute back from the biller",
            **READ,
        )

    async def _post(self, stage: str, told: DisputeToPost, journal: LedgerJournal | None) -> None:
        if journal is None or stage in self._posted:
            return
        step = "opened" if stage == "opened" else "closed"
        await self._saga.run(
            Step(
                name=step,
                act=lambda: workflow.execute_activity_method(
                    DisputePostingActivities.post,
                    PostDispute(
                        context=self._context,
                        erp=told.erp,
                        stage=stage,
                        journal=journal,
                        exchange=told.exchange.get(stage),
                    ),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=journal.description,
                    **POST_LEDGER,
                ),
            )
        )
        self._posted.add(stage)

    async def _say(self, told: DisputeToPost, state: str) -> None:
        tell = TellDispute(context=self._whose(told), told=told, state=state)
        await self._saga.run(
            Step(
                name="tell",
                act=lambda: workflow.execute_activity_method(
                    DisputeTellingActivities.tell,
                    tell,
                    task_queue=CRM_QUEUE,
                    summary=f"Tell of {self._order.dispute_id}: {state}",
                    **WRITE,
                ),
            )
        )
        bill = told.bill
        if bill is None or bill.remaining:
            # Of an invoice that is open the record shows how it is pursued.
            self._saga.mark("crm", StepState.SKIPPED)
            return
        await self._saga.run(
            Step(
                name="crm",
                act=lambda: workflow.execute_activity_method(
                    DisputeTellingActivities.show,
                    tell,
                    task_queue=CRM_QUEUE,
                    summary=f"The CRM shows {told.invoice}: {state}",
                    **WRITE,
                ),
            )
        )

    def _whose(self, told: DisputeToPost) -> SagaContext:
        """Each invoice of several is told of its own contract."""
        if told.bill is None:
            return self._context
        whose = {"contract_key": told.bill.contract_key, "org": told.org, "deal_id": told.deal_id}
        return self._context.model_copy(update=whose)

    # ------------------------------------------------------------ messages

    @workflow.signal
    def news(self) -> None:
        """Something happened to the dispute: it is read again."""
        self._news += 1

    def _tell(self) -> None:
        workflow.set_current_details(
            current_details(self._status(), None, self._desk.customer_name)
        )
