"""The servers of the bench in a folder of their own, started as the local stack starts them.

PostgreSQL with fsync on, the Temporal development server on a file with the stack's flags, the
wire simulators, the bridge, a bare endpoint, and one process with all workers. Left out, compared
with `dealthread up`: Tryton, the fault proxies, the relay, and what the simulators do on the side
(state files, webhooks), which is no work of the product.
"""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from dealthread.attributes import SERVER_TYPES
from dealthread.stack import environment, health, parts
from dealthread.stack.child import Child
from dealthread.stack.environment import ENTITLEMENT, app_environment
from dealthread.stack.info import StackInfo
from dealthread.stack.installation import establish
from dealthread.stack.plan import Launch, Part, Report, select
from dealthread.stack.ports import HOST
from tests.bench.sizes import STRIPE_CALLS_PER_SECOND

BARE_PORT = "customer_success"
"""Of the stack's ports, one that nobody uses here."""
BENCH = "bench"
_GROUND = ("migrations", "search-attributes", "bridge")
_ON_THE_SIDE = (
    "DEALTHREAD_SIM_STATE",
    "DEALTHREAD_SIM_WEBHOOK_URL",
    "DEALTHREAD_SIM_WEBHOOK_SECRETS",
)
_NO_LEDGER = {
    # The adapter is made and never asked: a fake stands behind the port.
    "DEALTHREAD_TRYTON_USER": "nobody",
    "DEALTHREAD_TRYTON_PASSWORD": "none",
    "DEALTHREAD_TRYTON_COMPANIES": "{}",
}


@dataclass
class House:
    """What runs, and what it has used of the processors."""

    stack: StackInfo
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def bare_url(self) -> str:
        """The bare endpoint."""
        return f"http://{HOST}:{self.stack.ports[BARE_PORT]}"

    def settings(self) -> dict[str, str]:
        """Environment of our programs."""
        return (
            app_environment(self.stack)
            | _NO_LEDGER
            | {
                "DEALTHREAD_ENTITLEMENT_URL": self.stack.urls.entitlement_direct,
                "DEALTHREAD_STRIPE_CALLS_PER_SECOND": str(STRIPE_CALLS_PER_SECOND),
                # The sandbox imports workflow modules anew for each run: without compiled files,
                # which an environment may forbid, it would compile them each time.
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPYCACHEPREFIX": str(self.stack.layout.run / "pycache"),
            }
        )

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each part so far, this process (the load generator) among them."""
        used = {name: _used(child.record.pid) for name, child in self.children.items()}
        own = psutil.Process().cpu_times()
        return used | {BENCH: own.user + own.system}


@contextmanager
def house(report: Report) -> Iterator[House]:
    """Everything up and healthy; gone at the end, folder included."""
    root = Path(tempfile.mkdtemp(prefix="dt-bench-"))
    root.chmod(0o755)  # under root, PostgreSQL runs as another user and passes through
    made = House(establish(root, None))
    before = signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        stack.callback(signal.signal, signal.SIGTERM, before)
        for step in (*select(parts.plan(made.stack, SERVER_TYPES), _GROUND), *_own_parts(made)):
            if not isinstance(step, Part):
                step.run(report)
                continue
            child = made.children[step.name] = Child(step, made.stack.layout)
            child.launch()
            stack.callback(child.finish)
            stack.callback(child.ask_to_stop)
            wait_for(child)
        yield made


def _own_parts(made: House) -> list[Part]:
    stack = made.stack
    ready = stack.layout.ready_file("worker")
    receiver = environment.receiver_environment(stack, ENTITLEMENT)
    silent = _without_webhooks(environment.stripe_environment(stack))
    return [
        _server(
            "salesforce",
            "dealthread.simulators.salesforce",
            stack.ports["salesforce"],
            _without(environment.salesforce_environment(stack), *_ON_THE_SIDE),
        ),
        _server("stripe", "dealthread.simulators.stripe", stack.ports["stripe"], silent),
        _server(
            "entitlement",
            "dealthread.simulators.receivers",
            stack.ports["entitlement_direct"],
            _without(receiver, "DEALTHREAD_SIM_STATE"),
            "--role",
            ENTITLEMENT,
        ),
        replace(
            _server("bare-endpoint", "tests.bench.bare_endpoint", stack.ports[BARE_PORT], {}),
            healthy=health.http_ok(f"{made.bare_url}/healthz"),
        ),
        Part(
            name="worker",
            launch=lambda: Launch(
                parts.python_module("tests.bench.worker"),
                importable(made.settings() | {"DEALTHREAD_READY_FILE": str(ready)}),
            ),
            healthy=health.sign_of_life(ready),
            ready_file=ready,
            stop_seconds=parts.WORKER_STOP_SECONDS,
        ),
    ]


def _without_webhooks(stripe: Mapping[str, str]) -> dict[str, str]:
    # With nobody listening, deliveries would be tried again and again.
    name = "DEALTHREAD_SIM_STRIPE_ACCOUNTS"
    accounts = [
        {key: value for key, value in account.items() if not key.startswith("webhook_")}
        for account in json.loads(stripe[name])
    ]
    return _without(stripe, *_ON_THE_SIDE) | {name: json.dumps(accounts)}


def _server(
    name: str, module: str, port: int, settings: Mapping[str, str], *arguments: str
) -> Part:
    url = f"http://{HOST}:{port}"
    command = parts.python_module(module, "--port", str(port), *arguments)
    return Part(
        name=name,
        launch=lambda: Launch(command, importable(settings)),
        healthy=health.http_ok(f"{url}/_sim/health"),
        url=url,
    )


def importable(settings: Mapping[str, str]) -> dict[str, str]:
    """Environment of a program that finds our sources."""
    return {**settings, "PYTHONPATH": str(parts.source_root())}


def _without(settings: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in names}


def wait_for(child: Child) -> None:
    """Until it is healthy. Raises RuntimeError with its last words."""
    deadline = time.monotonic() + child.part.start_seconds
    while not child.is_healthy():
        if child.exit_code is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{child.part.name} does not start: {child.last_words()}")
        time.sleep(0.05)


def _used(pid: int) -> float:
    """Seconds of a process and its children, those that have ended included."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                total += times.children_user + times.children_system
    return total


def _leave(*_: object) -> None:
    raise SystemExit(143)
