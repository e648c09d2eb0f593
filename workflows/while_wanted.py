"""The desk of steps that may become needless while a person is asked about them.

What the ledger refused for good waits for a person; meanwhile its owner may take it back. It is
read again at each news of it, once a day, and before it is tried again: what nobody wants any more
is not tried, and its case closes by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from dealthread.domain.case import Decision, DecisionKind
from dealthread.failure import Problem
from dealthread.saga import Desk, Saga, Step
from workflows.desk import CaseDesk

T = TypeVar("T")
LOOK_AGAIN = timedelta(days=1)
"""How often it is read while a person thinks: no event is needed for its end."""


class NoLongerWanted(Exception):
    """Its owner took back what the step was about."""


class WhileWanted(Desk):
    """One saga's. `heard` counts news; `patch` guards the runs that were asked without."""

    def __init__(self, desk: CaseDesk, heard: Callable[[], int], patch: str) -> None:
        self._desk = desk
        self._heard = heard
        self._patch = patch
        self._seen = 0
        self._is_wanted: Callable[[Problem], Awaitable[bool]] | None = None

    async def run(
        self,
        saga: Saga,
        step: Step[T],
        seen: int,
        is_wanted: Callable[[Problem], Awaitable[bool]],
    ) -> T:
        """Take a step to its end. Raises NoLongerWanted. `seen`: the news that it was read after.

        An owner who is away when `is_wanted` reads has taken nothing back.
        """
        self._seen, self._is_wanted = seen, is_wanted
        try:
            return await saga.run(step)
        finally:
            self._is_wanted = None

    async def decide(
        self, step: str, problem: Problem, allowed: tuple[DecisionKind, ...], *, undoing: bool
    ) -> Decision:
        """Open a case and wait for its decision. Raises NoLongerWanted."""
        is_wanted = self._is_wanted
        if is_wanted is None or not workflow.patched(self._patch):
            return await self._desk.decide(step, problem, allowed, undoing=undoing)
        asking = asyncio.ensure_future(self._desk.decide(step, problem, allowed, undoing=undoing))
        # Until the case is open there is none to withdraw.
        await workflow.wait_condition(lambda: asking.done() or self._desk.open_case is not None)
        while not asking.done():
            await self._news_or_a_day(asking)
            if not asking.done() and await _is_gone(is_wanted, problem):
                await self._desk.withdraw(asking, "what it is about was taken back")
                raise NoLongerWanted(step)
        if await _is_gone(is_wanted, problem):
            raise NoLongerWanted(step)
        return asking.result()

    async def _news_or_a_day(self, asking: asyncio.Future[Decision]) -> None:
        """Until there is a decision, news, or a day has passed."""
        try:
            await workflow.wait_condition(
                lambda: asking.done() or self._heard() > self._seen, timeout=LOOK_AGAIN
            )
        except TimeoutError:
            return
        self._seen = self._heard()


async def _is_gone(is_wanted: Callable[[Problem], Awaitable[bool]], problem: Problem) -> bool:
    try:
        return not await is_wanted(problem)
    except ActivityError:
        return False
