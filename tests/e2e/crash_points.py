"""A worker of the tests that kills itself, once each, at named points of a write.

`python -m tests.e2e.crash_points PLAN DONE`: PLAN is a JSON list of "<deal>|<step>|<phase>", DONE
a folder in which a file marks each point that was used. Phases: before_intent, after_intent
(nothing sent), after_effect (answer read, result not recorded), after_result (recorded, completion
not reported). Nothing of this is in the product: the journal is wrapped here.

Time-outs are shortened here too, so that Temporal notices a dead attempt within seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from dealthread import policies
from dealthread.hub import Effects, WriteRow, WriteSpec
from dealthread.settings import load_settings
from workers import __main__ as worker
from workers import bootstrap

PHASES = ("before_intent", "after_intent", "after_effect", "after_result")


class CrashingJournal:
    """The real journal, with a trapdoor before and after each of its transactions."""

    def __init__(self, journal, plan: set[str], done: Path) -> None:
        self._journal = journal
        self._plan = plan
        self._done = done

    def _maybe_die(self, spec: WriteSpec, phase: str) -> None:
        point = f"{spec.context.deal_id}|{spec.step}|{phase}"
        mark = self._done / point.replace("|", "__")
        if point in self._plan and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    async def open(self, spec: WriteSpec) -> WriteRow:
        self._maybe_die(spec, "before_intent")
        return await self._journal.open(spec)

    async def sent(self, spec: WriteSpec, revision: int) -> None:
        await self._journal.sent(spec, revision)
        self._maybe_die(spec, "after_intent")

    async def done(self, spec: WriteSpec, result: str, how: str, effects: Effects) -> None:
        self._maybe_die(spec, "after_effect")
        await self._journal.done(spec, result, how, effects)
        self._maybe_die(spec, "after_result")

    def __getattr__(self, name: str):
        return getattr(self._journal, name)


def shorten() -> None:
    """Start-to-close of three seconds instead of thirty."""
    for timing in (
        policies.READ,
        policies.WRITE,
        policies.POST_LEDGER,
        policies.COMPENSATE,
        policies.STORE,
    ):
        timing["start_to_close_timeout"] = timedelta(seconds=3)


def live(plan: set[str], done: Path) -> None:
    """One life of the worker."""
    real = bootstrap.open_ports

    @asynccontextmanager
    async def crashing(settings, meter=None):
        async with real(settings, meter) as ports:
            yield replace(ports, journal=CrashingJournal(ports.journal, plan, done))

    worker.open_ports = crashing
    asyncio.run(worker.serve(load_settings()))


def main() -> None:
    """Fork a life; when it was killed, fork the next, with everything imported already."""
    plan, done = set(json.loads(Path(sys.argv[1]).read_text())), Path(sys.argv[2])
    shorten()
    child = 0
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            live(plan, done)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            return


if __name__ == "__main__":
    main()
