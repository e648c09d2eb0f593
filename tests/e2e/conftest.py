"""The whole local stack for a test session, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dealthread.config import load_config
from dealthread.sandbox import worked_deals
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.selling import SalesDesk
from dealthread.sandbox.stripe_catalogue import billing_clients, ensure_catalogue
from dealthread.stack import info
from dealthread.stack.down import down
from dealthread.stack.environment import app_environment
from dealthread.stack.info import StackInfo
from dealthread.stack.up import up
from tests.support.stack_order import pytest_collection_modifyitems, pytest_pycollect_makemodule

ROOT = Path(__file__).resolve().parents[2]
__all__ = ["pytest_collection_modifyitems", "pytest_pycollect_makemodule"]


PARTS = (
    "bridge",
    "tryton-proxy",
    "salesforce",
    "stripe",
    "entitlement-proxy",
    "customer-success-proxy",
    "communications",
)


@pytest.fixture(scope="session")
def stack() -> Iterator[StackInfo]:
    """Everything `make up` starts but relay and worker, which tests start and kill themselves.

    Removed at the end; kept when DEALTHREAD_KEEP is set.
    """
    root = Path(tempfile.mkdtemp(prefix="dt-e2e-"))
    root.chmod(0o755)
    try:
        up(root, True, None, lambda line: print(line, flush=True), only=PARTS)
        stack = info.read(root)
        assert stack is not None
        yield stack
    finally:
        down(root, lambda line: print(line, flush=True))
        if not os.environ.get("DEALTHREAD_KEEP"):
            shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def sales(stack: StackInfo) -> Iterator[SalesDesk]:
    """A salesperson with the price book, at the simulators through the vendors' clients."""
    config = load_config(stack.config_dir)
    with ExitStack() as held:
        org = SalesforceOrg(stack)
        held.callback(org.close)
        clients = held.enter_context(billing_clients(stack))
        book = worked_deals.worked_price_book(org, config)
        ensure_catalogue(clients, config)
        yield SalesDesk(org, book, clients, config)


@pytest.fixture(scope="session")
def operator(stack: StackInfo) -> Iterator[ProcessApi]:
    """The process API as the operator."""
    with ProcessApi(stack, stack.credentials.operator_token) as api:
        yield api


class Programs:
    """Our own programs with the stack's settings, killed by id at the end of a test."""

    def __init__(self, stack: StackInfo, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """`python -m …`."""
        log = self._stack.layout.logs / f"test-{arguments[0]}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=os.environ | app_environment(self._stack) | settings,
                stdout=output,
                stderr=output,
            )
        self._started.append(process)
        return process

    def start_ready(self, module: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a program that gives a sign of life, and wait for it."""
        ready = self._folder / f"{module}-{len(self._started)}.ready"
        process = self.start(module, DEALTHREAD_READY_FILE=str(ready), **settings)
        until(ready.exists, 60, f"{module} is ready")
        return process

    def stop(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            process.wait(75)


@pytest.fixture
def programs(stack: StackInfo, tmp_path: Path) -> Iterator[Programs]:
    """Start programs in a test; they are gone after it."""
    made = Programs(stack, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def office(programs: Programs) -> None:
    """The ordinary worker and relay."""
    programs.start_ready("workers")
    programs.start_ready("dealthread.bridge.relay")


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as the condition holds; fail after a bounded time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen in time: {what}"
        time.sleep(0.2)
