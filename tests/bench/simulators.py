"""How fast a simulator answers on one core, and whether its memory stays flat.

    python -m tests.bench.simulators

Each simulator is a process of its own, held on one processor; the load comes from another.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import psutil

from tests.bench.report import Report
from tests.bench.sizes import FULL, Sizes
from tests.bench.wire import CONNECTIONS, request, send_all

ORG = "00DSm0000000001MAA"
KEY = "sk_test_simulator"
FORM = "application/x-www-form-urlencoded"
READY_SECONDS = 20.0


@dataclass(frozen=True)
class Load:
    """A kind of request: its name and the bytes of the n-th of them."""

    title: str
    nth: Callable[[int], bytes]
    is_read: bool = False


@dataclass(frozen=True)
class Simulator:
    """A simulator under way."""

    name: str
    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Of the process so far."""
        used = self.process.cpu_times()
        return used.user + used.system

    def megabytes(self) -> float:
        """Resident."""
        resident: int = self.process.memory_info().rss
        return resident / 1e6


def measure(sizes: Sizes, report: Report) -> None:
    """Both simulators."""
    rows: list[tuple[str, ...]] = []
    memory: list[tuple[str, ...]] = []
    for name, loads_of in (("salesforce", _salesforce), ("stripe", _stripe)):
        with _running(name) as simulator:
            loads = loads_of(simulator.url)
            for load in loads:
                rows.append(_speed(simulator, load, sizes.simulator_calls))
            reads = next(load for load in loads if load.is_read)
            memory.append(_memory(simulator, reads, sizes.simulator_memory_calls))
    report.section(
        "Simulators",
        f"Over {CONNECTIONS} connections, the simulator held on one processor, state in memory, "
        f"{sizes.simulator_calls:,} requests of each kind; aim: 1,000 simple requests a second. "
        "CPU-ms are the simulator's; both are worse beside other work (load of the machine then: "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors). Memory: over "
        f"{sizes.simulator_memory_calls:,} reads.",
    )
    report.table(("simulator", "request", "answered a second", "CPU-ms of a request"), rows)
    report.table(
        ("simulator", "MB after a quarter", "MB at the end", "growth, bytes of a request"), memory
    )


def _speed(simulator: Simulator, load: Load, count: int) -> tuple[str, ...]:
    _send(simulator, load, 0, count // 10)
    before = simulator.cpu_seconds()
    per_second = _send(simulator, load, count // 10, count)
    cpu_ms = 1000 * (simulator.cpu_seconds() - before) / count
    return simulator.name, load.title, f"{per_second:,.0f}", f"{cpu_ms:.2f}"


def _memory(simulator: Simulator, load: Load, count: int) -> tuple[str, ...]:
    """Reads only: what is created is meant to stay."""
    # The ledger holds the newest 20,000 requests: flat is meant after it is full.
    first = count // 4
    _send(simulator, load, 0, first)
    before = simulator.megabytes()
    _send(simulator, load, 0, count - first)
    after = simulator.megabytes()
    growth = (after - before) * 1e6 / (count - first)
    return simulator.name, f"{before:,.1f}", f"{after:,.1f}", f"{growth:,.0f}"


def _send(simulator: Simulator, load: Load, first: int, count: int) -> float:
    requests = [load.nth(number) for number in range(first, first + count)]
    answers = asyncio.run(send_all(simulator.url, requests))
    wrong = [status for status in answers.statuses if status not in (200, 201)]
    if wrong:
        raise RuntimeError(f"{simulator.name}, {load.title}: answers {dict(answers.statuses)}")
    return answers.per_second


def _stripe(url: str) -> Sequence[Load]:
    auth = {"Authorization": f"Bearer {KEY}"}
    made = httpx.post(f"{url}/v1/customers", headers=auth, data={"name": "First"}).json()
    form = {**auth, "Content-Type": FORM}

    def create(number: int) -> bytes:
        body = urlencode({"name": f"Customer {number}", "metadata[number]": str(number)}).encode()
        keyed = {**form, "Idempotency-Key": f"create-{number}"}
        return request(f"{url}/v1/customers", keyed, body)

    return [
        Load(
            "read a customer",
            lambda _: request(f"{url}/v1/customers/{made['id']}", auth, method="GET"),
            is_read=True,
        ),
        Load("create a customer, with a key", create),
        Load("list ten", lambda _: request(f"{url}/v1/customers?limit=10", auth, method="GET")),
    ]


def _salesforce(url: str) -> Sequence[Load]:
    form = {
        "grant_type": "client_credentials",
        "client_id": "simulator",
        "client_secret": "simulator-secret",
    }
    token = httpx.post(f"{url}/services/oauth2/token", data=form).json()["access_token"]
    auth = {"Authorization": f"Bearer {token}"}
    rows = f"{url}/services/data/v66.0/sobjects/Account"
    made = httpx.post(rows, headers=auth, json={"Name": "First"}).json()
    soql = urlencode({"q": f"SELECT Id, Name FROM Account WHERE Id = '{made['id']}'"})  # noqa: S608 - its own id
    query = f"{url}/services/data/v66.0/query?{soql}"

    def create(number: int) -> bytes:
        body = json.dumps({"Name": f"Account {number}"}).encode()
        return request(rows, {**auth, "Content-Type": "application/json"}, body)

    return [
        Load(
            "read an account",
            lambda _: request(f"{rows}/{made['id']}", auth, method="GET"),
            is_read=True,
        ),
        Load("create an account", create),
        Load("query by id", lambda _: request(query, auth, method="GET")),
    ]


@contextmanager
def _running(name: str) -> Iterator[Simulator]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("DEALTHREAD_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "dealthread.cli.main", "simulators", name, "--port", str(port)],
        env=env,
        stdout=subprocess.DEVNULL,
    )
    try:
        process = psutil.Process(child.pid)
        process.cpu_affinity([max(process.cpu_affinity() or [0])])
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield Simulator(name, url, process)
    finally:
        child.terminate()
        child.wait(timeout=15)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            httpx.get(f"{url}/_sim/health").raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    measure(FULL, Report())
