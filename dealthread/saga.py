"""The saga helper: a sequence of business steps, each with its undo registered before the act.

What it guarantees (measured wrong ways and this one: docs/adr/0004):

- An act is never cancelled in flight. Its end is awaited, then a cancellation is honoured.
- A step that timed out is uncertain, not failed: its undo stays registered and looks.
- Undos run in reverse on failure and on cancellation; further cancellations change nothing.
- A failing undo becomes a case, as does one whose system stays away; it never loses the rest.
- Once the pivot is crossed the saga only goes forward: a cancellation is noted and refused.

Runs inside workflows: no clock, no randomness, no I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import JsonValue
from temporalio.exceptions import ActivityError

from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.transaction import StepRecord, StepState
from dealthread.failure import Problem, problem_of

T = TypeVar("T")


class SagaStopped(Exception):
    """A person decided to stop before the pivot."""


class Deferred(Exception):
    """The other side stayed unavailable; the step is to be taken later, under the same key."""


class Desk(Protocol):
    """Where a stuck step waits for a person."""

    async def decide(
        self, step: str, problem: Problem, allowed: tuple[DecisionKind, ...], *, undoing: bool
    ) -> Decision:
        """Open a case and wait, durably, for its decision."""


@dataclass(frozen=True)
class Step(Generic[T]):
    """One business step.

    `act` is called again on every retry, so that a correction reaches it. `link` reads a document
    that a person named and returns it as the step's result. The undo must succeed when there is
    nothing to undo.
    """

    name: str
    act: Callable[[], Awaitable[T]]
    undo: Callable[[], Awaitable[object]] | None = None
    link: Callable[[str], Awaitable[T]] | None = None
    correct: Callable[[dict[str, JsonValue]], None] | None = None
    pivot: bool = False
    deferrable: bool = False
    """Unavailability raises `Deferred` instead of opening a case."""


class Saga:
    """Runs steps, keeps their ledger, undoes them."""

    def __init__(
        self, titles: dict[str, str], desk: Desk, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._records = {
            name: StepRecord(name=name, title=title, state=StepState.PENDING)
            for name, title in titles.items()
        }
        self._desk = desk
        self._changed = changed
        self._undos: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self.pivot_crossed = False
        self.cancel_asked = False
        self.residue: list[str] = []

    def ledger(self) -> tuple[StepRecord, ...]:
        """Steps in order: done, running, stuck, undone, pending."""
        return tuple(self._records.values())

    def mark(self, name: str, state: StepState, detail: str = "") -> None:
        """Record where a step stands."""
        self._records[name] = self._records[name].model_copy(
            update={"state": state, "detail": detail}
        )
        self._changed()

    def name_pivot(self, name: str) -> None:
        """Say in the ledger which step is the pivot of this run."""
        self._records[name] = self._records[name].model_copy(update={"pivot": True})

    async def run(self, step: Step[T]) -> T:
        """Take one step to its end, through as many cases as it needs.

        Raises SagaStopped when a person aborts, CancelledError when a cancellation was asked and
        the pivot is not crossed.
        """
        self.raise_if_cancelled()
        if step.undo is not None:
            self._undos.append((step.name, step.undo))
        attempt: Callable[[], Awaitable[T]] = step.act
        while True:
            self.mark(step.name, StepState.RUNNING)
            try:
                result = await self.to_its_end(attempt())
            except ActivityError as error:
                problem = problem_of(error)
                if step.deferrable and problem.is_unavailable:
                    self.mark(step.name, StepState.PENDING, "deferred: unavailable")
                    raise Deferred(step.name) from None
                attempt = await self._ask(step, problem)
                continue
            if step.pivot:
                self.pivot_crossed = True
            self.mark(step.name, StepState.DONE)
            self.raise_if_cancelled()
            return result

    async def _ask(self, step: Step[T], problem: Problem) -> Callable[[], Awaitable[T]]:
        """Let a person decide about a stuck step; returns what to try next."""
        self.mark(step.name, StepState.STUCK, problem.details.code)
        if not problem.is_uncertain:
            self.raise_if_cancelled()
        decision = await self._wait(
            self._desk.decide(step.name, problem, self._allowed(step, problem), undoing=False),
            # While the pivot is uncertain it may have been crossed: nothing may be undone.
            may_cancel=not self.pivot_crossed and not (step.pivot and problem.is_uncertain),
        )
        if decision.decision is DecisionKind.ABORT:
            raise SagaStopped(step.name)
        if decision.decision is DecisionKind.LINK and step.link is not None:
            link = step.link
            return lambda: link(decision.link_to)
        if decision.decision is DecisionKind.RETRY_WITH and step.correct is not None:
            step.correct(decision.correction)
        return step.act

    def _allowed(self, step: Step[T], problem: Problem) -> tuple[DecisionKind, ...]:
        allowed = [DecisionKind.RETRY]
        if step.correct is not None:
            allowed.append(DecisionKind.RETRY_WITH)
        if step.link is not None:
            allowed.append(DecisionKind.LINK)
        if not self.pivot_crossed and not (step.pivot and problem.is_uncertain):
            allowed.append(DecisionKind.ABORT)
        return tuple(allowed)

    async def compensate(self) -> None:
        """Undo in reverse. Awaited to its end whatever is cancelled meanwhile."""
        await self.to_its_end(self._undo_all())

    async def _undo_all(self) -> None:
        failed: list[tuple[str, Callable[[], Awaitable[object]], Problem]] = []
        while self._undos:
            name, undo = self._undos.pop()
            problem = await self._undo(name, undo)
            if problem is not None:
                failed.append((name, undo, problem))
        while failed:
            name, undo, problem = failed.pop(0)
            decision = await self._desk.decide(name, problem, _undo_allowed(problem), undoing=True)
            if decision.decision is DecisionKind.LINK:
                self.residue.append(f"{name}: settled by {decision.link_to}")
                self.mark(name, StepState.UNDONE, f"settled by {decision.link_to}")
                continue
            again = await self._undo(name, undo)
            if again is not None:
                failed.append((name, undo, again))

    async def _undo(self, name: str, undo: Callable[[], Awaitable[object]]) -> Problem | None:
        self.mark(name, StepState.UNDOING)
        problem = await _tried(undo)
        if problem is not None:
            self.mark(name, StepState.STUCK, problem.details.code)
        else:
            self.mark(name, StepState.UNDONE)
        return problem

    async def tell(
        self,
        name: str,
        act: Callable[[], Awaitable[object]],
        missing: str,
        waits: Callable[[], bool] = lambda: True,
    ) -> None:
        """Tell a system how the run ended. A refusal leaves what is missing as a residue; a system
        that stays away becomes a case, where the run `waits` for it."""
        before = self._records[name]
        while (problem := await _tried(act)) is not None:
            is_away = problem.is_unavailable or problem.is_uncertain
            if not (is_away and waits()):
                self.residue.append(f"{name}: {missing}")
                return
            self.mark(name, StepState.STUCK, problem.details.code)
            await self._desk.decide(name, problem, (DecisionKind.RETRY,), undoing=True)
            self.mark(name, before.state, before.detail)

    def raise_if_cancelled(self) -> None:
        """Honour a cancellation that was noted while something was in flight."""
        if self.cancel_asked and not self.pivot_crossed:
            raise asyncio.CancelledError

    async def to_its_end(self, awaitable: Awaitable[T]) -> T:
        """Await something to its end; a cancellation meanwhile is only noted."""
        return await to_its_end(awaitable, self._note_cancel)

    def _note_cancel(self) -> None:
        self.cancel_asked = True
        self._changed()

    async def _wait(self, awaitable: Awaitable[T], *, may_cancel: bool) -> T:
        """Wait for a person; a cancellation ends the wait only where undoing is allowed."""
        if not may_cancel:
            return await self.to_its_end(awaitable)
        try:
            return await awaitable
        except asyncio.CancelledError:
            self.cancel_asked = True
            raise


async def _tried(act: Callable[[], Awaitable[object]]) -> Problem | None:
    """What stood in the way of an act, or None."""
    try:
        await act()
    except ActivityError as error:
        return problem_of(error)
    return None


def _undo_allowed(problem: Problem) -> tuple[DecisionKind, ...]:
    """What may be decided about an undo that failed. While the system does not answer, nobody can
    say that a document there settles it: the undo is only tried again."""
    if problem.is_unavailable:
        return (DecisionKind.RETRY,)
    return (DecisionKind.RETRY, DecisionKind.LINK)


async def to_its_end(awaitable: Awaitable[T], cancel_asked: Callable[[], None]) -> T:
    """Await something to its end, telling of each cancellation asked meanwhile."""
    task = asyncio.ensure_future(_as_coroutine(awaitable))
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                cancel_asked()
        except Exception:  # noqa: BLE001 - it is the task's own, raised by result() below
            break
    return task.result()


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable
