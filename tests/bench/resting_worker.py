"""`python -m tests.bench.resting_worker --cached N --metrics PORT`: a worker of contracts alone.

Sandbox and data converter of the product. Its cache is as large as told, and Temporal's SDK tells
on the port how many contracts are in it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker

from dealthread import logs
from dealthread.readiness import signs_of_life
from dealthread.settings import load_settings
from dealthread.temporal import connect
from tests.bench.announced import AnnouncedAtOnceWorkflow
from workers.sandboxed import sandbox
from workflows.contract_lifecycle import ContractLifecycleWorkflow

RESTING_QUEUE = "bench-contracts-at-rest"


async def serve(cached: int, metrics_port: int) -> None:
    """Until SIGTERM."""
    settings = load_settings()
    logs.configure(settings.log_level)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    metrics = PrometheusConfig(bind_address=f"127.0.0.1:{metrics_port}")
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=metrics)))
    worker = Worker(
        await connect(settings),
        task_queue=RESTING_QUEUE,
        workflows=[ContractLifecycleWorkflow, AnnouncedAtOnceWorkflow],
        workflow_runner=sandbox(),
        max_cached_workflows=cached,
    )
    async with worker, signs_of_life():
        await stop.wait()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cached", type=int, required=True)
    parser.add_argument("--metrics", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.cached, arguments.metrics))


if __name__ == "__main__":
    main()
