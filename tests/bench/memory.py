"""Memory of each part of the local stack that runs in this folder, if one does."""

from __future__ import annotations

from pathlib import Path

from dealthread.stack.status import PartStatus, status
from tests.bench.report import Report


def measure(root: Path, report: Report) -> None:
    """Of a stack that is up; nothing is started for it."""
    running = [part for part in status(root) if part.memory_megabytes is not None]
    if not running:
        report.section("Memory of the local stack", "Not measured: no stack is up.")
        return
    report.section(
        "Memory of the local stack",
        "Proportional set size of each part with its children, as it stood when the bench began; "
        "aim: all together under 1,500 MB.",
    )
    rows = [(part.name, f"{megabytes(part):,.0f}", str(part.uptime)) for part in running]
    rows.append(("**all**", f"**{sum(map(megabytes, running)):,.0f}**", ""))
    report.table(("part", "MB", "up for"), rows)


def megabytes(part: PartStatus) -> float:
    """Of one part."""
    return part.memory_megabytes or 0.0
