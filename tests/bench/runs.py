"""Batches of runs at a given concurrency: their time, their latencies, the processor they took."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import psutil
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowContinuedAsNewError

from dealthread.bridge.starting import start_change
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.naming import contract_key, contract_workflow_id, quote_to_cash_id
from dealthread.settings import Settings, load_settings
from dealthread.store.engine import create_engine
from dealthread.store.runs import Runs
from dealthread.store.schema import runs as run_rows
from dealthread.temporal import connect
from tests.bench.bare import (
    BARE_ACTIVITY_QUEUE,
    BARE_QUEUE,
    BareContractWorkflow,
    BareOrder,
    BareSagaWorkflow,
)
from tests.bench.house import House
from tests.bench.sizes import ENOUGH_SECONDS, LIMIT_SECONDS
from tests.bench.worker import VENDOR_CALLS

SETTLE_SECONDS = 0.5
"""After a batch: the contracts' new runs set their timers. Counted as processor time only."""
Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Batch:
    """What a batch took."""

    seconds: float
    latencies: tuple[float, ...]
    cpu: dict[str, float]
    """Part → seconds."""
    other_cores: float
    """Processors that other programs of the machine used meanwhile."""

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def cpu_ms(self, *parts: str) -> float:
        """Milliseconds of these parts for each run."""
        return 1000 * sum(self.cpu[part] for part in parts) / len(self.latencies)


def percentile(values: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    if len(values) < 2:
        return 1000 * values[0]
    return 1000 * statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


@dataclass
class Runner:
    """Starts runs as the relay does and waits for their end."""

    house: House
    settings: Settings
    client: Client
    engine: AsyncEngine
    deals: Iterator[str]
    _serial: Iterator[int]

    async def quote_to_cash(
        self, how_many: int, concurrency: int, enough: float = ENOUGH_SECONDS
    ) -> tuple[Batch, list[str]]:
        """The batch and its deals. A run lasts from its row to the contract at rest."""
        deals = [next(self.deals) for _ in range(how_many)]
        before = await self.completed()
        batch = await self.batch([self._deal(deal) for deal in deals], concurrency, enough)
        done = await self.completed() - before
        if done != len(batch.latencies):
            raise RuntimeError(f"{done} of {len(batch.latencies)} deals completed")
        return batch, deals[:done]

    async def bare(self, how_many: int, concurrency: int, activities: int) -> Batch:
        """The same number of activities in a bare workflow."""
        return await self.batch([self._bare(activities) for _ in range(how_many)], concurrency)

    async def shaped(self, how_many: int, concurrency: int, activities: int) -> Batch:
        """The same number of activities in bare workflows of the product's shape."""
        jobs = [self._shaped(activities) for _ in range(how_many)]
        return await self.batch(jobs, concurrency)

    async def vendor_calls(self) -> Counter[str]:
        """By system and operation: the requests that left the worker so far."""
        counted: dict[str, int] = await self.client.execute_activity(
            VENDOR_CALLS,
            id=f"bench-vendor-calls-{next(self._serial)}",
            task_queue=BARE_QUEUE,
            start_to_close_timeout=timedelta(seconds=10),
            result_type=dict[str, int],
        )
        return Counter(counted)

    def _deal(self, deal_id: str) -> Job:
        async def job() -> None:
            org = self.house.stack.salesforce_org_id
            request = ChangeRequest(
                change_id=quote_to_cash_id(org, deal_id),
                kind=ChangeKind.QUOTE_TO_CASH,
                org=org,
                deal_id=deal_id,
                requested_by=f"webhook:{org}",
            )
            key = contract_key(org, deal_id)
            rows = Runs(self.engine)
            await rows.claim(request, key)
            await start_change(self.client, self.settings, request, key)
            await rows.delivered(request)
            await self.rests(contract_workflow_id(key))

        return job

    def _bare(self, activities: int) -> Job:
        number = next(self._serial)

        async def job() -> None:
            await self.client.execute_workflow(
                BareSagaWorkflow.run,
                BareOrder(name=f"bare {number}", activities=activities),
                id=f"bench-bare-{number}",
                task_queue=BARE_QUEUE,
            )

        return job

    def _shaped(self, activities: int) -> Job:
        name = str(next(self._serial))
        order = BareOrder(name=name, activities=activities, queue=BARE_ACTIVITY_QUEUE)

        async def job() -> None:
            await self.client.start_workflow(
                BareContractWorkflow.run,
                args=[name, False],
                id=f"bench-contract-{name}",
                task_queue=BARE_QUEUE,
                start_signal="ordered",
                start_signal_args=[order],
            )
            await self.rests(f"bench-contract-{name}")

        return job

    async def rests(self, contract_id: str) -> None:
        """Wait for the end of the contract's run; the next one rests."""
        try:
            await self.client.get_workflow_handle(contract_id).result(follow_runs=False)
        except WorkflowContinuedAsNewError:
            return
        raise RuntimeError(f"{contract_id} ended instead of resting")

    async def batch(
        self, jobs: Sequence[Job], concurrency: int, enough: float = ENOUGH_SECONDS
    ) -> Batch:
        """Jobs in so many lanes; after `enough` seconds no more are begun."""
        waiting = iter(jobs)
        latencies: list[float] = []

        async def lane() -> None:
            for job in waiting:
                start = time.perf_counter()
                await job()
                end = time.perf_counter()
                latencies.append(end - start)
                if end - began > enough:
                    return

        cpu, machine, began = self.house.cpu_seconds(), _busy(), time.perf_counter()
        async with asyncio.timeout(LIMIT_SECONDS):
            await asyncio.gather(*(lane() for _ in range(concurrency)))
        seconds = time.perf_counter() - began
        await asyncio.sleep(SETTLE_SECONDS)
        used = {part: spent - cpu[part] for part, spent in self.house.cpu_seconds().items()}
        others = (_busy() - machine - sum(used.values())) / (seconds + SETTLE_SECONDS)
        return Batch(seconds, tuple(latencies), used, max(0.0, others))

    async def completed(self) -> int:
        """Changes that were carried out so far."""
        query = select(func.count()).where(run_rows.c.outcome == ChangeOutcome.COMPLETED)
        async with self.engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())


@asynccontextmanager
async def runner(house: House, deals: Iterator[str]) -> AsyncIterator[Runner]:
    """Connected; closed at the end. The settings are the environment's."""
    settings = load_settings()
    engine = create_engine(settings.database_url.get_secret_value(), pool_size=20)
    try:
        yield Runner(house, settings, await connect(settings), engine, deals, count(1))
    finally:
        await engine.dispose()


def _busy() -> float:
    """Seconds that all processors of the machine worked since it started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
