"""The local stack without relay and workers, and the programs that the profile starts and kills."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dealthread.attributes import SERVER_TYPES
from dealthread.stack import info
from dealthread.stack.down import down
from dealthread.stack.environment import app_environment
from dealthread.stack.info import StackInfo
from dealthread.stack.plan import Report
from dealthread.stack.up import up

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "bridge",
    "tryton-proxy",
    "salesforce",
    "stripe",
    "entitlement-proxy",
    "customer-success-proxy",
    "communications",
)
READY_SECONDS, STOP_SECONDS = 60.0, 75.0


@contextmanager
def house(root: Path, report: Report) -> Iterator[StackInfo]:
    """Up and healthy; stopped at the end, its data kept."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)  # under root, PostgreSQL runs as another user and passes through
    up(root, True, None, report, search_attributes=SERVER_TYPES, only=PARTS)
    try:
        stack = info.read(root)
        assert stack is not None
        # Of a run that was stopped on its way.
        httpx.delete(f"{stack.urls.tryton}/_sim/faults", trust_env=False).raise_for_status()
        yield stack
    finally:
        down(root, report)


class Programs:
    """Our own programs with the stack's settings and the profile's."""

    def __init__(self, stack: StackInfo, settings: dict[str, str]) -> None:
        self._stack = stack
        self._settings = settings
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []

    @contextmanager
    def running(self) -> Iterator[Programs]:
        """Stopped at the end of the block."""
        try:
            yield self
        finally:
            alive = [process for _, process in self._started if process.poll() is None]
            for process in alive:
                process.terminate()
            for process in alive:
                process.wait(STOP_SECONDS)

    def start_ready(self, module: str) -> None:
        """`python -m …`, until it says that it is ready."""
        number = len(self._started)
        ready = self._stack.layout.run / f"outage-{number}.ready"
        ready.unlink(missing_ok=True)
        log = self._stack.layout.logs / f"outage-{number}-{module}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=os.environ
                | app_environment(self._stack)
                | self._settings
                | {"DEALTHREAD_READY_FILE": str(ready)},
                stdout=output,
                stderr=output,
            )
        self._started.append((module, process))
        deadline = time.monotonic() + READY_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{module} did not start: read {log}")
            time.sleep(0.2)

    def kill_one(self, module: str) -> None:
        """The first one that still runs, without a chance to say goodbye."""
        process = next(
            process for name, process in self._started if name == module and process.poll() is None
        )
        process.kill()
        process.wait()
