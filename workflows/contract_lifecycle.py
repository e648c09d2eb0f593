"""ContractLifecycle: one workflow per contract, which serialises everything that changes it.

pending → (scheduled →) active → ended, or never_activated. Each change is a child saga, one at a
time, in the order accepted. It rests only through `_rest`: no child, no queue, no handler.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    TerminatedError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from activities.change_inputs import RecordTermEnd
from activities.crm_change import CrmChangeActivities
from activities.hub import HubActivities
from activities.inputs import AwaitChange, RecordOutcome
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import (
    ChangeKind,
    ChangeOutcome,
    ChangeRequest,
    ChangeResult,
    RiskSignal,
    SagaContext,
)
from dealthread.naming import CRM_QUEUE, withdrawn_by
from dealthread.policies import STORE, WRITE
from dealthread.saga import to_its_end
from workflows.business_time import business_now
from workflows.contract_memory import (
    ContractMemory,
    ContractView,
    Due,
    HeldChange,
    details,
    next_due,
    remembered,
)
from workflows.contract_sagas import FIRST, saga_of

TERM_END_SAGA = "contract-term-end-saga-202611"
"""Patch: a term ends by a saga of its own, which waits for people where the CRM refuses."""
TERM_END_TOLD = "contract-term-end-told-202611"
"""Patch: the CRM is told that a term ended; before, only our store knew."""
HELD_OF_AN_ENDED = "contract-held-of-an-ended-202611"
"""Patch: what is held when a contract ends is refused on record; before, it was forgotten."""
RERUN_WHILE_ENDING = "contract-rerun-while-ending-202611"
"""Patch: a further run of a change may be asked for while its last run is just ending."""
RESCINDED_BEFORE_START = "contract-rescinded-before-start-202611"
"""Patch: a contract that has not begun is taken back at once; before, that waited for its start."""
WITHDRAWN_BEFORE_START = "contract-withdrawn-before-start-202611"
"""Patch: what waits for the start of a contract is taken back at once; before, that waited too."""

_CHANGES = (ContractState.ACTIVE, ContractState.SCHEDULED)
_OVER = (ContractState.NEVER_ACTIVATED, ContractState.ENDED)


@workflow.defn(name="ContractLifecycle")
class ContractLifecycleWorkflow:
    """The life of one contract."""

    @workflow.init
    def __init__(self, memory: ContractMemory) -> None:
        self._memory = memory
        self._queue: list[ChangeRequest] = []
        self._running = ""
        self._running_generation = 0
        self._cancels_refused = 0

    @workflow.run
    async def run(self, memory: ContractMemory) -> ContractView:  # noqa: ARG002 - read by __init__
        self._tell()
        while True:
            await self._apply(await self._next_change())
            if self._queue:
                continue
            if self._memory.state not in _OVER:
                await self._rest()
            elif not self._held_to_refuse():
                break
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._view()

    async def _next_change(self) -> Due | ChangeRequest:
        """Next accepted change, or the one that is due by the calendar. Nothing but a change that
        is applied alters what is due."""
        while not self._queue:
            due = next_due(self._memory)
            wait = None
            if due is not None:
                now = business_now(self._memory.environment.business_offset_seconds)
                wait = max(due.at - now, timedelta(0))
            try:
                await workflow.wait_condition(lambda: bool(self._queue), timeout=wait)
            except TimeoutError:
                if due is not None:
                    return due
            except asyncio.CancelledError:
                # Cancelling this workflow is not cancelling the contract: refused, and counted.
                # The next round waits for the same instant.
                self._refuse_cancel()
        return self._queue.pop(0)

    async def _apply(self, asked: Due | ChangeRequest) -> None:
        change = asked.request if isinstance(asked, Due) else asked
        is_due = isinstance(asked, Due) and asked.is_held
        self._running = change.change_id
        self._running_generation = change.generation
        if is_due:
            self._let_go(change.change_id)
        self._tell()
        if change.kind is ChangeKind.TERM_END:
            await to_its_end(self._end(change), self._refuse_cancel)
        elif self._takes_back_held(change):
            await self._withdraw(change)
        elif self._waits_for_the_start(change):
            self._hold_until_start(change)
        elif change.kind not in FIRST and self._memory.state not in _CHANGES:
            await self._refuse(change)
        else:
            result = await to_its_end(self._child(change, is_due=is_due), self._refuse_cancel)
            if result is not None:
                self._remember(change, result)
        self._running = ""
        self._tell()

    # ------------------------------------------------------------ a change as a child saga

    async def _child(self, change: ChangeRequest, *, is_due: bool) -> ChangeResult | None:
        """Run the change as a child saga; adopt one that an earlier run of ours started."""
        try:
            return await saga_of(self._memory, change, is_due=is_due)
        except WorkflowAlreadyStartedError:
            return await self._adopt(change)
        except ChildWorkflowError as error:
            if not is_cancelled_exception(error):
                return await self._ended_by_force(change, error)
            return ChangeResult(
                change_id=change.change_id,
                outcome=ChangeOutcome.CANCELLED,
                contract_state=self._state_without(change),
            )

    async def _ended_by_force(
        self, change: ChangeRequest, error: ChildWorkflowError
    ) -> ChangeResult:
        """No undo ran. The run is on record as such, and is not run again as if undone."""
        forced = isinstance(error.cause, TerminatedError)
        outcome = ChangeOutcome.TERMINATED if forced else ChangeOutcome.FAILED
        state = self._state_without(change)
        await self._record(change, outcome, state, "ended by force")
        return ChangeResult(change_id=change.change_id, outcome=outcome, contract_state=state)

    def _state_without(self, change: ChangeRequest) -> ContractState:
        """The contract's state when a change came to nothing."""
        state = self._memory.state
        if change.kind is ChangeKind.QUOTE_TO_CASH and state is ContractState.PENDING:
            return ContractState.NEVER_ACTIVATED
        # A term is over whatever became of telling it.
        return ContractState.ENDED if change.kind is ChangeKind.TERM_END else state

    async def _adopt(self, change: ChangeRequest) -> ChangeResult | None:
        """The child runs or ran already: the store's outcome is the truth."""
        return await workflow.execute_activity_method(
            HubActivities.await_change,
            AwaitChange(change_id=change.change_id, generation=change.generation),
            summary=f"Adopt {change.change_id}",
            **STORE,
        )

    # ------------------------------------------------------------ what needs no saga

    async def _refuse(self, change: ChangeRequest) -> None:
        """There is no running contract to change: on record as such, nothing else happens."""
        state = self._memory.state
        if state is ContractState.PENDING:
            # Asked of a contract that never was.
            state = ContractState.NEVER_ACTIVATED
            self._memory = self._memory.model_copy(update={"state": state})
        await to_its_end(
            self._record(change, ChangeOutcome.COMPENSATED, state, "contract is not active"),
            self._refuse_cancel,
        )

    async def _withdraw(self, change: ChangeRequest) -> None:
        """The change that is taken back is only held here: it is let go."""
        target = withdrawn_by(change.change_id)
        held = next(one for one in self._memory.held if one.request.change_id == target)
        state = self._memory.state
        await to_its_end(
            self._record(held.request, ChangeOutcome.WITHDRAWN, state, change.change_id),
            self._refuse_cancel,
        )
        await to_its_end(
            self._record(change, ChangeOutcome.COMPLETED, state, "withdrawn before its day"),
            self._refuse_cancel,
        )
        self._let_go(target)

    async def _end(self, change: ChangeRequest) -> None:
        """The term is over and nothing renews it."""
        if workflow.patched(TERM_END_SAGA):
            await self._child(change, is_due=False)
        elif workflow.patched(TERM_END_TOLD):
            await workflow.execute_activity_method(
                CrmChangeActivities.term_ended,
                RecordTermEnd(context=self._context(change)),
                task_queue=CRM_QUEUE,
                summary="Tell the CRM that the term is over",
                **WRITE,
            )
        else:
            await self._record(change, ChangeOutcome.COMPLETED, ContractState.ENDED, "term over")
        self._memory = self._memory.model_copy(update={"state": ContractState.ENDED})

    async def _record(
        self, change: ChangeRequest, outcome: ChangeOutcome, state: ContractState, reason: str
    ) -> None:
        await workflow.execute_activity_method(
            HubActivities.record_outcome,
            RecordOutcome(
                context=self._context(change), outcome=outcome, state=state, reason=reason
            ),
            summary=f"Record: {reason}",
            **STORE,
        )

    def _context(self, change: ChangeRequest) -> SagaContext:
        memory = self._memory
        return SagaContext(
            business_key=change.change_id,
            generation=change.generation,
            contract_key=memory.contract_key,
            org=memory.org,
            deal_id=memory.deal_id,
            tenant=memory.environment.tenant,
            business_offset_seconds=memory.environment.business_offset_seconds,
            actor=change.requested_by,
        )

    # ------------------------------------------------------------ memory

    def _remember(self, change: ChangeRequest, result: ChangeResult) -> None:
        self._memory = remembered(self._memory, change, result)

    def _hold_until_start(self, change: ChangeRequest) -> None:
        """What is asked of a contract that has not begun is asked when it begins."""
        memory = self._memory
        if memory.start_at is not None:
            held = HeldChange(request=change, due_at=memory.start_at)
            self._memory = memory.model_copy(update={"held": (*memory.held, held)})

    def _waits_for_the_start(self, change: ChangeRequest) -> bool:
        """Whether the contract has not begun. A cancellation may take the whole back before."""
        if change.kind in FIRST or self._memory.state is not ContractState.SCHEDULED:
            return False
        if change.kind is ChangeKind.TAX_RATE:
            # The first bill goes out with the start: it has to bear the rate already.
            return False
        return change.kind is not ChangeKind.CANCELLATION or not workflow.patched(
            RESCINDED_BEFORE_START
        )

    def _takes_back_held(self, change: ChangeRequest) -> bool:
        """Whether the change takes back another that is only held here."""
        if change.kind is not ChangeKind.WITHDRAWAL:
            return False
        if not self._holds(withdrawn_by(change.change_id)):
            return False
        state = self._memory.state
        return state is ContractState.ACTIVE or (
            state is ContractState.SCHEDULED and workflow.patched(WITHDRAWN_BEFORE_START)
        )

    def _held_to_refuse(self) -> bool:
        """The contract is over: what was held for a day that will not come is queued, to be
        refused on record. False where nothing was."""
        held = self._memory.held
        if not held or not workflow.patched(HELD_OF_AN_ENDED):
            return False
        self._queue += [one.request for one in held]
        self._memory = self._memory.model_copy(update={"held": ()})
        return True

    def _holds(self, change_id: str) -> bool:
        return any(one.request.change_id == change_id for one in self._memory.held)

    def _let_go(self, change_id: str) -> None:
        kept = tuple(one for one in self._memory.held if one.request.change_id != change_id)
        self._memory = self._memory.model_copy(update={"held": kept})

    async def _rest(self) -> None:
        """The only way to rest: a new run with a short history, and nothing live in this one."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._queue:
            workflow.continue_as_new(self._memory)

    def _refuse_cancel(self) -> None:
        self._cancels_refused += 1
        self._tell()

    # ------------------------------------------------------------ messages

    @workflow.signal
    def change_requested(self, change: ChangeRequest) -> None:
        """Accept a change into the queue; one that is known already is dropped."""
        label = f"{change.change_id}#{change.generation}"
        known = {f"{queued.change_id}#{queued.generation}" for queued in self._queue}
        if label in known or label in self._memory.applied or self._holds(change.change_id):
            return
        if change.change_id == self._running and not self._is_rerun(change):
            return
        self._queue.append(change)

    def _is_rerun(self, change: ChangeRequest) -> bool:
        """A further run may be asked for as soon as the end of the last is on record, which is
        before that run has closed."""
        later = change.generation > self._running_generation
        return later and workflow.patched(RERUN_WHILE_ENDING)

    @workflow.signal
    def risk_signalled(self, signal: RiskSignal) -> None:
        """Customer success sees a risk, or none any more."""
        self._memory = self._memory.model_copy(update={"risk": signal.level})
        self._tell()

    @workflow.query
    def status(self) -> ContractView:
        """State, what runs, what waits, what is due."""
        return self._view()

    def _view(self) -> ContractView:
        memory, due = self._memory, next_due(self._memory)
        return ContractView(
            contract_key=memory.contract_key,
            state=memory.state,
            running=self._running,
            queued=tuple(change.change_id for change in self._queue),
            applied=memory.applied,
            due_at=due.at if due is not None else None,
            due=due.request.change_id if due is not None else "",
            term_no=memory.term_no,
            end_at=memory.end_at,
            held=memory.held,
            risk=memory.risk,
        )

    def _tell(self) -> None:
        workflow.set_current_details(details(self._view(), self._cancels_refused))
