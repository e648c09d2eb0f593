"""Open contracts at rest in the cache of one worker: its memory, and its restart."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import psutil
from temporalio.client import WorkflowContinuedAsNewError, WorkflowHandle
from temporalio.service import RPCError

from dealthread.attributes import at_start
from dealthread.domain.contract import ContractState, RenewalKind, RenewalTerms
from dealthread.naming import amendment_id, contract_key, contract_workflow_id, quote_to_cash_id
from dealthread.stack import health, parts
from dealthread.stack.child import Child
from dealthread.stack.plan import Launch, Part
from dealthread.stack.ports import choose
from tests.bench.house import House, importable, wait_for
from tests.bench.report import Report
from tests.bench.resting_worker import RESTING_QUEUE
from tests.bench.runs import Runner
from tests.bench.sizes import Sizes
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import AFTER_MIDNIGHT, ContractMemory, ContractView

LANES = 40
SAMPLE = 200
"""Contracts asked after the restart, none of them in the cache."""
DUE_IN = timedelta(seconds=45)
STUCK_SECONDS = 1200.0
PATIENCE = 5
"""Attempts of a query."""
_TERMS = RenewalTerms(kind=RenewalKind.AUTO, notice_days=30, lead_days=30)
_CACHED = re.compile(r"^temporal_sticky_cache_size\{[^}]*\} (\S+)$", re.MULTILINE)
Handle = WorkflowHandle[ContractLifecycleWorkflow, ContractView]


@dataclass(frozen=True)
class Resting:
    """The worker's process, and the ports on which it told its metrics; the latest is last."""

    child: Child
    metrics: list[int]


@dataclass
class Restart:
    """Seconds from the launch of the new worker."""

    stopping: float
    polls: float = 0.0
    answers: float = 0.0
    all_due: float = 0.0
    repeated: list[str] = field(default_factory=list)
    """Why a query was asked again."""


async def measure(run: Runner, sizes: Sizes, report: Report) -> None:
    """Start contracts at rest, weigh their worker, stop it, and have another take over."""
    how_many, due = sizes.open_contracts, sizes.due_contracts
    with _worker(run.house, how_many + 2 * due + 100) as worker:
        warm = await _start(run, range(due), _in_a_year())
        await _until_cached(worker, due)
        empty = _megabytes(worker)
        began = time.perf_counter()
        open_ones = await _start(run, range(due, how_many), _in_a_year())
        await _until_cached(worker, how_many)
        seconds = time.perf_counter() - began
        full = _megabytes(worker)
        _tell(report, sizes, empty, full, seconds)
        restart = await _restart(run, worker, how_many, due, open_ones[0])
        cpu = _cpu_seconds(worker)
        asked = (warm + open_ones[1:])[:SAMPLE]
        began = time.perf_counter()
        await _in_lanes([_asking(handle, restart.repeated) for handle in asked], 10)
        asking = time.perf_counter() - began
        cpu = _cpu_seconds(worker) - cpu
    report.table(
        (f"restart, {how_many:,} open contracts", "figure"),
        [
            ("s to stop the worker", f"{restart.stopping:.1f}"),
            ("s from launch to polling", f"{restart.polls:.1f}"),
            ("s from launch to the answer of a query", f"{restart.answers:.1f}"),
            (
                f"s from launch until all {due} due meanwhile rest again",
                f"{restart.all_due:.1f}",
            ),
            (
                f"ms to ask a contract not in the cache (mean of {len(asked)})",
                f"{1000 * asking / len(asked):.0f}",
            ),
            ("CPU-ms of the worker for it", f"{1000 * cpu / len(asked):.0f}"),
            ("queries that the server gave up and were repeated", f"{len(restart.repeated)}"),
        ],
    )


def _tell(report: Report, sizes: Sizes, empty: float, full: float, seconds: float) -> None:
    how_many, due = sizes.open_contracts, sizes.due_contracts
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    report.section(
        "Open contracts in the cache of one worker",
        f"Measured with {how_many:,} contracts at rest; with 5,000 by `python -m tests.bench "
        "--only open-contracts --contracts 5000`. "
        "They have a year ahead of them and stand as after a few changes, started directly so; "
        "their worker is a process of its own with the product's sandbox and data converter. "
        "Memory is the process's own (USS). Then it is stopped, the renewals of "
        f"{due} more become due to be announced, and a new worker starts with an empty cache; the "
        "announcements themselves answer at once. Expected by design: 88 kB each. The product's "
        "workers keep the SDK's default of 1,000 contracts in the cache. Load averages at "
        f"that time: {load} on {psutil.cpu_count()} processors.",
    )
    report.table(
        (f"memory, {how_many:,} open contracts", "figure"),
        [
            (f"MB with {due}", f"{empty:,.0f}"),
            (f"MB with {how_many:,}", f"{full:,.0f}"),
            ("kB for each contract", f"{1000 * (full - empty) / (how_many - due):,.1f}"),
            ("contracts started and at rest, a second", f"{(how_many - due) / seconds:,.1f}"),
        ],
    )


