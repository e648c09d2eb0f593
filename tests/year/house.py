"""The part of the local stack that the lives run on: all but relay and workers, which are ours. Its
bridge takes the biller's events in; its Temporal server has no work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dealthread.stack import info
from dealthread.stack.down import down
from dealthread.stack.environment import app_environment
from dealthread.stack.info import StackInfo
from dealthread.stack.plan import Report
from dealthread.stack.up import up

PARTS = (
    "migrations",
    "bridge",
    "tryton-proxy",
    "salesforce",
    "stripe",
    "entitlement-proxy",
    "customer-success-proxy",
    "communications",
)


@contextmanager
def house(root: Path, report: Report) -> Iterator[StackInfo]:
    """Up and healthy; stopped at the end, its data kept. The adapters find their settings."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)  # under root, PostgreSQL runs as another user and passes through
    up(root, True, None, report, only=PARTS)
    try:
        stack = info.read(root)
        assert stack is not None
        os.environ.update(app_environment(stack))
        # Of a run that was stopped on its way.
        httpx.delete(f"{stack.urls.tryton}/_sim/faults", trust_env=False).raise_for_status()
        yield stack
    finally:
        if not os.environ.get("DEALTHREAD_KEEP"):
            down(root, report)
