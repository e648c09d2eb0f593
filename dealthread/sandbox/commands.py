"""`dealthread sandbox load` and `dealthread demo`, to be mounted by the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dealthread.sandbox import demo as demonstration
from dealthread.sandbox.errors import EXPECTED, SandboxError, told
from dealthread.sandbox.load import enter, load_won
from dealthread.stack import info
from dealthread.stack.info import StackInfo
from dealthread.stack.layout import Layout

FAILED = 1

app = typer.Typer(
    name="sandbox",
    help="Load data into the simulators of the local stack, through the vendors' own clients.",
    no_args_is_help=True,
)


@app.callback()
def _sandbox() -> None:
    """Load data into the simulators of the local stack."""


@app.command()
def load(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder with accounts.csv, products.csv, sales_pipeline.csv, sales_teams.csv.",
        ),
    ],
    limit: Annotated[
        int,
        typer.Option(
            min=1,
            help="Won rows to take; a twentieth as many open rows without an account come along.",
        ),
    ] = 20,
    won: Annotated[
        bool, typer.Option("--won", help="Close the deals as won and wait for all of them.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds to wait at most.", show_default=False)
    ] = None,
) -> None:
    """Enter sales data into Salesforce; with --won compare what came of it. 1 on a mismatch."""
    console = Console()
    try:
        stack = _stack()
        if not won:
            number = enter(stack, console, folder, limit)
            console.print(f"{number} deals entered and left open; --won closes them")
            return
        report = load_won(stack, console, folder, limit, timeout)
    except EXPECTED as error:
        _tell(told(error))
        raise typer.Exit(FAILED) from None
    if report.mismatches:
        raise typer.Exit(FAILED)


def demo() -> None:
    """Carry deals from won to booked on the running stack, and compare every figure."""
    try:
        stack = _stack()
    except EXPECTED as error:
        _tell(told(error))
        raise typer.Exit(FAILED) from None
    raise typer.Exit(demonstration.run(stack, Console()))


def _stack() -> StackInfo:
    """The installation of the present folder or of one above it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if Layout(folder).stack_file.is_file():
            stack = info.read(folder)
            if stack is not None:
                return stack
    raise SandboxError("no local stack was started here", "dealthread up --detach")


def _tell(problem: SandboxError) -> None:
    errors = Console(stderr=True)
    errors.print(problem.what, style="red", markup=False)
    if problem.mend:
        errors.print(f"to mend it: {problem.mend}", markup=False)