async def _restart(run: Runner, worker: Resting, how_many: int, due: int, asked: Handle) -> Restart:
    # Announced on the day: notice and lead before the term's end, a little after midnight.
    due_at = datetime.now(UTC) + DUE_IN
    days = timedelta(days=_TERMS.notice_days + _TERMS.lead_days)
    due_ones = await _start(run, range(how_many, how_many + due), due_at + days - AFTER_MIDNIGHT)
    await _until_cached(worker, how_many + due)
    began = time.perf_counter()
    worker.child.ask_to_stop()
    await asyncio.to_thread(worker.child.finish)
    found = Restart(stopping=time.perf_counter() - began)
    left = (due_at - datetime.now(UTC)).total_seconds()
    if left < 0:
        raise RuntimeError("the machine is too slow: contracts were due before the worker stopped")
    await asyncio.sleep(left + 1)

    began = time.perf_counter()
    worker.child.launch()

    async def polls() -> None:
        await asyncio.to_thread(wait_for, worker.child)
        found.polls = time.perf_counter() - began

    async def answers() -> None:
        await _asking(asked, found.repeated)()
        found.answers = time.perf_counter() - began

    async def all_due() -> None:
        await asyncio.gather(*(_next_run(handle) for handle in due_ones))
        found.all_due = time.perf_counter() - began

    async with asyncio.timeout(STUCK_SECONDS):
        await asyncio.gather(polls(), answers(), all_due())
    return found


async def _next_run(handle: Handle) -> None:
    """What was due is done: the run gave way to one that rests."""
    try:
        await handle.result(follow_runs=False)
    except WorkflowContinuedAsNewError:
        return
    raise RuntimeError(f"{handle.id} ended instead of resting")


def _asking(handle: Handle, repeated: list[str]) -> Callable[[], Awaitable[None]]:
    """A query, repeated while the server gives it up; what it said then is added to a list."""

    async def ask() -> None:
        for _ in range(PATIENCE):
            try:
                view = await handle.query(
                    ContractLifecycleWorkflow.status, rpc_timeout=timedelta(seconds=60)
                )
            except RPCError as error:
                repeated.append(str(error))
                continue
            if view.state is not ContractState.ACTIVE:
                raise RuntimeError(f"{handle.id} is {view.state}")
            return
        raise RuntimeError(f"{handle.id} does not answer: {repeated[-1]}")

    return ask


async def _start(run: Runner, numbers: Sequence[int], end: datetime) -> list[Handle]:
    started: list[Handle] = []

    def job(number: int) -> Callable[[], Awaitable[None]]:
        async def start() -> None:
            started.append(await _start_one(run, number, end))

        return start

    await _in_lanes([job(number) for number in numbers], LANES)
    return started


async def _start_one(run: Runner, number: int, end: datetime) -> Handle:
    org, deal_id = run.house.stack.salesforce_org_id, f"006{number:0>12}AAA"
    key = contract_key(org, deal_id)
    changes = (quote_to_cash_id(org, deal_id), amendment_id(key, "A1"), amendment_id(key, "A2"))
    memory = ContractMemory(
        contract_key=key,
        org=org,
        deal_id=deal_id,
        state=ContractState.ACTIVE,
        start_at=end - timedelta(days=365),
        end_at=end,
        auto_renew=True,
        applied=tuple(f"{change}#1" for change in changes),
        renewal=_TERMS,
    )
    return await run.client.start_workflow(
        ContractLifecycleWorkflow.run,
        memory,
        id=contract_workflow_id(key),
        task_queue=RESTING_QUEUE,
        search_attributes=at_start(key, deal_id),
    )


async def _in_lanes(jobs: Sequence[Callable[[], Awaitable[None]]], lanes: int) -> None:
    waiting = iter(jobs)

    async def lane() -> None:
        for job in waiting:
            await job()

    async with asyncio.timeout(STUCK_SECONDS):
        await asyncio.gather(*(lane() for _ in range(lanes)))


async def _until_cached(worker: Resting, how_many: int) -> None:
    """Until so many contracts are in the worker's cache, and it has nothing more to do."""
    url = f"http://127.0.0.1:{worker.metrics[-1]}/metrics"
    async with asyncio.timeout(STUCK_SECONDS), httpx.AsyncClient(trust_env=False) as http:
        while True:
            text = (await http.get(url)).text
            if sum(float(one) for one in _CACHED.findall(text)) >= how_many:
                break
            await asyncio.sleep(0.5)
    await asyncio.sleep(1)


@contextmanager
def _worker(house: House, cached: int) -> Iterator[Resting]:
    stack = house.stack
    ready = stack.layout.ready_file("resting-worker")
    command = parts.python_module(
        "tests.bench.resting_worker", "--cached", str(cached), "--metrics"
    )
    environment = importable(house.settings() | {"DEALTHREAD_READY_FILE": str(ready)})
    metrics: list[int] = []

    def launch() -> Launch:
        # A port that is free now: the stack's were chosen long ago, those unused may be taken.
        metrics.append(choose()["temporal_metrics"])
        return Launch((*command, str(metrics[-1])), environment)

    part = Part(
        name="resting-worker",
        launch=launch,
        healthy=health.sign_of_life(ready),
        ready_file=ready,
        stop_seconds=parts.WORKER_STOP_SECONDS,
    )
    child = Child(part, stack.layout)
    child.launch()
    try:
        wait_for(child)
        yield Resting(child, metrics)
    finally:
        child.ask_to_stop()
        child.finish()


def _megabytes(worker: Resting) -> float:
    return float(psutil.Process(worker.child.record.pid).memory_full_info().uss) / 1e6


def _cpu_seconds(worker: Resting) -> float:
    times = psutil.Process(worker.child.record.pid).cpu_times()
    return float(times.user + times.system)


def _in_a_year() -> datetime:
    return datetime.now(UTC) + timedelta(days=365)
