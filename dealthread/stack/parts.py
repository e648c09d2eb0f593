"""The parts of the local stack: what runs, where it answers, what it needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from dealthread.stack import defaults, environment, health, info, temporal
from dealthread.stack.environment import (
    COMMUNICATIONS,
    CUSTOMER_SUCCESS,
    ENTITLEMENT,
    app_environment,
)
from dealthread.stack.errors import StackError
from dealthread.stack.info import StackInfo
from dealthread.stack.ledger import NAME as TRYTON
from dealthread.stack.ledger import TrytonSteps
from dealthread.stack.plan import Launch, Part, Plan, Report, Step, Task
from dealthread.stack.ports import HOST
from dealthread.stack.postgres import STOP_SIGNAL as POSTGRES_STOP_SIGNAL
from dealthread.stack.postgres import PostgresProgram

# Graceful end of a worker: running activities are awaited (40 s) before it leaves.
WORKER_STOP_SECONDS = 45.0


def plan(stack: StackInfo, search_attributes: Mapping[str, str]) -> Plan:
    """All steps, in the order in which a person would name them."""
    return (
        *_engines(stack, search_attributes),
        *_simulators(stack),
        *_application(stack),
    )


def _engines(stack: StackInfo, search_attributes: Mapping[str, str]) -> list[Step]:
    program = PostgresProgram(stack.layout.postgres_data, stack.postgres_socket_folder)

    def launch_postgres() -> Launch:
        program.prepare()
        return Launch(program.command(), account=program.account)

    def make_databases(report: Report) -> None:
        for role in (defaults.DATABASE_ROLE, defaults.TRYTON_ROLE):
            stack.postgres.ensure_role(role)
        if stack.postgres.ensure_database(defaults.DATABASE, defaults.DATABASE_ROLE):
            report(f"created the database {defaults.DATABASE}")

    def launch_temporal() -> Launch:
        temporal.write_options(stack.layout.temporal_options, stack.urls.codec)
        return Launch(
            temporal.serve_command(
                database=stack.layout.temporal_database,
                port=stack.ports["temporal"],
                ui_port=stack.ports["temporal_ui"],
                metrics_port=stack.ports["temporal_metrics"],
                namespace=stack.namespace,
                options=stack.layout.temporal_options,
            )
        )

    def register_search_attributes(report: Report) -> None:
        added = temporal.register_search_attributes(
            address=stack.urls.temporal_address,
            ui_url=stack.urls.temporal_ui,
            namespace=stack.namespace,
            wanted=search_attributes,
        )
        if added:
            report("registered " + ", ".join(added))

    return [
        Part(
            name="postgres",
            launch=launch_postgres,
            healthy=health.postgres_ok(stack.postgres),
            url=str(stack.postgres_socket_folder),
            stop_signal=POSTGRES_STOP_SIGNAL,
            stop_seconds=20,
        ),
        Task(name="databases", run=make_databases, needs=("postgres",)),
        Part(
            name="temporal",
            launch=launch_temporal,
            # The Web UI's own page answers before the server behind it does and proves nothing.
            healthy=health.http_ok(f"{stack.urls.temporal_ui}/api/v1/namespaces/{stack.namespace}"),
            url=stack.urls.temporal_ui,
        ),
        Task(
            name="search-attributes",
            run=register_search_attributes,
            needs=("temporal",),
        ),
        *TrytonSteps(stack).steps(),
        fault_proxy(stack, TRYTON, "tryton", stack.urls.tryton_direct),
    ]


def _simulators(stack: StackInfo) -> list[Step]:
    urls = stack.urls
    return [
        _simulator(stack, "salesforce", urls.salesforce, environment.salesforce_environment(stack)),
        _simulator(stack, "stripe", urls.stripe, environment.stripe_environment(stack)),
        _receiver(stack, ENTITLEMENT, urls.entitlement_direct),
        fault_proxy(stack, ENTITLEMENT, "entitlement", urls.entitlement_direct),
        _receiver(stack, CUSTOMER_SUCCESS, urls.customer_success_direct),
        fault_proxy(stack, CUSTOMER_SUCCESS, "customer_success", urls.customer_success_direct),
        _receiver(stack, COMMUNICATIONS, urls.communications),
    ]


def _application(stack: StackInfo) -> list[Step]:
    def settings() -> dict[str, str]:
        # Read again: preparing Tryton adds its access to stack.json.
        return app_environment(info.read(stack.root) or stack)

    ground = ("migrations", "search-attributes")
    bridge = python_module(
        "dealthread.bridge", "--host", HOST, "--port", str(stack.ports["bridge"])
    )

    def migrate(report: Report) -> None:
        run_once(stack, "migrations", ["-m", "alembic", "upgrade", "head"], settings())
        report("the database schema is current")

    return [
        Task(name="migrations", run=migrate, needs=("databases",)),
        Part(
            name="bridge",
            launch=lambda: Launch(bridge, _importable(settings())),
            healthy=health.http_ok(f"{stack.urls.bridge}/healthz"),
            needs=ground,
            url=stack.urls.bridge,
        ),
        _portless(stack, "relay", "dealthread.bridge.relay", settings, ground, 15.0),
        _portless(
            stack,
            "worker",
            "workers",
            settings,
            (
                *ground,
                f"{TRYTON}-proxy",
                "salesforce",
                "stripe",
                f"{ENTITLEMENT}-proxy",
                f"{CUSTOMER_SUCCESS}-proxy",
            ),
            WORKER_STOP_SECONDS,
        ),
    ]


def python_module(module: str, *arguments: str) -> list[str]:
    """Command line of one of our own programs."""
    return [sys.executable, "-m", module, *arguments]


def source_root() -> Path:
    """The folder that holds our packages."""
    return Path(__file__).parents[2]


def fault_proxy(stack: StackInfo, party: str, port_name: str, target: str) -> Part:
    """The fault switch and ledger before a party that has none of its own."""
    port = stack.ports[port_name]
    url = f"http://{HOST}:{port}"
    command = python_module(
        "dealthread.simulators.faultproxy", "--target", target, "--port", str(port)
    )
    return Part(
        name=f"{party}-proxy",
        launch=lambda: Launch(command, _importable({})),
        healthy=health.http_ok(f"{url}/_sim/health"),
        needs=(party,),
        url=url,
    )


def run_once(stack: StackInfo, name: str, arguments: list[str], settings: dict[str, str]) -> None:
    """Run a Python program to its end, its output going to its log."""
    log = stack.layout.log(name)
    with log.open("ab") as output:
        # Our own program from our own environment, no shell.
        done = subprocess.run(  # noqa: S603
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=source_root(),
            env=_importable(settings),
            check=False,
        )
    if done.returncode:
        raise StackError(f"{name} failed with exit code {done.returncode}", f"read {log}")


def _simulator(stack: StackInfo, name: str, url: str, settings: dict[str, str]) -> Part:
    command = python_module(
        f"dealthread.simulators.{name}", "--host", HOST, "--port", str(stack.ports[name])
    )
    return Part(
        name=name,
        launch=lambda: Launch(command, _importable(settings)),
        healthy=health.http_ok(f"{url}/_sim/health"),
        url=url,
    )


def _receiver(stack: StackInfo, role: str, url: str) -> Part:
    settings = environment.receiver_environment(stack, role)
    command = python_module(
        "dealthread.simulators.receivers", "--role", role, "--port", url.rpartition(":")[2]
    )
    return Part(
        name=role,
        launch=lambda: Launch(command, _importable(settings)),
        healthy=health.http_ok(f"{url}/_sim/health"),
        url=url,
    )


def _portless(
    stack: StackInfo,
    name: str,
    module: str,
    settings: Callable[[], dict[str, str]],
    needs: tuple[str, ...],
    stop_seconds: float,
) -> Part:
    """A part without a port: it touches its ready file when ready and as a sign of life."""
    ready = stack.layout.ready_file(name)
    return Part(
        name=name,
        launch=lambda: Launch(
            python_module(module),
            _importable(settings() | {"DEALTHREAD_READY_FILE": str(ready)}),
        ),
        healthy=health.sign_of_life(ready),
        needs=needs,
        stop_seconds=stop_seconds,
        ready_file=ready,
    )


def _importable(settings: Mapping[str, str]) -> dict[str, str]:
    """Our packages are found from any folder."""
    return {**settings, "PYTHONPATH": str(source_root())}
