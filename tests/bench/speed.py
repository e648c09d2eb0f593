"""Quote-to-cash beside a bare workflow of the same number of activities, in interleaved rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.house import BENCH
from tests.bench.report import Report
from tests.bench.runs import Batch, Runner, percentile
from tests.bench.sizes import Sizes

SERVER_AND_WORKER = ("temporal", "worker", "postgres")
SIMULATORS = ("salesforce", "stripe", "entitlement")


@dataclass
class Pair:
    """Batches of the two at one concurrency, round by round."""

    concurrency: int
    product: list[Batch] = field(default_factory=list)
    bare: list[Batch] = field(default_factory=list)

    def ratio(self) -> float:
        """Median over the rounds of product : bare in runs per second."""
        return statistics.median(
            p.per_second / b.per_second for p, b in zip(self.product, self.bare, strict=True)
        )


async def measure(run: Runner, sizes: Sizes, activities: int, report: Report) -> None:
    """At concurrency 1 and 50."""
    pairs = []
    for concurrency, how_many in ((1, sizes.at_one), (50, sizes.at_fifty)):
        pair = Pair(concurrency)
        for _ in range(sizes.rounds):
            batch, _ = await run.quote_to_cash(how_many, concurrency)
            pair.product.append(batch)
            pair.bare.append(await run.bare(how_many, concurrency, activities))
        pairs.append(pair)
    _tell(report, pairs, sizes, activities)


def _tell(report: Report, pairs: Sequence[Pair], sizes: Sizes, activities: int) -> None:
    report.section(
        "Speed of quote-to-cash",
        f"Beside a bare workflow of {activities} activities (as many as quote-to-cash was seen to "
        "take) on the same server, in the same worker process, with the same data converter. "
        f"Interleaved rounds: {sizes.rounds}; the ratio is the median of theirs; aim 0.6.",
    )
    rows = []
    for pair in pairs:
        for title, batches in (("quote-to-cash", pair.product), ("bare workflow", pair.bare)):
            latencies = [one for batch in batches for one in batch.latencies]
            rows.append(
                (
                    f"{title}, {pair.concurrency} at once",
                    len(latencies),
                    f"{statistics.median(batch.per_second for batch in batches):.1f}",
                    f"{percentile(latencies, 50):.0f}",
                    f"{percentile(latencies, 95):.0f}",
                    f"{pair.ratio():.2f}" if batches is pair.product else "",
                    f"{statistics.mean(batch.other_cores for batch in batches):.2f}",
                )
            )
    report.table(
        ("", "runs", "per second", "p50 ms", "p95 ms", "ratio to bare", "cores used by others"),
        rows,
    )
    _tell_cpu(report, pairs)


def _tell_cpu(report: Report, pairs: Sequence[Pair]) -> None:
    report.section("Processor time of a run", "CPU-ms for each run, by part.")
    parts = (*SERVER_AND_WORKER, *SIMULATORS, BENCH)
    rows = []
    for pair in pairs:
        for title, batches in (("quote-to-cash", pair.product), ("bare workflow", pair.bare)):
            rows.append(
                (
                    f"{title}, {pair.concurrency} at once",
                    *(_cpu(batches, part) for part in parts),
                    _cpu(batches, *SERVER_AND_WORKER),
                )
            )
    names = (*parts[:-1], "load generator")
    report.table(("", *names, "server, worker, store"), rows)


def _cpu(batches: Sequence[Batch], *parts: str) -> str:
    return f"{statistics.median(batch.cpu_ms(*parts) for batch in batches):.1f}"
