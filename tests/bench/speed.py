"""Quote-to-cash beside a bare workflow of the same number of activities, in interleaved rounds."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.house import BENCH
from tests.bench.report import Report
from tests.bench.runs import Batch, Runner, percentile
from tests.bench.sizes import Sizes

SERVER_AND_WORKER = ("temporal", "worker", "postgres")
SIMULATORS = ("salesforce", "stripe", "entitlement")


@dataclass
class Rounds:
    """Batches at one concurrency, round by round."""

    concurrency: int
    title: str = "quote-to-cash"
    product: list[Batch] = field(default_factory=list)
    shaped: list[Batch] = field(default_factory=list)
    bare: list[Batch] = field(default_factory=list)

    def rows(self) -> list[tuple[str, list[Batch]]]:
        """What was measured, by name."""
        return [
            (f"{self.title}, {self.concurrency} at once", self.product),
            (f"bare, in the same shape, {self.concurrency} at once", self.shaped),
            (f"bare workflow, {self.concurrency} at once", self.bare),
        ]

    def ratio(self, batches: Sequence[Batch]) -> str:
        """Median over the rounds of runs per second beside the bare workflow's."""
        if batches is self.bare:
            return ""
        pairs = zip(batches, self.bare, strict=True)
        return f"{statistics.median(one.per_second / bare.per_second for one, bare in pairs):.2f}"


async def measure(run: Runner, sizes: Sizes, activities: int, report: Report) -> None:
    """At concurrency 1 and 50."""
    measured = []
    before = await run.vendor_calls()
    for concurrency, how_many in ((1, sizes.at_one), (50, sizes.at_fifty)):
        rounds = Rounds(concurrency)
        for _ in range(sizes.rounds):
            batch, _ = await run.quote_to_cash(how_many, concurrency)
            rounds.product.append(batch)
            rounds.shaped.append(await run.shaped(how_many, concurrency, activities))
            rounds.bare.append(await run.bare(how_many, concurrency, activities))
        measured.append(rounds)
    calls = await run.vendor_calls() - before
    _tell(report, measured, sizes, activities)
    _tell_calls(report, calls, sum(len(b.latencies) for one in measured for b in one.product))


def _tell(report: Report, measured: Sequence[Rounds], sizes: Sizes, activities: int) -> None:
    report.section(
        "Speed of quote-to-cash",
        f"Beside a bare workflow of {activities} activities (as many as quote-to-cash was seen to "
        "take) on the same server, in the same worker process, with the same data converter. "
        "The row between them has the shape of the product (contract, child saga, rest, "
        "activities on queues of their own) and none of its work. "
        f"Interleaved rounds: {sizes.rounds}; the ratio is the median of theirs; aim 0.6.",
    )
    tell_speed(report, measured)
    report.section("Processor time of a run", "CPU-ms for each run, by part.")
    tell_cpu(report, measured)


def tell_speed(report: Report, measured: Sequence[Rounds]) -> None:
    """Runs a second, latencies, the ratio to bare."""
    rows = []
    for rounds in measured:
        for title, batches in rounds.rows():
            latencies = [one for batch in batches for one in batch.latencies]
            rows.append(
                (
                    title,
                    len(latencies),
                    f"{statistics.median(batch.per_second for batch in batches):.1f}",
                    f"{percentile(latencies, 50):.0f}",
                    f"{percentile(latencies, 95):.0f}",
                    rounds.ratio(batches),
                    f"{statistics.mean(batch.other_cores for batch in batches):.2f}",
                )
            )
    report.table(
        ("", "runs", "per second", "p50 ms", "p95 ms", "ratio to bare", "cores used by others"),
        rows,
    )


def tell_cpu(report: Report, measured: Sequence[Rounds]) -> None:
    """CPU-ms for each run, by part."""
    parts = (*SERVER_AND_WORKER, *SIMULATORS, BENCH)
    rows = []
    for rounds in measured:
        for title, batches in rounds.rows():
            rows.append(
                (
                    title,
                    *(_cpu(batches, part) for part in parts),
                    _cpu(batches, *SERVER_AND_WORKER),
                )
            )
    names = (*parts[:-1], "load generator")
    report.table(("", *names, "server, worker, store"), rows)


def _cpu(batches: Sequence[Batch], *parts: str) -> str:
    return f"{statistics.median(batch.cpu_ms(*parts) for batch in batches):.1f}"


def _tell_calls(report: Report, calls: Counter[str], how_many: int) -> None:
    report.section(
        "Vendor calls under load",
        f"For each of the {how_many:,} deals of the speed rounds; what is more than in the table "
        "above grew with the number of deals.",
    )
    report.table(
        ("system and operation", "calls"),
        [(name, f"{count / how_many:.2f}") for name, count in sorted(calls.items())],
    )
