"""`dealthread up|down|status|doctor`: the local stack."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from dealthread.attributes import SERVER_TYPES
from dealthread.cli import output
from dealthread.cli.circuits import held_back
from dealthread.cli.context import stack_root
from dealthread.cli.failures import PROBLEM, Refused
from dealthread.cli.process_api import connect
from dealthread.stack.doctor import Finding, Level, doctor, problems
from dealthread.stack.down import down
from dealthread.stack.info import StackInfo
from dealthread.stack.status import PartState, PartStatus, status
from dealthread.stack.up import up

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def start(
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave it running behind this terminal.")
    ] = False,
    business_date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="Day on which the stack's business clock starts; only before it holds data.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start the local stack; without --detach until Ctrl-C."""
    day = business_date.date() if business_date else None
    stack = up(_root(), detach, day, output.say, search_attributes=SERVER_TYPES)
    if detach:
        _where_to_look(stack)


def _where_to_look(stack: StackInfo) -> None:
    output.facts(
        [
            ("Temporal UI", stack.urls.temporal_ui),
            ("process API", stack.urls.bridge + "/docs"),
            ("business date", f"{stack.business_now:%Y-%m-%d}"),
            ("everything else", stack.layout.stack_file),
            ("to look", "dealthread status · dealthread list"),
            ("to stop", "dealthread down"),
        ]
    )


def stop() -> None:
    """Stop the local stack; its data stays."""
    down(_root(), output.say)


def show(as_json: Json = False) -> None:
    """Show what runs, where, since when, and what it takes. Exit code 1 unless all is healthy."""
    parts = status(_root())
    unwell = [part for part in parts if part.state is not PartState.HEALTHY]
    if as_json:
        output.raw(json.dumps([_document(part) for part in parts], indent=2))
    else:
        output.table(
            ("part", "state", "pid", "MB", "up for", "restarts", "url"),
            (
                (
                    part.name,
                    part.state,
                    part.pid or "",
                    "" if part.memory_megabytes is None else part.memory_megabytes,
                    part.uptime or "",
                    part.restarts,
                    part.url,
                )
                for part in parts
            ),
            empty="no stack was started here: `dealthread up --detach`",
        )
        for part in unwell:
            mend = "dealthread up --detach" if part.state is PartState.DOWN else f"tail {part.log}"
            output.say(f"{part.name} is {part.state}: {mend}")
        for line in _held_back():
            output.say(f"{line}: dealthread circuits list")
    if unwell or not parts:
        raise typer.Exit(PROBLEM)


def _document(part: PartStatus) -> dict[str, object]:
    return {name: _plain(value) for name, value in asdict(part).items()}


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, Path) else value


def examine(as_json: Json = False) -> None:
    """Look for what is wrong; each finding names the command that mends it."""
    findings = doctor(_root())
    findings += [
        Finding(
            f"circuit {line.partition(' ')[0]}", Level.PROBLEM, line, "dealthread circuits list"
        )
        for line in _held_back()
    ]
    if as_json:
        output.raw(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        marks = {Level.OK: "ok", Level.NOTE: "note", Level.PROBLEM: "PROBLEM"}
        output.table(
            ("", "check", "finding", "to mend it"),
            ((marks[f.level], f.check, f.what, f.mend) for f in findings),
            empty="",
        )
    if problems(findings):
        raise typer.Exit(PROBLEM)


def _held_back() -> list[str]:
    """Circuits that are not closed; none where the bridge does not answer: it has a line then."""
    try:
        with connect() as api:
            return held_back(api.get("/circuits").text)
    except Refused:
        return []


def _root() -> Path:
    return stack_root(Path.cwd())
