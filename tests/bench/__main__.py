"""`python -m tests.bench [--quick] [--only PART]`: measure, print, keep docs/performance.md.

Nothing here asserts a speed. `--quick` checks that the bench works and keeps nothing; `--only`
measures one part that needs no servers and leaves the other figures as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.bench import costs, memory, money, simulators, speed, webhooks
from tests.bench.deals import win_deals
from tests.bench.house import House, house
from tests.bench.report import Report
from tests.bench.runs import runner
from tests.bench.sizes import FULL, QUICK, Sizes

ALONE: dict[str, Callable[[Sizes, Report], None]] = {
    "money": money.measure,
    "simulators": simulators.measure,
}
"""Parts that start at most a process of their own."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts; keeps no document")
    parser.add_argument("--only", choices=sorted(ALONE), help="one part that needs no servers")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else FULL
    began = time.monotonic()
    report = Report()
    if arguments.only:
        ALONE[arguments.only](sizes, report)
        if sizes is FULL:
            report.keep_sections()
        return
    report.section("Where", _where(sizes))
    memory.measure(Path.cwd(), report)
    for part in ALONE.values():
        part(sizes, report)
    with house(_progress) as made:
        _settings_of(made)
        deals = win_deals(made.stack, sizes.deals)
        _progress(f"{sizes.deals} deals are won in Salesforce")
        asyncio.run(_measure(made, deals, sizes, report))
    if sizes is FULL:
        report.keep()
    _progress(f"took {time.monotonic() - began:.0f} s")


async def _measure(made: House, deals: Iterator[str], sizes: Sizes, report: Report) -> None:
    async with runner(made, deals) as run:
        await run.quote_to_cash(sizes.warm_up, 4)
        activities = await costs.measure(run, sizes.cost_runs, report)
        await run.bare(sizes.warm_up, 4, activities)
        await speed.measure(run, sizes, activities, report)
    await webhooks.measure(made, sizes, report)


def _settings_of(made: House) -> None:
    """Give this process the settings of the others, and nothing of the caller's Temporal."""
    for name in list(os.environ):
        if name.startswith(("TEMPORAL_", "DEALTHREAD_")):
            del os.environ[name]
    os.environ.update(made.settings())


def _where(sizes: Sizes) -> str:
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    memory_gigabytes = psutil.virtual_memory().total / 1e9
    size = "full" if sizes is FULL else "quick, for checking only"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {memory_gigabytes:.0f} GB, Python {platform.python_version()}; "
        f"load averages when the bench began: {load}; size: {size}."
    )


def _progress(line: str) -> None:
    print(f"… {line}", flush=True)


if __name__ == "__main__":
    main()
