"""What a saga that waits for people offers: decisions in, status and ledger out."""

from __future__ import annotations

from temporalio import workflow

from dealthread.domain.case import Decision
from dealthread.domain.transaction import SagaStatus, StepRecord
from workflows.change_run import ChangeRun


class DecidedByPeople:
    """Handlers that the sagas of changes share; `_change` is set by each of them."""

    _change: ChangeRun

    @workflow.update
    async def decide(self, decision: Decision) -> str:
        """Apply a person's decision on the open case."""
        self._change.desk.accept(decision)
        return "accepted"

    @decide.validator
    def _check_decide(self, decision: Decision) -> None:
        self._change.desk.validate(decision)

    @workflow.update
    async def approve(self, decision: Decision) -> str:
        """Apply a person's approval or rejection."""
        self._change.desk.accept(decision)
        return "accepted"

    @approve.validator
    def _check_approve(self, decision: Decision) -> None:
        self._change.desk.validate(decision)

    @workflow.query
    def ledger(self) -> tuple[StepRecord, ...]:
        """The steps and where each stands."""
        return self._change.ledger()

    @workflow.query
    def status(self) -> SagaStatus:
        """Where the change stands, in words."""
        return self._change.status()
