"""What a saga that waits for people offers: decisions in, status and ledger out."""

from __future__ import annotations

from temporalio import workflow

from dealthread.domain.case import Decision
from dealthread.domain.transaction import SagaStatus, StepRecord
from dealthread.saga import Saga
from workflows.desk import CaseDesk
from workflows.wording import saga_status


class DecidedByPeople:
    """The handlers of every saga with cases. Each saga sets its desk and its saga."""

    _desk: CaseDesk
    _saga: Saga

    @workflow.update
    async def decide(self, decision: Decision) -> str:
        """Apply a person's decision on the open case."""
        self._desk.accept(decision)
        return "accepted"

    @decide.validator
    def _check_decide(self, decision: Decision) -> None:
        self._desk.validate(decision)

    @workflow.update
    async def approve(self, decision: Decision) -> str:
        """Apply a person's approval or rejection."""
        self._desk.accept(decision)
        return "accepted"

    @approve.validator
    def _check_approve(self, decision: Decision) -> None:
        self._desk.validate(decision)

    @workflow.query
    def ledger(self) -> tuple[StepRecord, ...]:
        """The steps and where each stands."""
        return self._saga.ledger()

    @workflow.query
    def status(self) -> SagaStatus:
        """Where the saga stands, in words."""
        return self._status()

    def _status(self) -> SagaStatus:
        return status_of(self._desk, self._saga)


def status_of(desk: CaseDesk, saga: Saga) -> SagaStatus:
    """Where a saga stands, in words."""
    return saga_status(desk.context, saga.ledger(), desk.open_case, saga.pivot_crossed)
