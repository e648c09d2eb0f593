"""Collections: the pursuit of one overdue invoice, from its opening to nothing left to pay.

    before every stage   read the invoice back: what was paid, credited or voided ends the pursuit
    a stage, on its day  tell the customer, suspend the entitlement, have people step in
    the last stage       a person decides: hand over, or give more time

Payment at any stage stops the rest and gives back what was suspended; a promise to pay, or a
person's word, holds it. Whoever charges the card again is the biller, not this workflow: one
engine retries. Handed over or written off, it only waits for the payment that may still come.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.collections_inputs import CollectionsInput, OrderKind, Overdue, PursuitOrder
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.contract import ContractState
from dealthread.domain.dunning import (
    GIVEN_UP,
    CollectionsPolicy,
    DunningStage,
    Pursuit,
    PursuitOutcome,
    PursuitState,
    due_date_of,
    next_stage,
    opens_on,
    outcome_of,
    stage_day,
)
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.transaction import SagaContext
from dealthread.naming import collections_id
from dealthread.saga import Saga, SagaStopped
from workflows.business_time import business_now, business_today, midnight
from workflows.collections_orders import holds_already, holds_as, refuse, what_it_says
from workflows.collections_steps import CollectionsSteps
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.last_stage import LastStage
from workflows.wording import COLLECTIONS

LOOK_AGAIN = timedelta(days=30)
"""How often an invoice is read back on which nothing is done any more."""
ONE_DAY = timedelta(days=1)
SOON = timedelta(hours=1)
"""How long the CRM, once it was away, is left alone."""


@workflow.defn(name="Collections")
class CollectionsWorkflow(DecidedByPeople):
    """One invoice of one billing account."""

    @workflow.init
    def __init__(self, order: CollectionsInput) -> None:
        self._order = order
        context = SagaContext(
            business_key=collections_id(order.billing_account, order.invoice_id),
            generation=1,
            contract_key="",
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
        )
        self._desk = CaseDesk(context, COLLECTIONS, "biller", self._tell)
        self._saga = Saga(COLLECTIONS, self._desk, self._tell)
        self._steps = CollectionsSteps(order, context, self._saga, self._desk)
        self._last_stage = LastStage(
            self._saga, self._desk, self._steps, lambda: self._news, lambda: bool(self._orders)
        )
        self._news = 1
        self._orders: list[PursuitOrder] = []
        self._pursuit: Pursuit | None = None
        self._told: Overdue | None = None
        self._taken: tuple[int, date] | None = None
        self._not_before: date | None = None
        self._promises = 0

    @workflow.run
    async def run(self, order: CollectionsInput) -> str:  # noqa: ARG002 - read by __init__
        try:
            outcome = await self._pursue()
        except (asyncio.CancelledError, SagaStopped) as ended:
            # Cancelled, or aborted at a case: what was withheld is given back.
            reason = "aborted" if isinstance(ended, SagaStopped) else "cancelled"
            stop = PursuitOrder(kind=OrderKind.STOP, actor="operator", reason=reason)
            outcome = await self._saga.to_its_end(self._stop(stop))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    async def _pursue(self) -> str:
        while True:
            seen = self._news
            told = self._told = await self._steps.read()
            if told.ignored and self._pursuit is None:
                return told.ignored
            over = outcome_of(told.bill)
            if over is not None:
                return await self._close(over)
            stopped = next((one for one in self._orders if one.kind is OrderKind.STOP), None)
            if stopped is not None:
                return await self._stop(stopped)
            if self._is_over_with_its_contract():
                return str(self._known().state)
            if self._steps.unshown:
                await self._steps.show(self._known(), may_wait=True)
            wake = await self._next(told, seen)
            if wake is not None:
                await self._rest(seen, wake)

    def _known(self) -> Pursuit:
        if self._pursuit is None:
            raise RuntimeError("the pursuit is not open")
        return self._pursuit

    def _is_over_with_its_contract(self) -> bool:
        """Given up, and no service left that a payment would give back."""
        told, pursuit = self._told, self._pursuit
        if told is None or pursuit is None or pursuit.state not in GIVEN_UP:
            return False
        return told.contract_state is ContractState.ENDED

    async def _next(self, told: Overdue, seen: int) -> date | None:
        """Do what is due today; the day on which more may be, or None to look at once."""
        policy, due = told.policy, due_date_of(told.bill)
        today = self._today()
        if policy is None or due is None:
            return today + LOOK_AGAIN
        if self._pursuit is None:
            opening = opens_on(told.bill, policy, due)
            if today < opening:
                return opening
            await self._open(told, policy, due)
            return None
        if self._orders:
            await self._hear(self._orders.pop(0))
            return None
        if told.bill.status is InvoiceStatus.UNCOLLECTIBLE:
            await self._give_up(PursuitState.WRITTEN_OFF)
        pursuit = self._known()
        if pursuit.state in GIVEN_UP:
            return today + LOOK_AGAIN
        if pursuit.state is PursuitState.PAUSED:
            if pursuit.promised_until is None:
                return today + LOOK_AGAIN
            if today <= pursuit.promised_until:
                return pursuit.promised_until + ONE_DAY
            # The promise was not kept: the rest goes on from here.
            self._not_before = today
            await self._move(PursuitState.OPEN, reason="promise not kept")
            return None
        coming = next_stage(policy, self._taken[0] if self._taken else None)
        if coming is None:
            return today + LOOK_AGAIN
        number, stage = coming
        day = stage_day(stage, due, self._taken, self._not_before)
        if today < day:
            return day
        if stage.hand_over:
            await self._put_before_a_person(number, seen)
        else:
            await self._take(number, stage)
        return None

    async def _open(self, told: Overdue, policy: CollectionsPolicy, due: date) -> None:
        self._pursuit = pursuit = await self._steps.open(told, due)
        if not pursuit.sequence:
            await self._record(is_new=True)
            return
        # A run before this one ended by force: it goes on where that one stood.
        if pursuit.stage and pursuit.changed_at is not None:
            days = policy.stages[min(pursuit.stage, len(policy.stages)) - 1].after_days
            self._taken = (days, pursuit.changed_at.date())
        if pursuit.suspended:
            await self._steps.suspend()

    # ------------------------------------------------------------ stages

    async def _take(self, number: int, stage: DunningStage) -> None:
        today, pursuit = self._today(), self._known()
        suspended = pursuit.suspended
        if stage.suspend and not suspended:
            held = await self._steps.suspend()
            if held is None:
                return  # paid while it was tried: the next reading ends the pursuit
            suspended = held.is_suspended
        self._taken, self._not_before = (stage.after_days, today), None
        self._pursuit = pursuit.model_copy(
            update={"stage": number, "suspended": suspended, "reason": ""}
        )
        await self._record(stage=stage)

    async def _put_before_a_person(self, number: int, seen: int) -> None:
        """Open until it is decided, or the invoice is paid, promised or stopped."""
        pursuit = self._known()
        if pursuit.state is not PursuitState.WITH_PERSON:
            self._pursuit = pursuit.model_copy(update={"stage": number})
            await self._move(PursuitState.WITH_PERSON)
        decision = await self._last_stage.decision(self._known(), seen)
        if decision is not None:
            await self._decided(decision)

    async def _decided(self, decision: Decision) -> None:
        if decision.decision is DecisionKind.ABORT:
            self._orders.append(
                PursuitOrder(kind=OrderKind.STOP, actor=decision.actor, reason=decision.reason)
            )
            return
        if decision.decision is DecisionKind.EXTEND:
            until = decision.until or self._today()
            await self._hold_until(until, reason="extended", actor=decision.actor)
            return
        await self._give_up(PursuitState.HANDED_OVER, actor=decision.actor)

    async def _give_up(self, state: PursuitState, actor: str = "saga") -> None:
        if self._known().state is not state:
            await self._move(state, actor=actor)

    # ------------------------------------------------------------ people

    async def _hear(self, order: PursuitOrder) -> None:
        """What a person asked: it was checked when it was asked, and may be late by now."""
        pursuit = self._known()
        if pursuit.state in GIVEN_UP or holds_already(order, pursuit):
            return
        if order.kind is OrderKind.RESUME:
            if pursuit.state is PursuitState.PAUSED:
                self._not_before = self._today()
                await self._move(PursuitState.OPEN, reason=what_it_says(order), actor=order.actor)
            return
        if order.kind is OrderKind.PROMISE:
            self._promises += 1
        await self._hold_until(order.until, reason=what_it_says(order), actor=order.actor)

    async def _hold_until(self, until: date | None, *, reason: str, actor: str) -> None:
        self._pursuit = self._known().model_copy(update={"promised_until": until})
        await self._move(PursuitState.PAUSED, reason=reason, actor=actor)

    async def _stop(self, order: PursuitOrder) -> str:
        if self._pursuit is None:
            return PursuitOutcome.STOPPED
        return await self._close(PursuitOutcome.STOPPED, what_it_says(order), order.actor)

    # ------------------------------------------------------------ where it stands

    async def _close(
        self, outcome: PursuitOutcome, reason: str = "", actor: str = "saga"
    ) -> PursuitOutcome:
        """Give back what was withheld, first of all; then everybody is told."""
        await self._saga.compensate()
        self._saga.pivot_crossed = True
        if self._pursuit is None:
            return outcome
        self._pursuit = self._pursuit.model_copy(update={"outcome": outcome, "suspended": False})
        await self._move(PursuitState.CLOSED, reason=reason, actor=actor)
        return outcome

    async def _move(self, state: PursuitState, reason: str = "", actor: str = "saga") -> None:
        pursuit = self._known()
        until = pursuit.promised_until if state is PursuitState.PAUSED else None
        self._pursuit = pursuit.model_copy(
            update={"state": state, "reason": reason, "promised_until": until}
        )
        await self._record(actor=actor)

    async def _record(
        self, stage: DunningStage | None = None, *, is_new: bool = False, actor: str = "saga"
    ) -> None:
        pursuit, told = self._known(), self._told
        amount = told.bill.remaining if told is not None else pursuit.amount_due
        self._pursuit = pursuit.model_copy(
            update={"sequence": pursuit.sequence + 1, "amount_due": amount}
        )
        await self._steps.record(self._pursuit, stage, is_new=is_new, actor=actor)

    async def _rest(self, seen: int, wake: date) -> None:
        """Until there is news, or the day has come. A day that has come meanwhile rests not."""
        left = midnight(wake) - business_now(self._order.business_offset_seconds)
        if self._steps.unshown:
            left = min(left, SOON)
        if left <= timedelta(0):
            return
        try:
            await workflow.wait_condition(lambda: self._news > seen, timeout=left)
        except TimeoutError:
            return

    def _today(self) -> date:
        return business_today(self._order.business_offset_seconds)

    # ------------------------------------------------------------ messages

    @workflow.signal
    def news(self) -> None:
        """Something happened to the invoice: it is read again. What, is told by its owner."""
        self._news += 1

    @workflow.update
    async def order(self, order: PursuitOrder) -> str:
        """A promise, a pause, its end, or a stop."""
        self._orders.append(order)
        self._news += 1
        return "accepted"

    @order.validator
    def _check_order(self, order: PursuitOrder) -> None:
        policy = self._told.policy if self._told is not None else None
        found = refuse(order, self._pursuit, policy, self._promises, self._today())
        if found is not None:
            code, action = found
            raise ApplicationError(action, code, type="pursuit_refused", non_retryable=True)

    @workflow.signal
    def hear(self, order: PursuitOrder) -> None:
        """A pause that another workflow asks for, or the end of that very pause: nobody else's."""
        is_own = order.kind is OrderKind.RESUME and self._is_held_by(order)
        if is_own or order.kind is OrderKind.PAUSE:
            self._orders.append(order)
        self._news += 1

    def _is_held_by(self, order: PursuitOrder) -> bool:
        pause = order.model_copy(update={"kind": OrderKind.PAUSE})
        waits = any(holds_as(one, pause) for one in self._orders)
        return waits or (self._pursuit is not None and holds_already(pause, self._pursuit))

    @workflow.query
    def pursuit(self) -> Pursuit | None:
        """Where the pursuit stands; none before it is opened."""
        return self._pursuit

    def _tell(self) -> None:
        view = self._status()
        pursuit = self._pursuit
        state = f", {pursuit.state}, stage {pursuit.stage}" if pursuit is not None else ""
        workflow.set_current_details(
            f"Pursuit of `{self._order.invoice_id}` of `{self._order.billing_account}`{state}.\n\n"
            f"**Stands at:** {view.headline}"
        )
