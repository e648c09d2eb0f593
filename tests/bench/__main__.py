"""`python -m tests.bench [--quick] [--only PART]`: measure, print, keep docs/performance.md.

Nothing here asserts a speed. `--quick` checks that the bench works and keeps nothing; `--only`
measures one part and leaves the other figures as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.bench import (
    changes,
    costs,
    invoices,
    ledger,
    memory,
    money,
    open_contracts,
    simulators,
    speed,
    usage,
    webhooks,
)
from tests.bench.deals import win_deals
from tests.bench.house import House, house
from tests.bench.report import Report
from tests.bench.runs import runner
from tests.bench.sizes import FULL, QUICK, Sizes

ALONE: dict[str, Callable[[Sizes, Report], None]] = {
    "money": money.measure,
    "simulators": simulators.measure,
    "ledger": ledger.measure,
}
"""Parts that start at most a process of their own."""
CHANGES, OPEN, USAGE, INVOICES = "changes", "open-contracts", "usage", "invoices"
"""Parts that need all servers and are measured by themselves too; the first holds the second."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts; keeps no document")
    parser.add_argument(
        "--only", choices=sorted((*ALONE, CHANGES, OPEN, USAGE, INVOICES)), help="one part"
    )
    parser.add_argument("--contracts", type=int, help="open contracts of one worker")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else FULL
    if arguments.contracts:
        sizes = replace(sizes, open_contracts=arguments.contracts)
    began = time.monotonic()
    report = Report()
    if arguments.only:
        try:
            if arguments.only in (CHANGES, OPEN):
                _measure_contracts(arguments.only, sizes, report)
            elif arguments.only == USAGE:
                _measure_usage(sizes, report)
            elif arguments.only == INVOICES:
                _measure_invoices(sizes, report)
            else:
                ALONE[arguments.only](sizes, report)
        finally:
            # What was measured before a part failed is not lost.
            if report.parts and not arguments.quick:
                report.keep_sections()
        _progress(f"took {time.monotonic() - began:.0f} s")
        return
    report.section("Where", _where(arguments.quick))
    memory.measure(Path.cwd(), report)
    for part in ALONE.values():
        part(sizes, report)
    with house(_progress) as made:
        _settings_of(made)
        deals = win_deals(made.stack, sizes.deals)
        _progress(f"{sizes.deals} deals are won in Salesforce")
        asyncio.run(_measure(made, deals, sizes, report))
    _measure_invoices(sizes, report)
    _measure_contracts(CHANGES, sizes, report)
    if not arguments.quick:
        report.keep()
    _progress(f"took {time.monotonic() - began:.0f} s")


def _measure_contracts(part: str, sizes: Sizes, report: Report) -> None:
    """In servers of their own: others hold what earlier rounds left."""

    async def resting(made: House) -> None:
        async with runner(made, iter(())) as run:
            await open_contracts.measure(run, sizes, report)

    with house(_progress) as made:
        _settings_of(made)
        if part == CHANGES:
            asyncio.run(changes.measure(made, sizes, report, _progress))
        asyncio.run(resting(made))


async def _measure(made: House, deals: Iterator[str], sizes: Sizes, report: Report) -> None:
    async with runner(made, deals) as run:
        await run.quote_to_cash(sizes.warm_up, 4)
        activities = await costs.measure(run, sizes.cost_runs, report)
        await run.bare(sizes.warm_up, 4, activities)
        await speed.measure(run, sizes, activities, report)
    await webhooks.measure(made, sizes, report)
    await usage.measure(made, sizes, report)


def _measure_usage(sizes: Sizes, report: Report) -> None:
    with house(_progress) as made:
        _settings_of(made)
        asyncio.run(usage.measure(made, sizes, report))


def _measure_invoices(sizes: Sizes, report: Report) -> None:
    async def measured(made: House, deals: Iterator[str]) -> None:
        async with runner(made, deals) as run:
            await invoices.measure(run, sizes, report)

    with house(_progress) as made:
        _settings_of(made)
        asyncio.run(measured(made, win_deals(made.stack, sizes.invoices)))


def _settings_of(made: House) -> None:
    """Give this process the settings of the others, and nothing of the caller's Temporal."""
    for name in list(os.environ):
        if name.startswith(("TEMPORAL_", "DEALTHREAD_")):
            del os.environ[name]
    os.environ.update(made.settings())


def _where(is_quick: bool) -> str:
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    memory_gigabytes = psutil.virtual_memory().total / 1e9
    size = "quick, for checking only" if is_quick else "full"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {memory_gigabytes:.0f} GB, Python {platform.python_version()}; "
        f"load averages when the bench began: {load}; size: {size}."
    )


def _progress(line: str) -> None:
    print(f"… {line}", flush=True)


if __name__ == "__main__":
    main()
