"""`python -m workers`: run every task queue of this environment until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from socket import gethostname

import structlog

from dealthread import logs
from dealthread.config import ConfigInvalid
from dealthread.errors import BadInput, VendorUnavailable
from dealthread.readiness import signs_of_life
from dealthread.settings import Settings, load_settings
from dealthread.temporal import connect
from workers.bootstrap import hold_back, limits_of, open_ports
from workers.hiring import make_workers
from workers.queues import plan_queues

log = structlog.get_logger()
RECONNECT_SECONDS = 1.0


async def serve(settings: Settings) -> None:
    """Workers until SIGTERM or SIGINT; running activities are awaited."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with open_ports(settings) as ports, AsyncExitStack() as stack:
        client = None
        while client is None and not stop.is_set():
            try:
                client = await connect(settings)
            except VendorUnavailable:
                log.warning("temporal_unreachable", address=settings.temporal_address)
                await asyncio.sleep(RECONNECT_SECONDS)
        if client is None:
            return
        process = f"{gethostname()}:{os.getpid()}"
        held, holding = await stack.enter_async_context(hold_back(settings, ports, process))
        plans = plan_queues(held, limits_of(settings))
        for worker in make_workers(client, plans, holding=holding):
            # A worker that still runs when the interpreter ends crashes it: leaving this block
            # awaits the shutdown of each.
            await stack.enter_async_context(worker)
        log.info("workers_ready")
        async with signs_of_life():
            await stop.wait()
        log.info("workers_stopping")


def main() -> None:
    """Entry point."""
    try:
        settings = load_settings()
        logs.configure(settings.log_level)
        asyncio.run(serve(settings))
    except BadInput as error:
        raise SystemExit(f"{error.field}: {error.action}") from None
    except ConfigInvalid as error:
        raise SystemExit(f"config: {error}") from None


if __name__ == "__main__":
    main()
