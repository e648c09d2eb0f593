"""Temporal's own interruption of a slow workflow task is no fault of a test; any other one is.

On a busy machine a worker interrupts a workflow task that takes too long, and tries it again. Where
the interruption meets a callback that cannot raise (of a weak reference, say), Python reports it as
unraisable and pytest would fail the test that happens to run.
"""

from __future__ import annotations

import sys

import pytest
from temporalio.worker import _workflow

INTERRUPTED: type[BaseException] = _workflow._InterruptDeadlockError


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Stand before the hook that pytest has just set."""
    before = sys.unraisablehook

    def report(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is not INTERRUPTED:
            before(unraisable)

    sys.unraisablehook = report
