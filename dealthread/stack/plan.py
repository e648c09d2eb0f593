"""What the stack is made of: parts that run, tasks that are done once, and what each needs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dealthread.stack.errors import StackError
from dealthread.stack.health import Check

Report = Callable[[str], None]


@dataclass(frozen=True)
class Launch:
    """One process to start."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    # System account to run as; None is the present one.
    account: str | None = None


@dataclass(frozen=True)
class Part:
    """A process that runs as long as the stack does."""

    name: str
    # Called at each start, since some commands are known only when earlier steps are done.
    launch: Callable[[], Launch]
    healthy: Check
    needs: tuple[str, ...] = ()
    url: str = ""
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10.0
    start_seconds: float = 60.0
    # Removed before each start, so that an old sign of life does not count.
    ready_file: Path | None = None


@dataclass(frozen=True)
class Task:
    """Something done once at each start; parts that need it wait for its end."""

    name: str
    run: Callable[[Report], None]
    needs: tuple[str, ...] = ()


Step = Part | Task
Plan = tuple[Step, ...]


def select(plan: Plan, only: Iterable[str] | None) -> Plan:
    """The steps named, with everything they need, in the plan's order; all when none is named."""
    if only is None:
        return plan
    by_name = {step.name: step for step in plan}
    wanted: set[str] = set()
    pending = list(only)
    while pending:
        name = pending.pop()
        if name not in by_name:
            raise StackError(f"no part is called {name!r}", "choose among: " + ", ".join(by_name))
        if name not in wanted:
            wanted.add(name)
            pending.extend(by_name[name].needs)
    return tuple(step for step in plan if step.name in wanted)
