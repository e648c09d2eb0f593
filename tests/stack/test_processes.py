"""`down`, `status` and `doctor` on processes: only ours are touched. Mission rows RS-04, OB-10."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dealthread.stack import supervise
from dealthread.stack.doctor import Finding, Level, doctor, problems
from dealthread.stack.down import down
from dealthread.stack.errors import StackError
from dealthread.stack.installation import establish
from dealthread.stack.layout import Layout
from dealthread.stack.processes import ProcessRecord, read_record, record_of, write_record
from dealthread.stack.status import PartState, status

Until = Callable[[Callable[[], bool]], None]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEPER, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def remembered(layout: Layout, process: subprocess.Popen[bytes], name: str) -> ProcessRecord:
    record = record_of(name, process.pid, stop_signal=15, stop_seconds=5)
    write_record(layout.record(name), record)
    return record


def test_down_stops_a_part_whose_supervisor_was_killed(
    layout: Layout, sleeper: subprocess.Popen[bytes]
) -> None:
    """What a killed supervisor left behind is found by its pid file and stopped."""
    remembered(layout, sleeper, "salesforce")
    assert down(layout.root).leftovers == ("salesforce",)
    assert sleeper.wait(timeout=5) == -15
    assert not layout.record("salesforce").exists()


def test_down_leaves_a_process_that_took_over_the_number(
    layout: Layout, sleeper: subprocess.Popen[bytes]
) -> None:
    """A pid file that speaks of an earlier process kills nobody."""
    record = remembered(layout, sleeper, "salesforce")
    stale = record.model_copy(update={"started": record.started - 3600})
    write_record(layout.record("salesforce"), stale)
    assert down(layout.root).leftovers == ()
    assert sleeper.poll() is None
    assert not layout.record("salesforce").exists()


def test_down_without_a_stack_says_so(tmp_path: Path) -> None:
    """Stopping twice is no error."""
    lines: list[str] = []
    down(tmp_path, lines.append)
    assert lines == ["nothing to stop"]


def test_a_damaged_pid_file_is_no_process(layout: Layout) -> None:
    """A file cut short by a full disk stops nothing and breaks nothing."""
    layout.record("stripe").write_text('{"name": "stripe", "pid"', encoding="utf-8")
    assert read_record(layout.record("stripe")) is None
    assert supervise.part_records(layout) == []


def test_one_supervisor_holds_a_state_folder(layout: Layout) -> None:
    """A second one is refused, and anybody can see whether there is one."""
    assert not supervise.is_running(layout)
    with supervise.exclusive(layout):
        assert supervise.is_running(layout)
        with pytest.raises(StackError, match="already running"), supervise.exclusive(layout):
            pass
    assert not supervise.is_running(layout)


def test_status_before_the_first_start_is_empty_and_after_it_all_down(tmp_path: Path) -> None:
    """Every part has a line, with the place of its log."""
    assert status(tmp_path) == []
    establish(tmp_path, None)
    lines = status(tmp_path)
    assert {line.state for line in lines} == {PartState.DOWN}
    assert {"supervisor", "postgres", "temporal", "tryton", "bridge", "relay", "worker"} <= {
        line.name for line in lines
    }
    assert all(line.log.name == f"{line.name}.log" for line in lines)


def test_status_shows_memory_and_age_of_a_running_part(
    layout: Layout, sleeper: subprocess.Popen[bytes]
) -> None:
    """A part that runs and does not answer is unhealthy, not down."""
    establish(layout.root, None)
    record = remembered(layout, sleeper, "salesforce")
    write_record(layout.record("salesforce"), record.model_copy(update={"state": "ready"}))
    line = next(line for line in status(layout.root) if line.name == "salesforce")
    assert line.state is PartState.UNHEALTHY
    assert line.pid == sleeper.pid
    assert line.memory_megabytes
    assert line.uptime is not None


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def test_doctor_finds_nothing_wrong_with_a_fresh_folder(tmp_path: Path) -> None:
    """Before the first start there are notes at most."""
    assert problems(doctor(tmp_path)) == []


def test_doctor_names_open_credentials_and_lost_processes_with_the_remedy(
    layout: Layout, sleeper: subprocess.Popen[bytes]
) -> None:
    """Each problem comes with the command that mends it."""
    stack = establish(layout.root, None)
    stack.layout.stack_file.chmod(0o644)
    remembered(layout, sleeper, "stripe")
    found = by_check(problems(doctor(layout.root)))
    assert found["stack.json"].mend == f"chmod 600 {stack.layout.stack_file}"
    assert found["process stripe"].mend == "dealthread down"
    assert f"pid {sleeper.pid}" in found["process stripe"].what


def test_doctor_tells_a_stale_pid_file_from_a_process(
    layout: Layout, sleeper: subprocess.Popen[bytes]
) -> None:
    """A file about a process that is gone is a note."""
    record = remembered(layout, sleeper, "stripe")
    stale = record.model_copy(update={"started": record.started - 3600})
    write_record(layout.record("stripe"), stale)
    assert by_check(doctor(layout.root))["pid file stripe"].level is Level.NOTE


def test_doctor_names_a_missing_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without the server binaries is mended by `make install`."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    found = by_check(problems(doctor(tmp_path)))
    assert found["program temporal"].mend == "make install"


def test_the_state_of_another_user_is_left_alone(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started once as root, a folder cannot be used as somebody else; the reason is said."""
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert [finding.check for finding in problems(doctor(layout.root))] == ["state"]
    with pytest.raises(StackError, match="was made by another user"):
        layout.create()
