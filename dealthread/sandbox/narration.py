"""How the demonstration tells what it does: what a person would type, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dealthread.sandbox.process import Json


class Narrator:
    """Writes to one console. Everything that comes from outside is escaped."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def scene(self, number: int, title: str) -> None:
        """A heading."""
        self._console.print()
        self._console.rule(f"[bold]Scene {number}. {escape(title)}[/bold]", align="left")

    def chapter(self, title: str) -> None:
        """A heading outside the scenes."""
        self._console.print()
        self._console.rule(f"[bold]{escape(title)}[/bold]", align="left")

    def does(self, text: str) -> None:
        """What is done now."""
        self._console.print(f"[cyan]>[/cyan] {escape(text)}", soft_wrap=True)

    def typed(self, command: str) -> None:
        """The command a person would type for it."""
        self._console.print(f"  [dim]$[/dim] [green]{escape(command)}[/green]", soft_wrap=True)

    def seen(self, text: str) -> None:
        """What is seen."""
        self._console.print(f"  {escape(text)}", soft_wrap=True)

    def good(self, text: str) -> None:
        """A fact that was checked and holds."""
        self._console.print(f"  [bold green]ok[/bold green] {escape(text)}", soft_wrap=True)

    def bad(self, text: str) -> None:
        """A fact that was checked and does not hold."""
        self._console.print(f"  [bold red]NOT AS IT SHOULD BE[/bold red] {escape(text)}")

    def case(self, case: Json) -> None:
        """A case as a person finds it."""
        self.typed(f"dealthread cases show {case['case_id']}")
        table = Table(show_header=False, box=None, padding=(0, 2), pad_edge=False)
        for name, value in (
            ("kind", case["kind"]),
            ("summary", case["summary"]),
            ("customer", case["customer_name"]),
            ("at risk", money_text(case["money_at_risk"])),
            ("blocked", ", ".join(case["blocked_steps"])),
            ("queue", case["queue"]),
            ("decisions", ", ".join(case["allowed"])),
        ):
            table.add_row(f"    {name}", escape(str(value)))
        for name, value in sorted(case["evidence"].items()):
            table.add_row("    evidence", escape(f"{name}: {value}"))
        self._console.print(table)

    def rows(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[object]],
        whole: Collection[str] = (),
    ) -> None:
        """A table; columns in `whole` are never broken nor cut, however narrow the terminal is."""
        table = Table(padding=(0, 1))
        for heading in headings:
            table.add_column(heading, overflow="fold", no_wrap=heading in whole)
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self._console.print(table)


def money_text(value: Any) -> str:
    """`15,891.00 USD` from the process API's form of money."""
    if not value:
        return ""
    return amount_text(Decimal(str(value["amount"])), str(value["currency"]))


def amount_text(amount: Decimal, currency: str) -> str:
    """`15,891.00 USD`."""
    return f"{amount:,.2f} {currency}"
