"""Workers for planned queues, all in this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from workers.holding import Holding, at_once
from workers.interceptors import ErrorTranslation
from workers.registry import QueuePlan
from workers.sandboxed import sandbox

CACHED = 1000
"""Runs in a worker's memory, the engine's own figure (docs/performance.md has what one weighs)."""
GRACE = timedelta(seconds=40)
"""On shutdown running activities are awaited this long: start-to-close and a margin. A write
that is cut off would be an unknown outcome."""


def make_workers(
    client: Client,
    plans: Sequence[QueuePlan],
    interceptors: Sequence[Interceptor] = (),
    grace: timedelta = GRACE,
    holding: Holding | None = None,
    cached: int = CACHED,
) -> list[Worker]:
    """One worker per task queue, all in this process; `holding` holds back those of ERPs. `cached`:
    runs that are kept in memory between two of their tasks."""
    return [
        Worker(
            client,
            task_queue=plan.task_queue,
            workflows=list(plan.workflows),
            activities=list(plan.activities),
            workflow_runner=sandbox(),
            max_cached_workflows=cached,
            interceptors=[
                ErrorTranslation(),
                *interceptors,
                *(holding.interceptors(plan) if holding else ()),
            ],
            **(holding.slots(plan) if holding else at_once(plan)),
            graceful_shutdown_timeout=grace,
        )
        for plan in plans
    ]
