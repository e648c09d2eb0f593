"""How things are shown: tables for people, the API's own JSON for programs.

What comes from other systems (customer names, messages of vendors) is shown as plain text:
no markup is read in it, and control characters, which could steer a terminal, are replaced.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_OF_A_FILE = 240
"""Columns when the output is no terminal: ids are not broken for whoever greps them."""


def clean(value: object) -> str:
    """Text without control characters, in one line."""
    return "".join(
        " " if char in "\n\t" else "�" if unicodedata.category(char) == "Cc" else char
        for char in str(value)
    )


def say(line: str = "", style: str = "") -> None:
    """One line on the standard output, exactly as it stands."""
    _console().print(Text(clean(line), style=style), soft_wrap=True)


def complain(line: str) -> None:
    """One line on the standard error output."""
    typer.echo(f"dealthread: {line}", err=True)


def note(line: str) -> None:
    """A remark that must not disturb what a program reads from the standard output."""
    typer.echo(clean(line), err=True)


def raw(text: str) -> None:
    """Machine-readable output, untouched."""
    typer.echo(text)


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    empty: str,
    *,
    amounts: Collection[int] = (),
) -> None:
    """Rows under headings; `empty` is said when there are none. `amounts`: columns whose figures
    stand under one another."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for at, heading in enumerate(headings):
        # Folded, never cut: half an id is no id.
        grid.add_column(heading, overflow="fold", justify="right" if at in amounts else "left")
    count = 0
    for row in rows:
        grid.add_row(*(Text(clean(cell)) for cell in row))
        count += 1
    if count:
        _console().print(grid)
    else:
        say(empty)


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Label and value, one a line; a row without a value is left out."""
    grid = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        if value not in ("", None):
            grid.add_row(label, Text(clean(value)))
    _console().print(grid)


def _console() -> Console:
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    return Console(highlight=False, width=width)


def money(value: Any) -> str:
    """`{"amount": "15000.00", "currency": "USD"}` as 15,000.00 USD; the digits are not touched."""
    if not value:
        return ""
    whole, _, cents = str(value["amount"]).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{int(digits):,}" if digits.isdigit() else digits
    return f"{sign}{grouped}{'.' + cents if cents else ''} {value['currency']}"


def instant(value: str | None) -> str:
    """An API time as 2026-03-15 09:00:12 (UTC)."""
    moment = read_instant(value)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def read_instant(value: str | None) -> datetime | None:
    """Aware, UTC; None for nothing."""
    return datetime.fromisoformat(value).astimezone(UTC) if value else None


def since(value: str | None) -> str:
    """How long ago, or in how long, in the largest unit that says something."""
    moment = read_instant(value)
    if moment is None:
        return ""
    seconds = round((datetime.now(UTC) - moment).total_seconds())
    amount = abs(seconds)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if amount >= size:
            number = amount // size
            text = f"{number} {unit}{'' if number == 1 else 's'}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return "now"
