"""Changes of running contracts: speed, cost, history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import psutil

from dealthread.domain.transaction import ChangeKind
from tests.bench import change_costs, speed
from tests.bench.changing import Changing
from tests.bench.deals import win_deals
from tests.bench.house import House
from tests.bench.report import Report
from tests.bench.runs import Runner, runner
from tests.bench.sizes import Sizes

DAYS_AGO = 20
"""Contracts began so long ago: an amendment is for a part of the term."""


async def measure(
    made: House, sizes: Sizes, report: Report, progress: Callable[[str], None]
) -> None:
    """All of it, in a house that is up."""
    deals = win_deals(made.stack, sizes.contracts, DAYS_AGO)
    async with runner(made, deals) as run:
        changing = Changing(run)
        keys = await changing.sell(sizes.contracts)
        progress(f"{len(keys)} contracts run")
        rest = iter(keys)
        warm, counted, watched = (
            [next(rest) for _ in range(count)] for count in (sizes.warm_up, sizes.cost_runs, 1)
        )
        await changing.change(ChangeKind.AMENDMENT, warm, 4)
        activities = await change_costs.measure(changing, counted, report)
        progress("actions are counted")
        await run.bare(sizes.warm_up, 4, activities)
        await _speed(changing, list(rest), activities, sizes, report)
        progress("speed is measured")
        await change_costs.growth(changing, watched[0], sizes.changes_of_one, report)
        progress("a contract was changed often")


async def _speed(
    changing: Changing, keys: Sequence[str], activities: int, sizes: Sizes, report: Report
) -> None:
    measured = []
    run: Runner = changing.run
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    for concurrency, how_many in ((1, sizes.at_one), (50, sizes.amended_at_fifty)):
        rounds = speed.Rounds(concurrency, "amendment")
        for _ in range(sizes.rounds):
            batch = await changing.change(ChangeKind.AMENDMENT, keys[:how_many], concurrency)
            rounds.product.append(batch)
            rounds.shaped.append(await run.shaped(how_many, concurrency, activities))
            rounds.bare.append(await run.bare(how_many, concurrency, activities))
        measured.append(rounds)
    report.section(
        "Speed of amendments",
        f"Beside a bare workflow of {activities} activities (as many as an amendment was seen to "
        "take), measured and told as quote-to-cash is: same server, same worker process, "
        "interleaved rounds, medians. An amendment lasts from its order in the store to the "
        "contract at rest, each of a contract of its own (one seat more, 20 days into its year: "
        "preview, one invoice, entitlement, adjustment, CRM, version). "
        f"{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} processors, load averages when these "
        f"rounds began: {load}. Aim 0.6.",
    )
    speed.tell_speed(report, measured)
    report.section("Processor time of an amendment", "CPU-ms for each run, by part.")
    speed.tell_cpu(report, measured)
