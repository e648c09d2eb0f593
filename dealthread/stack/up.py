"""`dealthread up`: bring the local stack up, once."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from dealthread.attributes import SERVER_TYPES
from dealthread.stack import info, supervise
from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.info import StackInfo
from dealthread.stack.installation import establish
from dealthread.stack.layout import Layout
from dealthread.stack.plan import Report
from dealthread.stack.processes import read_record

FOLLOW_SECONDS = 0.05


def up(
    root: Path,
    detach: bool,
    business_date: date | None,
    report: Report,
    *,
    only: Iterable[str] | None = None,
    search_attributes: Mapping[str, str] | None = None,
) -> StackInfo:
    """Start the stack under `root` and return when it is healthy.

    Detached, the stack stays up behind the caller; else this returns only when the stack was
    stopped (Ctrl-C or `down`). On a running stack it says so and changes nothing.
    `only` names parts to start, with what they need; `search_attributes` (name to type) replaces
    the registry's own for Temporal.
    """
    root = root.resolve()
    layout = Layout(root)
    layout.create()
    request = supervise.Request(
        only=list(only) if only is not None else None,
        search_attributes=dict(SERVER_TYPES if search_attributes is None else search_attributes),
    )
    with (layout.run / "up.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # a second `up` waits here, then finds the stack running
        if supervise.is_running(layout):
            return _running(root, report)
        # Before ports are chosen: they sit on the usual ones.
        for name in supervise.clear_leftovers(layout):
            report(f"stopped {name}, left over from a run that was killed")
        stack = establish(root, business_date)
        write_atomically(supervise.request_file(layout), request.model_dump_json())
        if detach:
            _start_detached(layout, report)
            return stack
    with _signals_given_back():
        supervise.run(root, report, supervise.stop_on_signals)
    return stack


def _running(root: Path, report: Report) -> StackInfo:
    stack = info.read(root)
    if stack is None:
        raise StackError("a supervisor runs without stack.json", "dealthread down")
    record = read_record(Layout(root).supervisor_record)
    state = record.state if record else "starting"
    report(f"the stack is already running ({state}): dealthread status")
    return stack


def _start_detached(layout: Layout, report: Report) -> None:
    layout.progress.write_text("", encoding="utf-8")
    pid = _spawn_supervisor(layout)
    with layout.progress.open(encoding="utf-8") as lines:
        try:
            while True:
                # In this order: what was written before the end or the success is still read.
                ended = os.waitpid(pid, os.WNOHANG) != (0, 0)
                record = read_record(layout.supervisor_record)
                for line in lines:
                    report(line.rstrip("\n"))
                if record and record.pid == pid and record.state == "ready":
                    return
                if ended:
                    raise _failure(layout)
                time.sleep(FOLLOW_SECONDS)
        except KeyboardInterrupt:
            report("stopping what was started")
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
            raise


def _spawn_supervisor(layout: Layout) -> int:
    """Start the supervisor in a session of its own, so that it outlives this terminal."""
    log = layout.log("supervisor")
    appended = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        # -P: modules come from our source, not from the folder the user happens to be in.
        [sys.executable, "-P", "-m", "dealthread.stack.supervise", "--root", str(layout.root)],
        {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), appended, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _failure(layout: Layout) -> StackError:
    try:
        text = supervise.failure_file(layout).read_text(encoding="utf-8")
    except FileNotFoundError:
        log = layout.log("supervisor")
        return StackError("the supervisor ended before the stack was up", f"read {log}")
    failure = supervise.Failure.model_validate_json(text)
    return StackError(failure.what, failure.mend)


@contextmanager
def _signals_given_back() -> Iterator[None]:
    """The supervisor takes this process's stop signals; afterwards the caller has them again."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
