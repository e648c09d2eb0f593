"""The load of a data set into the running stack, from files to report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dealthread.config import load_config
from dealthread.sandbox.audit import Audit, Systems, audit
from dealthread.sandbox.books import BillingBooks, Entitlements
from dealthread.sandbox.dataset import read_dataset, select
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.expectation import COMPLETED, expected
from dealthread.sandbox.loading import LoadedRow, Loader
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.stripe_catalogue import billing_clients, ensure_catalogue
from dealthread.sandbox.tryton import TrytonReader
from dealthread.stack.info import StackInfo

SECONDS_PER_DEAL = 3.0
"""Allowed to a deal on the slowest machine we care about, beside `BASE_SECONDS` for all."""
BASE_SECONDS = 90.0
LINE_SECONDS = 10.0
"""Between two lines of progress where there is no terminal to draw a bar on."""


def enter(stack: StackInfo, console: Console, folder: Path, limit: int) -> int:
    """Enter the deals and leave them open. Answers their number."""
    with ExitStack() as held:
        loaded, _, _ = _entered(stack, console, folder, limit, held)
        return len(loaded)


def load_won(
    stack: StackInfo,
    console: Console,
    folder: Path,
    limit: int,
    seconds: float | None = None,
) -> Audit:
    """Enter the deals, close them as won, wait until all rest, compare. Prints the report."""
    started = time.monotonic()
    with ExitStack() as held:
        loaded, loader, org = _entered(stack, console, folder, limit, held)
        expectation = expected(folder, limit)
        with _bar(console, "closed as won", len(loaded)) as closed:
            won = loader.win(loaded, closed)
        allowed = seconds or BASE_SECONDS + SECONDS_PER_DEAL * len(loaded)
        process = held.enter_context(ProcessApi(stack, stack.credentials.operator_token))
        with _bar(console, "at rest", len(loaded)) as progress:
            standings = process.wait_for_rest([one.deal_id for one in loaded], allowed, progress)
        taken = time.monotonic() - started
        systems = Systems(
            org=org,
            billing=BillingBooks(held.enter_context(billing_clients(stack))),
            tryton=held.enter_context(TrytonReader(stack)),
            entitlements=held.enter_context(Entitlements(stack)),
        )
        report = audit(systems, loaded, standings, expectation)
    rested = sum(1 for seen in standings.values() if seen.is_resting)
    if rested < len(loaded):
        report.mismatches.insert(
            0, f"{len(loaded) - rested} deals are not at rest after {allowed:.0f} s"
        )
    show(report, console, len(loaded), won, taken)
    return report


def _entered(
    stack: StackInfo, console: Console, folder: Path, limit: int, held: ExitStack
) -> tuple[list[LoadedRow], Loader, SalesforceOrg]:
    if limit < 1:
        raise SandboxError("a limit of at least 1 is needed")
    config = load_config(stack.config_dir)
    dataset = read_dataset(folder)
    rows = select(dataset, limit)
    org = SalesforceOrg(stack)
    held.callback(org.close)
    with billing_clients(stack) as clients:
        ensure_catalogue(clients, config)
    loader = Loader(org, dataset, stack.business_now.date())
    loaded = loader.enter(rows)
    known = sum(1 for one in loaded if one.was_there)
    forced = sum(1 for row in rows if row.is_forced)
    console.print(
        f"{len(loaded)} deals in Salesforce with customers, products and prices; of them {known} "
        f"from an earlier load, {forced} open in the files and without an account",
        soft_wrap=True,
    )
    return loaded, loader, org


def show(report: Audit, console: Console, deals: int, won: int, taken: float) -> None:
    """Counts, systems, durations, every mismatch."""
    table = Table("deals", "expected", "found", title="What came of the deals")
    for fate, due, found in report.counts:
        note = f" ({report.active} active, {report.scheduled} scheduled)"
        table.add_row(fate + (note if fate == COMPLETED else ""), str(due), str(found))
    console.print(table)
    table = Table("document", "expected", "found", "duplicates", title="One of each, nowhere two")
    for row in report.systems:
        wanted = "" if row.expected is None else str(row.expected)
        table.add_row(row.system, wanted, str(row.found), str(row.duplicates))
    console.print(table)
    console.print(f"Net booked in Tryton {report.net_booked:,} USD, files {report.net_expected:,}")
    rate = f", {deals / taken:.1f} deals a second" if won == deals and taken else ""
    console.print(
        f"Duration of a completed run: p50 {report.percentile(50):.1f} s, "
        f"p95 {report.percentile(95):.1f} s, longest {report.percentile(100):.1f} s. "
        f"The load took {taken:.0f} s{rate}.",
        soft_wrap=True,
    )
    if report.mismatches:
        console.print(f"[bold red]{len(report.mismatches)} mismatches[/bold red]")
        for line in report.mismatches:
            console.print(f"  {escape(line)}", soft_wrap=True)
    else:
        console.print("[bold green]No mismatch.[/bold green]")


@contextmanager
def _bar(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; elsewhere a line now and then."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    told_at = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told_at
        bar.update(task, completed=done)
        is_due = time.monotonic() - told_at > LINE_SECONDS
        if not console.is_terminal and is_due and done < total:
            told_at = time.monotonic()
            console.print(f"{what}: {done} of {total}")

    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield tell
