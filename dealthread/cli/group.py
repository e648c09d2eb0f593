"""The root of the command line: known errors become one line, heavy verbs are loaded when asked.

The local stack and the sandbox bring packages that an installation without them does not have
(the extra `stack`); these and the rules about money take longer to import than a list to print.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from dealthread.cli.failures import KNOWN, PROBLEM, Refused, sentence
from dealthread.cli.output import clean, complain

_FIRST = {
    "up": ("dealthread.cli.stack", "start"),
    "down": ("dealthread.cli.stack", "stop"),
    "status": ("dealthread.cli.stack", "show"),
    "doctor": ("dealthread.cli.stack", "examine"),
}
_LAST = {
    "money": ("dealthread.cli.money", "money"),
    "simulators": ("dealthread.cli.simulators", "simulators"),
    "sandbox": ("dealthread.sandbox.commands", "app"),
    "demo": ("dealthread.sandbox.commands", "demo"),
}
LATER = _FIRST | _LAST
"""Verb → module and name of its function or Typer application."""


class Commands(TyperGroup):
    """The root group."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*_FIRST, *super().list_commands(ctx), *_LAST]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        try:
            return _loaded(cmd_name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("dealthread"):
                raise
            return None  # left out of the help; typed by name, it is explained below

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in LATER and self.get_command(ctx, args[0]) is None:
            raise Refused(
                f"`dealthread {args[0]}` needs the local stack's packages, which this installation "
                "does not have: pip install 'dealthread[stack]'"
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KNOWN as error:
            complain(clean(sentence(error)))
            raise typer.Exit(PROBLEM) from None


def _loaded(verb: str) -> Any:
    module, name = LATER[verb]
    found = getattr(importlib.import_module(module), name)
    root = typer.Typer(rich_markup_mode=None)
    root.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        root.add_typer(found, name=verb)
    else:
        root.command(verb)(found)
    group: Any = typer.main.get_command(root)
    return group.commands[verb]
