"""Processes of ours: remembered with their start time, so that a reused pid is never touched."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from dealthread.stack.files import write_atomically

# psutil gives the start time in clock ticks since boot; two readings of one process agree
# within this.
SAME_START_SECONDS = 0.05


class ProcessRecord(BaseModel):
    """A pid file: who runs, since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pid: int
    # Of the operating system; tells our process from a later one with the same pid.
    started: float
    restarts: int = 0
    state: str = "starting"
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10.0

    @property
    def process(self) -> psutil.Process | None:
        """The living process this record is about, or None."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > SAME_START_SECONDS:
                return None
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return process

    def signal_group(self, number: int) -> None:
        """Signal the process and its group, if it still is ours.

        Each part leads its own group, so its children are reached too.
        """
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def stop(self) -> bool:
        """Ask it to end, wait, then kill. True when it had to be killed."""
        # PostgreSQL's children must not be signalled with it: the leader ends them in order.
        process = self.process
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(self.stop_signal)
        if self.wait(self.stop_seconds):
            return False
        self.signal_group(signal.SIGKILL)
        self.wait(5.0)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait for its end; True when it is gone."""
        deadline = time.monotonic() + seconds
        while self.process is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def record_of(name: str, pid: int, *, stop_signal: int, stop_seconds: float) -> ProcessRecord:
    """Remember a process that was started just now."""
    return ProcessRecord(
        name=name,
        pid=pid,
        started=psutil.Process(pid).create_time(),
        stop_signal=stop_signal,
        stop_seconds=stop_seconds,
    )


def read_record(path: Path) -> ProcessRecord | None:
    """The record in a pid file; None when there is none or it is damaged."""
    try:
        return ProcessRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def write_record(path: Path, record: ProcessRecord) -> None:
    write_atomically(path, record.model_dump_json())


def memory_bytes(process: psutil.Process, *, children: bool = True) -> int:
    """Memory of a process with its children; shared pages count once (proportional set size)."""
    total = 0
    members = [process]
    with contextlib.suppress(psutil.Error):
        members += process.children(recursive=True) if children else []
    for member in members:
        with contextlib.suppress(psutil.Error):
            full = member.memory_full_info()
            total += getattr(full, "pss", full.rss)
    return total
