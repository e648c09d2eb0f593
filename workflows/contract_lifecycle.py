"""ContractLifecycle: one workflow per contract, which serialises everything that changes it.

pending → (scheduled →) active → ended, or never_activated. Each change is a child saga, one at a
time, in the order accepted. It rests only through `_rest`: no child, no queue, no handler.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import AwareDatetime
from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ChildWorkflowError,
    TerminatedError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from activities.hub import HubActivities
from activities.inputs import AwaitChange, RecordOutcome
from dealthread.attributes import at_start
from dealthread.domain.base import Carried
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import (
    ChangeKind,
    ChangeOutcome,
    ChangeRequest,
    ChangeResult,
    Environment,
    QuoteToCashInput,
    SagaContext,
)
from dealthread.naming import activation_id
from dealthread.policies import STORE
from dealthread.saga import to_its_end
from workflows.business_time import business_now

with workflow.unsafe.imports_passed_through():
    # Only named here, to be started as children: each runs in a sandbox of its own.
    from workflows.activation import ActivationWorkflow
    from workflows.quote_to_cash import QuoteToCashWorkflow

KEEP_APPLIED = 50
"""Change ids remembered across rests; older ones are refused by their unique row in the store."""


class ContractMemory(Carried):
    """What a contract carries from rest to rest. At most 4 kB; larger things live in the store."""

    schema_version: int = 1
    contract_key: str
    org: str
    deal_id: str
    state: ContractState = ContractState.PENDING
    environment: Environment = Environment()
    start_at: AwareDatetime | None = None
    end_at: AwareDatetime | None = None
    auto_renew: bool = False
    applied: tuple[str, ...] = ()


class ContractView(Carried):
    """Answer of the `status` query."""

    contract_key: str
    state: ContractState
    running: str = ""
    queued: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    due_at: AwareDatetime | None = None


@workflow.defn(name="ContractLifecycle")
class ContractLifecycleWorkflow:
    """The life of one contract."""

    @workflow.init
    def __init__(self, memory: ContractMemory) -> None:
        self._memory = memory
        self._queue: list[ChangeRequest] = []
        self._running = ""
        self._cancels_refused = 0

    @workflow.run
    async def run(self, memory: ContractMemory) -> ContractView:  # noqa: ARG002 - read by __init__
        self._tell()
        while True:
            await self._apply(await self._next_change())
            if self._queue:
                continue
            if self._memory.state in (ContractState.NEVER_ACTIVATED, ContractState.ENDED):
                break
            await self._rest()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._view()

    async def _next_change(self) -> ChangeRequest:
        """Next accepted change, or the one that is due by the calendar."""
        due = self._due_at()
        if not self._queue:
            wait = None
            if due is not None:
                now = business_now(self._memory.environment.business_offset_seconds)
                wait = max(due - now, timedelta(0))
            try:
                await self._shielded_wait(wait)
            except TimeoutError:
                return self._due_change()
        return self._queue.pop(0)

    async def _shielded_wait(self, wait: timedelta | None) -> None:
        """Cancelling this workflow is not cancelling the contract: refused, and counted."""
        while True:
            try:
                await workflow.wait_condition(lambda: bool(self._queue), timeout=wait)
                return
            except asyncio.CancelledError:
                self._refuse_cancel()

    def _due_at(self) -> AwareDatetime | None:
        memory = self._memory
        if memory.state is ContractState.SCHEDULED:
            return memory.start_at
        if memory.state is ContractState.ACTIVE and not memory.auto_renew:
            return memory.end_at
        return None

    def _due_change(self) -> ChangeRequest:
        memory = self._memory
        kind = (
            ChangeKind.ACTIVATION
            if memory.state is ContractState.SCHEDULED
            else ChangeKind.TERM_END
        )
        return ChangeRequest(
            change_id=activation_id(memory.contract_key)
            if kind is ChangeKind.ACTIVATION
            else f"term-end:{memory.contract_key}",
            kind=kind,
            org=memory.org,
            deal_id=memory.deal_id,
            requested_by="calendar",
        )

    async def _apply(self, change: ChangeRequest) -> None:
        self._running = change.change_id
        self._tell()
        if change.kind is ChangeKind.TERM_END:
            await to_its_end(self._end(change), self._refuse_cancel)
        else:
            result = await to_its_end(self._child(change), self._refuse_cancel)
            if result is not None:
                self._remember(change, result)
        self._running = ""
        self._tell()

    async def _child(self, change: ChangeRequest) -> ChangeResult | None:
        """Run the change as a child saga; adopt one that an earlier run of ours started."""
        memory = self._memory
        order = QuoteToCashInput(
            request=change, contract_key=memory.contract_key, environment=memory.environment
        )
        run = (
            QuoteToCashWorkflow.run
            if change.kind is ChangeKind.QUOTE_TO_CASH
            else ActivationWorkflow.run
        )
        try:
            return await workflow.execute_child_workflow(
                run,
                order,
                id=change.change_id,
                # The default would terminate the saga, undo and all, when the contract rests.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                id_reuse_policy=(
                    WorkflowIDReusePolicy.REJECT_DUPLICATE
                    if change.generation == 1
                    else WorkflowIDReusePolicy.ALLOW_DUPLICATE
                ),
                search_attributes=at_start(memory.contract_key, memory.deal_id),
                static_summary=f"{change.kind} of deal {change.deal_id}",
                static_details=(
                    f"Deal `{change.deal_id}` of org `{change.org}`, generation "
                    f"{change.generation}, asked by {change.requested_by}.\n\n"
                    f"`dealthread show {change.deal_id}`"
                ),
            )
        except WorkflowAlreadyStartedError:
            return await self._adopt(change)
        except ChildWorkflowError as error:
            if not is_cancelled_exception(error):
                return await self._ended_by_force(change, error)
            return ChangeResult(
                change_id=change.change_id,
                outcome=ChangeOutcome.CANCELLED,
                contract_state=ContractState.NEVER_ACTIVATED,
            )

    async def _ended_by_force(
        self, change: ChangeRequest, error: ChildWorkflowError
    ) -> ChangeResult:
        """No undo ran. The run is on record as such, and is not run again as if undone."""
        forced = isinstance(error.cause, TerminatedError)
        outcome = ChangeOutcome.TERMINATED if forced else ChangeOutcome.FAILED
        state = self._memory.state
        if state is ContractState.PENDING:
            state = ContractState.NEVER_ACTIVATED
        await self._record(change, outcome, state, "ended by force")
        return ChangeResult(change_id=change.change_id, outcome=outcome, contract_state=state)

    async def _adopt(self, change: ChangeRequest) -> ChangeResult | None:
        """The child runs or ran already: the store's outcome is the truth."""
        return await workflow.execute_activity_method(
            HubActivities.await_change,
            AwaitChange(change_id=change.change_id, generation=change.generation),
            summary=f"Adopt {change.change_id}",
            **STORE,
        )

    async def _end(self, change: ChangeRequest) -> None:
        """The term is over and nothing renews it."""
        await self._record(change, ChangeOutcome.COMPLETED, ContractState.ENDED, "term over")
        self._memory = self._memory.model_copy(update={"state": ContractState.ENDED})

    async def _record(
        self, change: ChangeRequest, outcome: ChangeOutcome, state: ContractState, reason: str
    ) -> None:
        memory = self._memory
        await workflow.execute_activity_method(
            HubActivities.record_outcome,
            RecordOutcome(
                context=SagaContext(
                    business_key=change.change_id,
                    generation=change.generation,
                    contract_key=memory.contract_key,
                    org=memory.org,
                    deal_id=memory.deal_id,
                    tenant=memory.environment.tenant,
                    business_offset_seconds=memory.environment.business_offset_seconds,
                    actor=change.requested_by,
                ),
                outcome=outcome,
                state=state,
                reason=reason,
            ),
            summary=f"Record: {reason}",
            **STORE,
        )

    def _remember(self, change: ChangeRequest, result: ChangeResult) -> None:
        memory = self._memory
        update: dict[str, object] = {
            "state": result.contract_state,
            "applied": (*memory.applied, f"{change.change_id}#{change.generation}")[-KEEP_APPLIED:],
        }
        if result.start_at is not None:
            update |= {
                "start_at": result.start_at,
                "end_at": result.end_at,
                "auto_renew": result.auto_renew,
            }
        self._memory = memory.model_copy(update=update)

    async def _rest(self) -> None:
        """The only way to rest: a new run with a short history, and nothing live in this one."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._queue:
            workflow.continue_as_new(self._memory)

    def _refuse_cancel(self) -> None:
        self._cancels_refused += 1
        self._tell()

    @workflow.signal
    def change_requested(self, change: ChangeRequest) -> None:
        """Accept a change into the queue; one that is known already is dropped."""
        label = f"{change.change_id}#{change.generation}"
        known = {f"{queued.change_id}#{queued.generation}" for queued in self._queue}
        if label in known or label in self._memory.applied or change.change_id == self._running:
            return
        self._queue.append(change)

    @workflow.query
    def status(self) -> ContractView:
        """State, what runs, what waits, what is due."""
        return self._view()

    def _view(self) -> ContractView:
        return ContractView(
            contract_key=self._memory.contract_key,
            state=self._memory.state,
            running=self._running,
            queued=tuple(change.change_id for change in self._queue),
            applied=self._memory.applied,
            due_at=self._due_at(),
        )

    def _tell(self) -> None:
        view = self._view()
        due = view.due_at
        text = [f"Contract **{view.contract_key}** is **{view.state}**."]
        if view.running:
            text.append(f"Running: `{view.running}`")
        if view.queued:
            text.append("Waiting: " + ", ".join(f"`{change}`" for change in view.queued))
        if due is not None:
            text.append(f"Next by the calendar: {due:%Y-%m-%d}")
        if self._cancels_refused:
            text.append(
                "A cancellation of this workflow was refused: it is not a cancellation of the "
                "contract. Ask for the change instead."
            )
        text.append(f"`dealthread show {view.contract_key}`")
        workflow.set_current_details("\n\n".join(text))
