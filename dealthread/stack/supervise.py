"""The supervisor's process: `python -m dealthread.stack.supervise --root FOLDER`.

It holds a lock for as long as it lives, so that there is one per state folder, and leaves what
it came to in files: pid records, the progress of the start, and the failure if there was one.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dealthread.stack import info, parts
from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.layout import Layout
from dealthread.stack.plan import Report, select
from dealthread.stack.processes import ProcessRecord, read_record, record_of, write_record
from dealthread.stack.supervisor import Stopped, Supervisor

logger = logging.getLogger("dealthread.stack")

# Longest graceful stop of a part (the worker's 45 s) and of those that go after it.
STOP_SECONDS = 75.0
# `is_running` holds the lock for an instant when it looks; that long a supervisor tries again.
PROBE_SECONDS = 1.0


class Request(BaseModel):
    """What `up` asks of the supervisor's process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    only: list[str] | None = None
    search_attributes: dict[str, str] = Field(default_factory=dict)


class Failure(BaseModel):
    """Why the start failed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    mend: str


def request_file(layout: Layout) -> Path:
    return layout.run / "request.json"


def failure_file(layout: Layout) -> Path:
    return layout.run / "failure.json"


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the supervisor's lock; refused while another process has it."""
    deadline = time.monotonic() + PROBE_SECONDS
    with layout.supervisor_lock.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as failure:
                if time.monotonic() > deadline:
                    what = "the stack is already running"
                    raise StackError(what, "dealthread status") from failure
            time.sleep(0.05)
        yield


def is_running(layout: Layout) -> bool:
    """True while a supervisor lives for this state folder."""
    if not layout.supervisor_lock.exists():
        return False
    with layout.supervisor_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def part_records(layout: Layout) -> list[tuple[Path, ProcessRecord]]:
    """The pid files of all parts, damaged ones left out."""
    found = [(path, read_record(path)) for path in sorted(layout.run.glob("*.part.json"))]
    return [(path, record) for path, record in found if record]


def clear_leftovers(layout: Layout) -> list[str]:
    """Stop what a supervisor that was killed left running; only processes that are ours."""
    stopped = []
    # Those that others need started first: newest first is the reverse order.
    records = sorted(part_records(layout), key=lambda pair: pair[1].started, reverse=True)
    for path, record in records:
        if record.process:
            record.stop()
            stopped.append(record.name)
        path.unlink(missing_ok=True)
    return stopped


def run(root: Path, report: Report, on_start: Callable[[Supervisor], None]) -> None:
    """Bring the stack up and keep it up until the supervisor is asked to stop."""
    layout = Layout(root)
    stack = info.read(root)
    if stack is None:
        raise StackError("there is no stack.json", "dealthread up")
    asked = Request.model_validate_json(request_file(layout).read_text(encoding="utf-8"))
    with exclusive(layout):
        own = record_of(
            "supervisor", os.getpid(), stop_signal=signal.SIGTERM, stop_seconds=STOP_SECONDS
        )
        failure_file(layout).unlink(missing_ok=True)
        write_record(layout.supervisor_record, own)
        plan = select(parts.plan(stack, asked.search_attributes), asked.only)
        supervisor = Supervisor(layout, plan, report)
        on_start(supervisor)
        try:
            supervisor.start()
            write_record(layout.supervisor_record, own.model_copy(update={"state": "ready"}))
            supervisor.watch()
        except Stopped:
            logger.info("stopped while starting")
        except StackError as failure:
            failed = Failure(what=failure.what, mend=failure.mend)
            write_atomically(failure_file(layout), failed.model_dump_json())
            raise
        finally:
            write_record(layout.supervisor_record, own.model_copy(update={"state": "stopping"}))
            supervisor.stop()
            layout.supervisor_record.unlink(missing_ok=True)


def stop_on_signals(supervisor: Supervisor) -> None:
    """SIGTERM and Ctrl-C mean: stop everything in order."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.request_stop())


def main() -> int:
    """Entry point of the detached supervisor."""
    parser = argparse.ArgumentParser(prog="dealthread.stack.supervise")
    parser.add_argument("--root", type=Path, required=True)
    root = parser.parse_args().root.resolve()
    os.umask(0o077)  # logs too are nobody else's to read
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    # httpx logs each health check at INFO.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    layout = Layout(root)

    def report(line: str) -> None:
        with layout.progress.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    try:
        run(root, report, stop_on_signals)
    except StackError as failure:
        logger.error("%s", failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
