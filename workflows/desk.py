"""Where a saga waits for people: one open case at a time, decided by an Update.

The store decides (compare-and-set on the case's version), the workflow applies. A decision that
comes twice is applied once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.hub import HubActivities
from activities.inputs import AskedBefore, OpenCase, SettleCase
from dealthread.attributes import NEEDS_ATTENTION
from dealthread.domain.case import KINDS, Case, CaseOpening, Decision, DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.transaction import SagaContext
from dealthread.errors import ErrorKind
from dealthread.failure import Problem
from dealthread.naming import case_key
from dealthread.policies import STORE

_DEFAULT_KINDS = {
    ErrorKind.OUTCOME_UNKNOWN: "integration.outcome_unknown",
    ErrorKind.ATTEMPT_IN_FLIGHT: "integration.outcome_unknown",
    ErrorKind.AUTH_REJECTED: "integration.credentials",
    ErrorKind.NOT_FOUND: "deal.reopened",
    ErrorKind.BAD_INPUT: "deal.invalid_terms",
}
STALE = "stale_decision"


class CaseDesk:
    """Opens cases for one saga and holds the decision each waits for."""

    def __init__(
        self,
        context: SagaContext,
        titles: dict[str, str],
        requested_by: str,
        changed: Callable[[], None],
    ) -> None:
        self.context = context
        self._titles = titles
        self._requested_by = requested_by
        self._changed = changed
        self._occurrences: dict[str, int] = {}
        self._decisions: dict[tuple[str, int], Decision] = {}
        self.open_case: Case | None = None
        self._opening = ""
        """Id of a case that is being opened: people may decide it before we hear of it."""
        self.contract: Contract | None = None
        self.customer_key = ""
        self.customer_name = ""

    def move_to(self, context: SagaContext, customer_key: str) -> None:
        """Whose cases these are, where that is known only once something was read."""
        self.context = context
        self.customer_key = customer_key

    async def decide(
        self, step: str, problem: Problem, allowed: tuple[DecisionKind, ...], *, undoing: bool
    ) -> Decision:
        """Open a case for a stuck step and wait for its decision."""
        kind = "integration.undo_failed" if undoing else self._kind(step, problem)
        details = problem.details
        evidence = {**details.evidence, "code": details.code}
        if details.field:
            evidence["field"] = details.field
        return await self.ask(
            kind,
            step,
            code=details.code,
            summary=f"{self._titles[step]}: {KINDS[kind].title.lower()} ({details.code})",
            evidence=evidence,
            allowed=allowed,
        )

    async def ask(
        self,
        kind: str,
        step: str,
        *,
        code: str,
        summary: str,
        evidence: dict[str, str],
        allowed: tuple[DecisionKind, ...],
        at_risk: Money | None = None,
        within: timedelta | None = None,
        once: bool = False,
    ) -> Decision:
        """Open a case of a kind and wait, as long as it takes. `within`: when the decision has to
        be there, where that is not the kind's own time. `once`: what was decided for an earlier run
        under the same id stands."""
        case_id = self._case_id(step)
        self._occurrences[case_id] = occurrence = self._occurrences.get(case_id, 0) + 1
        contract = self.contract
        names = list(self._titles)
        opening = CaseOpening(
            case_id=case_id,
            occurrence=occurrence,
            run=workflow.info().first_execution_run_id,
            kind=kind,
            business_key=self.context.business_key,
            generation=self.context.generation,
            contract_key=self.context.contract_key,
            workflow_id=workflow.info().workflow_id,
            step=step,
            code=code,
            summary=summary,
            evidence=evidence,
            blocked_steps=tuple(names[names.index(step) :]),
            allowed=allowed,
            money_at_risk=at_risk or (contract.tcv() if contract is not None else None),
            customer_key=self.customer_key,
            customer_name=self.customer_name,
            legal_entity=contract.seller if contract is not None else "",
            region=contract.seller_region if contract is not None else "",
            requested_by=self._requested_by,
            decide_within_seconds=None if within is None else int(within.total_seconds()),
            once=once,
        )
        with self._being_opened(case_id):
            self.open_case = await workflow.execute_activity_method(
                HubActivities.open_case,
                OpenCase(context=self.context, opening=opening),
                summary=f"Open case {case_id}",
                **STORE,
            )
        if self.open_case.decision is not None:
            return self._decided_before(self.open_case, self.open_case.decision)
        self._attention(True)
        key = (self.open_case.case_id, self.open_case.version)
        try:
            await workflow.wait_condition(lambda: key in self._decisions)
        except asyncio.CancelledError:
            # Not "finally": when a worker drops a waiting run, nothing may touch the workflow.
            self._close()
            raise
        self._close()
        return self._decisions[key]

    def _decided_before(self, case: Case, decision: DecisionKind) -> Decision:
        self.open_case = None
        return Decision(
            case_id=case.case_id, version=case.version, decision=decision, actor=case.decided_by
        )

    async def withdraw(self, asking: asyncio.Future[Decision], note: str) -> bool:
        """Close the case that is asked about, since it has answered itself; False where a person
        was first."""
        await workflow.wait_condition(lambda: asking.done() or self.open_case is not None)
        opened = self.open_case
        asking.cancel()
        await workflow.wait([asking])
        if opened is None:
            return False
        await workflow.execute_activity_method(
            HubActivities.settle_case,
            SettleCase(case_id=opened.case_id, version=opened.version, note=note),
            summary=f"Close case {opened.case_id}",
            **STORE,
        )
        return True

    @contextmanager
    def _being_opened(self, case_id: str) -> Iterator[None]:
        """Meanwhile a decision on it is kept."""
        self._opening = case_id
        try:
            yield
        finally:
            self._opening = ""

    async def was_left_to_people(self) -> bool:
        """Whether a person has ended an earlier run of this business key at one of its cases."""
        asked = tuple(self._case_id(step) for step in self._titles)
        return await workflow.execute_activity_method(
            HubActivities.is_aborted,
            AskedBefore(case_ids=asked),
            summary="Whether a person has ended it before",
            **STORE,
        )

    def _close(self) -> None:
        self.open_case = None
        self._attention(False)

    def validate(self, decision: Decision) -> None:
        """Refuse a decision that is not for the open case. Reads only."""
        if (decision.case_id, decision.version) in self._decisions:
            return
        if decision.case_id == self._opening:
            # Kept under its version; one for a version of before is never asked for.
            return
        case = self.open_case
        if case is None or case.case_id != decision.case_id or case.version != decision.version:
            raise ApplicationError(
                "the case is not open at this version", type=STALE, non_retryable=True
            )

    def accept(self, decision: Decision) -> None:
        """Keep the decision for the step that waits; the first one of a version stands."""
        self._decisions.setdefault((decision.case_id, decision.version), decision)

    def _attention(self, needed: bool) -> None:
        self._changed()
        workflow.upsert_search_attributes([NEEDS_ATTENTION.value_set(needed)])

    def _kind(self, step: str, problem: Problem) -> str:
        if problem.details.case_kind in KINDS:
            return problem.details.case_kind
        if step == "entitlement":
            return "entitlement.failed"
        if problem.is_unavailable and step in ("booking", "confirm"):
            return "erp.unavailable"
        if problem.is_unavailable:
            return "integration.outcome_unknown"
        return _DEFAULT_KINDS.get(problem.kind, "integration.contract_drift")

    def _case_id(self, step: str) -> str:
        context = self.context
        return case_key(f"{context.business_key}#{context.generation}/{step}")
