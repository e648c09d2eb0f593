"""`python -m dealthread.cli.reference > docs/cli.md`: the help of every verb, from the code.

`python -m dealthread.cli.reference settings > docs/settings.md` does the same for settings.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from dealthread.cli.main import app
from dealthread.cli.settings_reference import settings_page

COLUMNS = 98

_HEAD = """\
# Command line

Generated from the code by `python -m dealthread.cli.reference > docs/cli.md`; a test compares.

Exit codes: 0 all is in order, 1 a problem was found or the request refused, 2 wrong usage.
Errors are one line on stderr. `--json` prints the process API's own document.

Settings come from `DEALTHREAD_…` variables (`docs/settings.md`), else from the
`.dealthread/stack.json` of the present folder or one above it. `DEALTHREAD_TOKEN` is the bearer
token for the process API; on a local stack `--as approver` acts as its second person.
"""


def cli_page() -> str:
    """docs/cli.md."""
    root = typer.main.get_command(app)
    return "\n".join([_HEAD, *_sections("dealthread", root, None)])


def _sections(path: str, command: Any, parent: Any) -> Iterator[str]:
    """Help of a command, then of those below it, in the order of the help."""
    context = command.context_class(
        command,
        parent=parent,
        info_name=path.rsplit(" ", 1)[-1],
        terminal_width=COLUMNS,
        max_content_width=COLUMNS,
    )
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    yield "\n".join([f"## `{path}`", "", "```text", *lines, "```", ""])
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from _sections(f"{path} {name}", command.get_command(context, name), context)


if __name__ == "__main__":
    sys.stdout.write(settings_page() if sys.argv[1:] == ["settings"] else cli_page())
