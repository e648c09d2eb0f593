"""A question to the systems while the caller waits: a workflow that reads, within a time budget."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError
from temporalio.service import RPCError
from temporalio.types import MethodAsyncSingleParam

from dealthread.bridge.problems import Unanswered, problem
from dealthread.bridge.resources import Resources
from dealthread.errors import ErrorKind
from dealthread.failure import problem_of
from dealthread.naming import WORKFLOW_QUEUE
from dealthread.temporal import RPC_TIMEOUT

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Question:
    """`id` says in the workflow's id what is asked; each asking has a workflow of its own."""

    id: str
    summary: str
    budget_seconds: float
    slow: str
    """Code of the answer when a system is too slow, or away."""
    otherwise: str = ""
    """What the caller may do instead of asking again."""
    names: str = ""
    """The field that names what a system may not know."""


async def answer_to(
    held: Resources, run: MethodAsyncSingleParam[Any, P, R], order: P, question: Question
) -> R:
    """The workflow's answer. Raises Unanswered with the problem to show."""
    try:
        async with asyncio.timeout(question.budget_seconds):
            client = await held.temporal()
            handle = await client.start_workflow(
                run,
                order,
                # Nobody is given what was read before he asked, and nobody's question is ended by
                # another's: no business key can tell two askings of the same apart.
                id=f"{question.id}:{uuid.uuid4().hex[:12]}",
                task_queue=WORKFLOW_QUEUE,
                # Then nobody waits for it any more.
                execution_timeout=timedelta(seconds=question.budget_seconds + 5),
                static_summary=question.summary,
                rpc_timeout=RPC_TIMEOUT,
            )
            return await handle.result()
    except TimeoutError:
        raise _slow(question, f"a system is slow: ask again later{question.otherwise}") from None
    except RPCError:
        raise Unanswered(
            problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
        ) from None
    except WorkflowFailureError as failure:
        raise _failed(question, failure) from None


def _slow(question: Question, action: str) -> Unanswered:
    return Unanswered(problem(504, question.slow, action=action))


def _failed(question: Question, failure: WorkflowFailureError) -> Unanswered:
    """A system is away, does not know what was named, or there is a fault of ours."""
    cause = failure.cause
    if not isinstance(cause, ActivityError):
        return _slow(question, "ask again later")
    found = problem_of(cause)
    if question.names and found.kind is ErrorKind.NOT_FOUND:
        return Unanswered(
            problem(404, found.details.code, field=question.names, action="check the id")
        )
    if found.is_unavailable or found.is_uncertain:
        return _slow(question, f"a system does not answer: ask again later{question.otherwise}")
    return Unanswered(
        problem(502, found.details.code, action="see the bridge's and the worker's logs")
    )
