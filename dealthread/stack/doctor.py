"""`dealthread doctor`: what is wrong here, each with the command that mends it."""

from __future__ import annotations

import importlib.util
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dealthread.stack import info, ports, supervise, temporal
from dealthread.stack.errors import StackError
from dealthread.stack.files import OWNER_ONLY
from dealthread.stack.layout import Layout
from dealthread.stack.postgres import installed_programs
from dealthread.stack.status import PartState, status

OLDEST_PYTHON = (3, 11)
# Environments 0.9 GB, Tryton's 0.2 GB, databases and logs.
NEEDED_DISK_BYTES = 2_000_000_000


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `mend` is a command, empty when nothing is to be done."""

    check: str
    level: Level
    what: str
    mend: str = ""


def doctor(root: Path) -> list[Finding]:
    """Look at everything the stack needs; changes nothing."""
    layout = Layout(root.resolve())
    if not layout.is_mine():
        what = f"{layout.state} was made by another user"
        mend = f"go on as that user, or remove it: rm -r {layout.state}"
        return [Finding("state", Level.PROBLEM, what, mend)]
    running = supervise.is_running(layout)
    return [
        _python(),
        _environment(),
        _disk(layout),
        *_programs(),
        *_installation(layout),
        *_ports(layout, running=running),
        *_leftovers(layout, running=running),
        *_health(layout, running=running),
    ]


def problems(findings: list[Finding]) -> list[Finding]:
    """Those that somebody must mend."""
    return [finding for finding in findings if finding.level is Level.PROBLEM]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", Level.OK, f"Python {found}")
    needed = ".".join(map(str, OLDEST_PYTHON))
    return Finding(
        "python",
        Level.PROBLEM,
        f"Python {found} is older than {needed}",
        f"apt-get install python{needed} python{needed}-venv && rm -rf .venv && make install",
    )


def _environment() -> Finding:
    if sys.prefix == sys.base_prefix:
        return Finding("environment", Level.NOTE, "not in a virtual environment", "make install")
    if importlib.util.find_spec("ensurepip") is None:
        return Finding(
            "environment",
            Level.PROBLEM,
            "Python has no venv module; Tryton needs an environment of its own",
            "apt-get install python3-venv",
        )
    return Finding("environment", Level.OK, sys.prefix)


def _disk(layout: Layout) -> Finding:
    free = shutil.disk_usage(layout.root).free
    text = f"{free / 1e9:.1f} GB free under {layout.root}"
    if free >= NEEDED_DISK_BYTES:
        return Finding("disk", Level.OK, text)
    needed = f"{NEEDED_DISK_BYTES / 1e9:.0f} GB"
    return Finding("disk", Level.PROBLEM, f"{text}; {needed} are needed", "df -h .")


def _programs() -> Iterator[Finding]:
    looks: dict[str, Callable[[], Path]] = {
        "postgres": lambda: installed_programs() / "postgres",
        "temporal": temporal.installed_program,
    }
    for name, look in looks.items():
        try:
            yield Finding(f"program {name}", Level.OK, str(look()))
        except StackError as failure:
            yield Finding(f"program {name}", Level.PROBLEM, failure.what, failure.mend)


def _installation(layout: Layout) -> Iterator[Finding]:
    path = layout.stack_file
    if not path.exists():
        yield Finding("stack.json", Level.NOTE, "no stack was started here yet", "dealthread up")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode != OWNER_ONLY:
        yield Finding(
            "stack.json",
            Level.PROBLEM,
            f"{path} holds credentials and has mode {mode:04o}",
            f"chmod 600 {path}",
        )
    try:
        info.read(layout.root)
    except StackError as failure:
        yield Finding("stack.json", Level.PROBLEM, failure.what, failure.mend)
    else:
        yield Finding("stack.json", Level.OK, str(path))


def _ports(layout: Layout, *, running: bool) -> Iterator[Finding]:
    """A taken port is no problem, since another is chosen; the user should know of it."""
    if running or any(record.process for _, record in supervise.part_records(layout)):
        return  # they may well be ours
    for name, port in ports.USUAL.items():
        if not ports.is_free(port):
            yield Finding(
                f"port {port}",
                Level.NOTE,
                f"the usual port of {name} is taken; the next start uses another "
                f"(see {layout.stack_file.name})",
                f"ss -ltnp 'sport = :{port}'",
            )


def _leftovers(layout: Layout, *, running: bool) -> Iterator[Finding]:
    if running or not layout.run.exists():
        return
    for path, record in supervise.part_records(layout):
        if record.process:
            yield Finding(
                f"process {record.name}",
                Level.PROBLEM,
                f"{record.name} (pid {record.pid}) runs without its supervisor",
                "dealthread down",
            )
        else:
            yield Finding(
                f"pid file {record.name}",
                Level.NOTE,
                f"{path} speaks of a process that is gone",
                "dealthread down",
            )


def _health(layout: Layout, *, running: bool) -> Iterator[Finding]:
    if not running:
        yield Finding("stack", Level.NOTE, "the stack is not running", "dealthread up --detach")
        return
    for part in status(layout.root):
        if part.state is PartState.HEALTHY:
            note = f"; restarted {part.restarts} times" if part.restarts else ""
            yield Finding(f"part {part.name}", Level.OK, f"healthy{note}")
        elif part.state is PartState.STARTING:
            yield Finding(f"part {part.name}", Level.NOTE, "starting", "dealthread status")
        else:
            yield Finding(
                f"part {part.name}", Level.PROBLEM, str(part.state), f"tail -n 50 {part.log}"
            )
