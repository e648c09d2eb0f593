"""`python -m tests.bench.worker`: the product's workers in one process, and the bare ones.

Real adapters and the real store; the ERP is an in-memory fake behind the port. The process
counts its vendor calls and tells them when asked (activity `bench.vendor_calls`).
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import replace

from temporalio import activity
from temporalio.worker import Worker

from adapters.http import TallyMeter
from dealthread import logs
from dealthread.readiness import signs_of_life
from dealthread.settings import load_settings
from dealthread.temporal import connect
from tests.bench.bare import (
    BARE_ACTIVITY_QUEUE,
    BARE_QUEUE,
    BareContractWorkflow,
    BareSagaWorkflow,
    step,
)
from tests.fakes.erp import FakeErp
from tests.fakes.world import World
from workers.bootstrap import limits_of, open_ports
from workers.hiring import make_workers
from workers.queues import plan_queues
from workers.sandboxed import sandbox

VENDOR_CALLS = "bench.vendor_calls"


async def serve() -> None:
    """Until SIGTERM."""
    settings = load_settings()
    logs.configure(settings.log_level)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    meter = TallyMeter()

    @activity.defn(name=VENDOR_CALLS)
    async def vendor_calls() -> dict[str, int]:
        return {" ".join(key): count for key, count in meter.calls.items()}

    async with open_ports(settings, meter) as real, AsyncExitStack() as stack:
        erp = FakeErp(World(today=real.clock.now()))
        ports = replace(real, erps=dict.fromkeys(real.erps, erp))
        client = await connect(settings)
        bare = (
            Worker(
                client,
                task_queue=BARE_QUEUE,
                workflows=[BareSagaWorkflow, BareContractWorkflow],
                activities=[step, vendor_calls],
                workflow_runner=sandbox(),
            ),
            Worker(client, task_queue=BARE_ACTIVITY_QUEUE, activities=[step]),
        )
        for worker in (*make_workers(client, plan_queues(ports, limits_of(settings))), *bare):
            await stack.enter_async_context(worker)
        async with signs_of_life():
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())
