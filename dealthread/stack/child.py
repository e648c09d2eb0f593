"""One part's process as the supervisor holds it: launched, recorded, stopped."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time

import psutil

from dealthread.stack.layout import Layout
from dealthread.stack.plan import Launch, Part
from dealthread.stack.processes import ProcessRecord, record_of, write_record

LARGEST_LOG_BYTES = 20_000_000
LAST_WORDS_BYTES = 400
POLL_SECONDS = 0.05
# Of the caller's environment these do not reach the parts: the stack alone configures them.
# A tape is asked for by whoever judges the simulators, and is no part of the stack's settings.
LET_THROUGH = "DEALTHREAD_SIM_TAPE"
FOREIGN_PREFIXES = ("DEALTHREAD_", "TEMPORAL_", "PG", "STRIPE_", "TRYTOND_")
OWN_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # A proxy that the user's shell names is for the world, not for this machine.
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


class Child:
    """A running (or ended, or restarting) part."""

    def __init__(self, part: Part, layout: Layout) -> None:
        self.part = part
        self.failures = 0
        self.due: float | None = None
        self.began = time.monotonic()
        self._layout = layout
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self.record = ProcessRecord(name=part.name, pid=os.getpid(), started=0.0)

    @property
    def exit_code(self) -> int | None:
        """None while it runs. Once it has ended, so has the rest of its process group."""
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            seen = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if seen is None:
                return None
            # Not reaped yet, so the group's number still is ours and nobody else's.
            self._kill_group()
            process.wait()
        return process.returncode

    def is_healthy(self) -> bool:
        return self.exit_code is None and self.part.healthy()

    def launch(self) -> None:
        """Start the process in a group of its own, its output going to its log."""
        launch = self.part.launch()
        if self.part.ready_file:
            self.part.ready_file.unlink(missing_ok=True)
        self.began = time.monotonic()
        self.due = None
        self._process = self._spawn(launch)
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended already
            self.record = record_of(
                self.part.name,
                self._process.pid,
                stop_signal=self.part.stop_signal,
                stop_seconds=self.part.stop_seconds,
            )
        self.mark("starting")

    def relaunch(self) -> None:
        self._restarts += 1
        self.launch()

    def mark(self, state: str) -> None:
        """Write the pid file anew."""
        self.record = self.record.model_copy(update={"state": state, "restarts": self._restarts})
        write_record(self._layout.record(self.part.name), self.record)

    def ask_to_stop(self) -> None:
        """Send the part's own stop signal to its leader, which ends its children in order."""
        self.mark("stopping")
        if self._process and self.exit_code is None:
            self._process.send_signal(self.part.stop_signal)

    def finish(self) -> bool:
        """Wait for the end; True when it had to be killed. The pid file goes."""
        deadline = time.monotonic() + self.part.stop_seconds
        killed = False
        while self._process and self.exit_code is None:
            if time.monotonic() > deadline:
                killed = True
                self._kill_group()
                self._process.wait()
            time.sleep(POLL_SECONDS)
        self._layout.record(self.part.name).unlink(missing_ok=True)
        return killed

    def last_words(self) -> str:
        """The end of its log, for a message."""
        try:
            log = self._layout.log(self.part.name).read_bytes()
        except OSError:
            return "(no log)"
        return log[-LAST_WORDS_BYTES:].decode(errors="replace").strip() or "(nothing logged)"

    def _spawn(self, launch: Launch) -> subprocess.Popen[bytes]:
        account = launch.account
        log = self._layout.log(self.part.name)
        if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name == LET_THROUGH or not name.startswith(FOREIGN_PREFIXES)
        }
        with log.open("ab") as output:
            # Our own programs from our own environment, no shell.
            return subprocess.Popen(  # noqa: S603
                list(launch.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, **OWN_ENVIRONMENT, **launch.environment},
                cwd="/" if account else self._layout.root,
                user=account,
                group=pwd.getpwnam(account).pw_gid if account else None,
                extra_groups=[] if account else None,
                start_new_session=True,
                umask=0o077,  # databases and state files are nobody else's to read
            )

    def _kill_group(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
