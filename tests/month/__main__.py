"""`make month`: a month of business of many contracts, things going wrong, closed to the cent.

The simulated biller in this process, the real workflows, bridge and relay, the store in PostgreSQL,
ledger, CRM and entitlement in memory, business time moved from day to day. Prints what
happened, every case and why, and what the systems hold; exit code 1 where they differ by a cent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment

from dealthread import logs
from dealthread.stack.postgres import PostgresProgram
from dealthread.store.engine import create_engine
from tests.conftest import migrate
from tests.month.books import Books, compared
from tests.month.house import house
from tests.month.month import Month
from tests.month.plan import FIRST, LAST, plans
from tests.plugins.temporal_servers import BIN, converter, registration

SEED = "20261129"
QUIET = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
"""Each worker warns that this server is of an older make."""


async def live(
    server: WorkflowEnvironment,
    engine: AsyncEngine,
    url: str,
    contracts: int,
    seed: str = SEED,
    shuffle: str = "1",
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Month, Books]:
    """The month of so many contracts, and its end. `tell` gets a line for each day."""
    async with house(server, engine, url) as made:
        month = Month(made, plans(seed, contracts), seed, shuffle, tell)
        await month.run()
        return month, await compared(month)


def report(month: Month, books: Books) -> None:
    """What happened, every case, the sums."""
    print(
        f"\n{len(month.plans)} contracts from {FIRST} to {LAST}, seed {month.seed}, "
        f"order of events {month.shuffle}"
    )
    for what, count in month.counts.items():
        print(f"  {what:<42} {count:>8,}")
    faults = Counter(str(one.fault) for one in month.struck if one.met)
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items()))
    print(f"  faults met in ledger, CRM, entitlement: {told}; at the biller: {month.at_biller}")
    print(f"\n{len(month.people.decided)} decisions")
    for case, kind in month.people.decided:
        risk = f", {case.money_at_risk} at risk" if case.money_at_risk else ""
        why = f"{case.kind:<22} {case.legal_entity:<5} {case.summary}{risk}"
        print(f"  {case.case_id}  {why}: {kind}")
    for case in month.noticed.values():
        print(
            f"  {case.case_id}  {case.kind:<22} {case.legal_entity:<5} {case.summary}, "
            f"{case.money_at_risk} at risk: closed by itself"
        )
    print(f"\n{len(books.told)} contracts with a fate")
    for number, fate, told in books.told:
        print(f"  contract {number:<4} {fate:<14} {told}")
    print(f"\n{'company':<8} {'figure':<28} {'biller':>16} {'ledger':>16}")
    for seller, figure, at_biller, in_ledger in books.totals:
        print(f"{seller:<8} {figure:<28} {at_biller:>16,.2f} {in_ledger:>16,.2f}")
    print(f"\n{books.compared} facts compared; {len(books.differences)} differ")
    for difference in books.differences:
        print(f"differs: {difference}", file=sys.stderr)


@asynccontextmanager
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own whose time can be skipped."""
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=converter(),
        test_server_existing_path=str(BIN / "temporal-test-server"),
        runtime=Runtime(telemetry=TelemetryConfig(logging=QUIET)),
    )
    async with environment:
        await environment.client.operator_service.add_search_attributes(registration())
        yield environment


def _told(began: float) -> Callable[[str], None]:
    return lambda line: print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)


async def _run(url: str, contracts: int, seed: str, shuffle: str) -> int:
    engine = create_engine(url)
    async with temporal() as server:
        month, books = await live(
            server, engine, url, contracts, seed, shuffle, _told(time.monotonic())
        )
    await engine.dispose()
    report(month, books)
    return 1 if books.differences else 0


def main() -> int:
    """Exit code 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.month", description=__doc__)
    parser.add_argument("--contracts", type=int, default=500)
    parser.add_argument("--seed", default=SEED, help="what happens, and what goes wrong")
    parser.add_argument("--shuffle", default="1", help="the order in which events come")
    given = parser.parse_args()
    began = time.monotonic()
    logs.configure("ERROR")
    with tempfile.TemporaryDirectory(prefix="dt-month-", ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        base.chmod(0o755)
        with PostgresProgram(base / "data", base / "s").running(durable=False) as server:
            server.ensure_role("dealthread")
            server.ensure_database("month", "dealthread")
            url = server.url("month", "dealthread")
            migrate(url)
            code = asyncio.run(_run(url, given.contracts, given.seed, given.shuffle))
    print(f"{time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
