"""Starts the parts as soon as what they need is ready, restarts what crashes, stops in reverse."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from dealthread.stack.child import Child
from dealthread.stack.errors import StackError
from dealthread.stack.layout import Layout
from dealthread.stack.plan import Part, Plan, Report, Task

logger = logging.getLogger("dealthread.stack")

TICK_SECONDS = 0.1
# Exits during the start that are taken for bad luck (a port lost in a race), not for a fault.
START_ATTEMPTS = 3
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# A part that ran this long starts again without the delay its earlier crashes earned.
STEADY_SECONDS = 60.0


class Stopped(Exception):
    """A stop was asked for while the stack was starting."""


@dataclass
class _Progress:
    """Counts the steps that are ready, for the line `[3/9] tryton … ready in 1.4 s`."""

    total: int
    report: Report
    done: set[str] = field(default_factory=set)

    def ready(self, name: str, began: float, url: str = "") -> None:
        self.done.add(name)
        seconds = time.monotonic() - began
        place = f"  {url}" if url else ""
        self.report(f"[{len(self.done)}/{self.total}] {name} ready in {seconds:.1f} s{place}")


class Supervisor:
    """Owner of the parts' processes. One thread calls it; `request_stop` may come from any."""

    def __init__(
        self,
        layout: Layout,
        plan: Plan,
        report: Report,
        *,
        first_delay: float = FIRST_DELAY_SECONDS,
    ) -> None:
        self._layout = layout
        self._plan = plan
        self._report = report
        self._first_delay = first_delay
        self._stop = threading.Event()
        self._children: dict[str, Child] = {}

    def request_stop(self) -> None:
        """Ask `start` or `watch` to return soon."""
        self._stop.set()

    @property
    def children(self) -> dict[str, Child]:
        return self._children

    def start(self) -> None:
        """Start everything and return when all is healthy."""
        progress = _Progress(len(self._plan), self._report)
        pending = list(self._plan)
        tasks: dict[str, tuple[Future[None], float]] = {}
        with ThreadPoolExecutor(thread_name_prefix="stack-task") as pool:
            while len(progress.done) < len(self._plan):
                if self._stop.is_set():
                    raise Stopped
                for step in [step for step in pending if set(step.needs) <= progress.done]:
                    pending.remove(step)
                    if isinstance(step, Task):
                        job = pool.submit(step.run, self._indented(step))
                        tasks[step.name] = (job, time.monotonic())
                    else:
                        self._launch(step)
                self._collect_tasks(tasks, progress)
                for child in self._children.values():
                    if child.part.name not in progress.done and self._check_start(child):
                        progress.ready(child.part.name, child.began, child.part.url)
                time.sleep(TICK_SECONDS / 2)

    def watch(self, while_running: Callable[[], bool] = lambda: True) -> None:
        """Restart what crashes until a stop is asked for."""
        while not self._stop.is_set() and while_running():
            for child in self._children.values():
                self._revive(child)
            self._stop.wait(TICK_SECONDS)

    def stop(self) -> None:
        """Stop everything; a part goes only after all that need it have gone."""
        remaining = dict(self._children)
        while remaining:
            needed = {name for child in remaining.values() for name in self._needs(child.part)}
            leaving = [child for name, child in remaining.items() if name not in needed]
            for child in leaving:
                child.ask_to_stop()
            for child in leaving:
                if child.finish():
                    logger.warning("%s did not stop in time and was killed", child.part.name)
                del remaining[child.part.name]
        self._children.clear()

    def _needs(self, part: Part) -> set[str]:
        """Everything a part needs, through tasks and other parts too."""
        by_name = {step.name: step for step in self._plan}
        found: set[str] = set()
        pending = list(part.needs)
        while pending:
            name = pending.pop()
            if name not in found and name in by_name:
                found.add(name)
                pending.extend(by_name[name].needs)
        return found

    def _indented(self, task: Task) -> Report:
        return lambda line: self._report(f"      {task.name}: {line}")

    def _launch(self, part: Part) -> None:
        child = Child(part, self._layout)
        self._children[part.name] = child
        child.launch()

    def _collect_tasks(
        self, tasks: dict[str, tuple[Future[None], float]], progress: _Progress
    ) -> None:
        for name, (future, began) in list(tasks.items()):
            if future.done():
                del tasks[name]
                future.result()  # raises what the task raised
                progress.ready(name, began)

    def _check_start(self, child: Child) -> bool:
        """True when the part is ready; raises when it will not become so."""
        part = child.part
        log = self._layout.log(part.name)
        if child.exit_code is not None:
            if child.failures + 1 >= START_ATTEMPTS:
                raise StackError(
                    f"{part.name} ended {START_ATTEMPTS} times while starting "
                    f"(last exit code {child.exit_code}): {child.last_words()}",
                    f"read {log}",
                )
            child.failures += 1
            child.relaunch()
            return False
        if child.is_healthy():
            child.failures = 0
            child.mark("ready")
            return True
        if time.monotonic() - child.began > part.start_seconds:
            raise StackError(
                f"{part.name} is not healthy after {part.start_seconds:.0f} s: "
                f"{child.last_words()}",
                f"read {log}",
            )
        return False

    def _revive(self, child: Child) -> None:
        """Restart a part that ended, after a delay that doubles with each crash in a row."""
        now = time.monotonic()
        if child.exit_code is None:
            if child.record.state != "ready" and child.is_healthy():
                child.mark("ready")
            return
        if child.due is None:
            if now - child.began > STEADY_SECONDS:
                child.failures = 0
            delay = min(self._first_delay * 2**child.failures, LONGEST_DELAY_SECONDS)
            child.failures += 1
            child.due = now + delay
            child.mark("restarting")
            logger.warning(
                "%s ended with exit code %s; starting it again in %.1f s",
                child.part.name,
                child.exit_code,
                delay,
            )
        elif now >= child.due:
            child.relaunch()
            logger.warning("%s started again (pid %d)", child.part.name, child.record.pid)
