"""What a person orders of one invoice, a credit or giving it up: looked at, approved, recorded."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from temporalio import workflow

from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import ApprovalReason, Contract
from dealthread.domain.credit_order import CreditRefusal
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeInput, ChangeOutcome, StepState, context_of
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import current_details


class AssessedOrder(Protocol):
    """What an order would do. With refusals there is nothing to go on with."""

    @property
    def refusals(self) -> tuple[CreditRefusal, ...]: ...
    @property
    def approvals(self) -> tuple[ApprovalReason, ...]: ...
    @property
    def invoice_number(self) -> str: ...
    @property
    def contract(self) -> Contract | None: ...
    @property
    def content_hash(self) -> str: ...


Assessed = TypeVar("Assessed", bound=AssessedOrder)


class InvoiceOrder(DecidedByPeople, ABC, Generic[Assessed]):
    """The run of such an order. Before its pivot nothing is written anywhere."""

    steps: ClassVar[dict[str, str]]
    """Its steps, in words."""
    pivot: ClassVar[str]
    """The step after which it goes only forward."""
    refused_as: ClassVar[str]
    """What cannot be done, said after the invoice's number."""
    asked_as: ClassVar[str]
    """What needs approval, said before the invoice's number."""

    def __init__(self, order: ChangeInput) -> None:
        self._context = context_of(order)
        requested_by = order.request.requested_by
        self._desk = CaseDesk(self._context, self.steps, requested_by, self._tell)
        self._saga = Saga(self.steps, self._desk, self._tell)
        self._saga.name_pivot(self.pivot)

    @abstractmethod
    async def _look(self) -> Assessed:
        """The invoice as its owner has it now, and what the order would do to it."""

    @abstractmethod
    def _at_risk(self, found: Assessed) -> Money | None:
        """What the approval is about."""

    @abstractmethod
    async def _record(self, outcome: ChangeOutcome, reason: str = "") -> None:
        """How it ended, in the store."""

    async def _carried_out(self, work: Coroutine[Any, Any, None]) -> ChangeOutcome:
        """Do it, to whatever end, and record an end that is not its own."""
        outcome = ChangeOutcome.COMPLETED
        try:
            await work
        except SagaStopped as stop:
            outcome = ChangeOutcome.COMPENSATED
            await self._saga.to_its_end(self._record(outcome, str(stop)))
        except asyncio.CancelledError:
            await self._saga.to_its_end(self._record(ChangeOutcome.CANCELLED, "cancelled"))
            raise
        await self._saga.to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        return outcome

    async def _assessed(self) -> Assessed:
        """Check and get approved, until it may be done or is stopped."""
        approved = ""
        while True:
            found = await self._assess()
            if found.refusals:
                await self._refused(found)
            elif found.approvals and approved != found.content_hash:
                # After an approval all is looked at again: the invoice may stand elsewhere now.
                approved = await self._approval(found)
            else:
                self._saga.mark("assess", StepState.DONE)
                return found

    async def _assess(self) -> Assessed:
        found = await self._saga.run(Step(name="assess", act=self._look))
        self._desk.contract = found.contract
        if found.contract is not None:
            self._desk.customer_key = found.contract.customer_key
        return found

    async def _refused(self, found: Assessed) -> None:
        first = found.refusals[0]
        self._saga.mark("assess", StepState.STUCK, first.code)
        decision = await self._desk.ask(
            "billing.rejected",
            "assess",
            code=first.code,
            summary=f"{found.invoice_number or 'The invoice'} {self.refused_as}: {first.action}",
            evidence={one.field: f"{one.code}: {one.action}" for one in found.refusals},
            allowed=(DecisionKind.RETRY, DecisionKind.ABORT),
        )
        if decision.decision is DecisionKind.ABORT:
            raise SagaStopped("assess")

    async def _approval(self, found: Assessed) -> str:
        self._saga.mark("assess", StepState.STUCK, "waiting for approval")
        decision = await self._desk.ask(
            "deal.approval",
            "assess",
            code="approval",
            summary=f"{self.asked_as} {found.invoice_number} needs approval: "
            + "; ".join(reason.detail for reason in found.approvals),
            evidence={reason.rule: reason.detail for reason in found.approvals},
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
            at_risk=self._at_risk(found),
        )
        if decision.decision is not DecisionKind.APPROVE:
            raise SagaStopped("assess")
        return found.content_hash

    def _tell(self) -> None:
        workflow.set_current_details(
            current_details(self._status(), self._desk.contract, self._desk.customer_name)
        )
