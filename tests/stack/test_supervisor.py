"""The supervisor: order, restarts, and the end. Mission rows RS-04, OB-10."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dealthread.stack.errors import StackError
from dealthread.stack.layout import Layout
from dealthread.stack.plan import Part, Plan, Task, select
from dealthread.stack.processes import read_record
from dealthread.stack.supervisor import Supervisor

MakePart = Callable[..., Part]
Until = Callable[[Callable[[], bool]], None]


@contextmanager
def watched(supervisor: Supervisor) -> Iterator[None]:
    """Run the supervisor's watch beside the test, and stop everything afterwards."""
    thread = threading.Thread(target=supervisor.watch)
    try:
        supervisor.start()
        thread.start()
        yield
    finally:
        supervisor.request_stop()
        if thread.ident is not None:
            thread.join()
        supervisor.stop()


def words(journal: Path) -> list[str]:
    return journal.read_text(encoding="utf-8").splitlines()


def test_a_part_starts_after_what_it_needs_and_stops_before_it(
    layout: Layout, journal: Path, make_part: MakePart
) -> None:
    """Order of start follows the needs; order of stop is its reverse."""
    plan: Plan = (make_part("c", needs=("b",)), make_part("b", needs=("a",)), make_part("a"))
    lines: list[str] = []
    supervisor = Supervisor(layout, plan, lines.append)
    with watched(supervisor):
        assert words(journal) == ["start a", "start b", "start c"]
    assert words(journal)[3:] == ["stop c", "stop b", "stop a"]
    assert [line.split(" ready in ")[0] for line in lines] == ["[1/3] a", "[2/3] b", "[3/3] c"]
    assert not list(layout.run.glob("*.part.json"))


def test_a_need_through_a_task_counts_when_stopping(
    layout: Layout, journal: Path, make_part: MakePart
) -> None:
    """A part stays up for another that needs it only by way of a task between them."""
    task = Task(name="schema", run=lambda report: report("made"), needs=("store",))
    plan: Plan = (make_part("store"), task, make_part("app", needs=("schema",)))
    lines: list[str] = []
    with watched(Supervisor(layout, plan, lines.append)):
        pass
    assert words(journal) == ["start store", "start app", "stop app", "stop store"]
    assert "      schema: made" in lines


def test_a_killed_part_is_started_again_and_others_are_left_alone(
    layout: Layout, make_part: MakePart, until: Until
) -> None:
    """kill -9 of one part: a new process takes its place, its neighbour keeps its own."""
    supervisor = Supervisor(
        layout, (make_part("a"), make_part("b")), lambda _: None, first_delay=0.01
    )
    with watched(supervisor):
        before = read_record(layout.record("a"))
        neighbour = read_record(layout.record("b"))
        assert before is not None
        os.kill(before.pid, signal.SIGKILL)

        def replaced() -> bool:
            now = read_record(layout.record("a"))
            return bool(now and now.pid != before.pid and now.state == "ready" and now.process)

        until(replaced)
        after = read_record(layout.record("a"))
        assert after is not None
        assert after.restarts == 1
        assert read_record(layout.record("b")) == neighbour


def test_the_delay_before_a_restart_doubles(
    layout: Layout,
    journal: Path,
    make_part: MakePart,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A part that crashes over and over is not restarted in a tight loop."""
    script = """
import pathlib, sys, time
pathlib.Path(sys.argv[2]).touch()
time.sleep(0.3)
sys.exit(3)
"""
    with (
        caplog.at_level("WARNING", "dealthread.stack"),
        watched(
            Supervisor(layout, (make_part("a", script=script),), lambda _: None, first_delay=0.02)
        ),
    ):
        until(lambda: caplog.text.count("starting it again") >= 3)
    delays = [record.args[2] for record in caplog.records if record.args and len(record.args) == 3]
    assert delays[:3] == [0.02, 0.04, 0.08]


def test_a_part_that_cannot_start_is_named_with_its_last_words(
    layout: Layout, make_part: MakePart
) -> None:
    """The message says which part, what it said last, and where to read on."""
    broken = make_part("broken", script="raise SystemExit('no such thing')")
    supervisor = Supervisor(layout, (broken,), lambda _: None)
    with pytest.raises(StackError, match="broken ended 3 times while starting") as caught:
        supervisor.start()
    supervisor.stop()
    assert "no such thing" in caught.value.what
    assert str(layout.log("broken")) in caught.value.mend


def test_a_part_that_never_answers_is_given_up_after_its_time(
    layout: Layout, make_part: MakePart
) -> None:
    """A start ends with an error, never hangs."""
    mute = make_part("mute", script="import time; time.sleep(60)", start_seconds=0.2)
    supervisor = Supervisor(layout, (mute,), lambda _: None)
    with pytest.raises(StackError, match="mute is not healthy after"):
        supervisor.start()
    supervisor.stop()


def test_a_part_that_ignores_the_stop_is_killed_with_its_children(
    layout: Layout, journal: Path, make_part: MakePart, until: Until
) -> None:
    """After its graceful time a part and all processes of its group are gone."""
    stubborn = """
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[3]).write_text(str(child.pid))
pathlib.Path(sys.argv[2]).touch()
time.sleep(60)
"""
    part = make_part("stubborn", script=stubborn, stop_seconds=0.2)
    supervisor = Supervisor(layout, (part,), lambda _: None)
    supervisor.start()
    child = int(journal.read_text(encoding="utf-8"))
    assert Path(f"/proc/{child}").exists()
    supervisor.stop()
    until(lambda: not running(child))


def running(pid: int) -> bool:
    """True while the process lives; one that waits to be reaped by init does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def test_a_selection_brings_what_it_needs(make_part: MakePart) -> None:
    """`only` names a part; the parts below it come along, the others stay out."""
    plan: Plan = (make_part("a"), make_part("b", needs=("a",)), make_part("c"))
    assert [step.name for step in select(plan, ["b"])] == ["a", "b"]
    assert select(plan, None) == plan
    with pytest.raises(StackError, match="no part is called 'x'"):
        select(plan, ["x"])
