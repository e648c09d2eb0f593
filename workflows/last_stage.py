"""The last stage of a pursuit: a case, open until a person decides it or it has answered itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

from dealthread.domain.case import KINDS, Decision
from dealthread.domain.dunning import Pursuit, outcome_of
from dealthread.saga import Saga
from workflows.collections_steps import CollectionsSteps
from workflows.desk import CaseDesk

KIND = "collections.final_stage"
LOOK_AGAIN = timedelta(days=1)
"""How often the invoice is read back while a person thinks: no event is needed for a payment."""


class LastStage:
    """One pursuit's. `heard` counts news; `asked` says whether a person ordered something."""

    def __init__(
        self,
        saga: Saga,
        desk: CaseDesk,
        steps: CollectionsSteps,
        heard: Callable[[], int],
        asked: Callable[[], bool],
    ) -> None:
        self._saga = saga
        self._desk = desk
        self._steps = steps
        self._heard = heard
        self._asked = asked

    async def decision(self, pursuit: Pursuit, seen: int) -> Decision | None:
        """What was decided; None where nobody needs to any more. `seen`: the news that the invoice
        was last read after."""
        case = asyncio.ensure_future(
            self._desk.ask(
                KIND,
                "decide",
                code="last_stage_reached",
                summary=f"{pursuit.invoice_number}: {pursuit.amount_due} is still open",
                evidence={"due_date": str(pursuit.due_date), "stage": str(pursuit.stage)},
                allowed=KINDS[KIND].decisions,
                at_risk=pursuit.amount_due,
            )
        )
        try:
            # Until the case is open there is none to withdraw.
            await workflow.wait_condition(lambda: case.done() or self._desk.open_case is not None)
            while not case.done() and not await self._has_answered_itself(pursuit):
                seen = await self._wait(case, seen)
            if case.done():
                return case.result()
        except asyncio.CancelledError:
            await self._saga.to_its_end(self._desk.withdraw(case, "the pursuit was cancelled"))
            raise
        await self._saga.to_its_end(
            self._desk.withdraw(case, "the invoice was settled, or its pursuit held or stopped")
        )
        self._saga.raise_if_cancelled()
        return None

    async def _wait(self, case: asyncio.Future[Decision], seen: int) -> int:
        """Until there is a decision, news, or a day has passed; the news heard by then."""
        try:
            await workflow.wait_condition(
                lambda: case.done() or self._heard() > seen, timeout=LOOK_AGAIN
            )
        except TimeoutError:
            return seen
        return self._heard()

    async def _has_answered_itself(self, pursuit: Pursuit) -> bool:
        if self._asked():
            return True
        if self._steps.unshown:
            await self._steps.show(pursuit, may_wait=True)
        told = await self._steps.read_if_there()
        return told is not None and outcome_of(told.bill) is not None
