"""Run a command with the settings of the local stack: `python -m dealthread.stack.run CMD …`.

For tools that take their settings from the environment (Alembic, a worker under a debugger), so
that nobody copies a credential by hand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dealthread.stack import info
from dealthread.stack.environment import app_environment


def main() -> int:
    """Become the command; returns only when that cannot be."""
    command = sys.argv[1:]
    if not command:
        sys.stderr.write("usage: python -m dealthread.stack.run COMMAND [ARGUMENT …]\n")
        return 2
    stack = info.read(Path.cwd())
    if stack is None:
        sys.stderr.write("no stack was started in this folder; to mend it: make up\n")
        return 1
    try:
        # The user's own command line, no shell.
        os.execvpe(command[0], command, {**os.environ, **app_environment(stack)})  # noqa: S606
    except OSError as failure:
        sys.stderr.write(f"{command[0]}: {failure.strerror}\n")
    return 127


if __name__ == "__main__":
    sys.exit(main())
