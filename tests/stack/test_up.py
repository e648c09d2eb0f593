"""The real PostgreSQL and the real Temporal server, up and down. Rows RS-04, OB-10, PF-06."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from dealthread.stack import temporal
from dealthread.stack.doctor import doctor, problems
from dealthread.stack.down import down
from dealthread.stack.errors import StackError
from dealthread.stack.info import StackInfo
from dealthread.stack.layout import Layout
from dealthread.stack.processes import read_record
from dealthread.stack.status import PartState, status
from dealthread.stack.up import up

pytestmark = [pytest.mark.postgres, pytest.mark.temporal]

ONLY = ["databases", "search-attributes"]
ATTRIBUTES = {"DtDealId": "Keyword", "DtNeedsAttention": "Bool"}
Until = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("stack")
    yield folder
    down(folder)


def start(root: Path, attributes: dict[str, str] = ATTRIBUTES) -> tuple[StackInfo, list[str]]:
    lines: list[str] = []
    stack = up(root, True, None, lines.append, only=ONLY, search_attributes=attributes)
    return stack, lines


def state_of(root: Path) -> dict[str, PartState]:
    return {line.name: line.state for line in status(root)}


def test_up_brings_both_up_healthy_and_says_so_line_by_line(root: Path) -> None:
    """Databases exist, search attributes are registered, every part is healthy."""
    stack, lines = start(root)
    finished = [line for line in lines if line.startswith("[")]
    assert [line.split("]")[0] for line in finished] == ["[1/4", "[2/4", "[3/4", "[4/4"]
    assert state_of(root) == {
        "supervisor": PartState.HEALTHY,
        "postgres": PartState.HEALTHY,
        "temporal": PartState.HEALTHY,
    }
    with psycopg.connect(stack.urls.database.replace("+psycopg", "")) as session:
        row = session.execute("SELECT current_user, current_database()").fetchone()
    assert row == ("dealthread", "dealthread")
    assert httpx.get(stack.urls.temporal_ui).status_code == 200
    registered = temporal.registered_search_attributes(stack.urls.temporal_ui, "default")
    assert ATTRIBUTES.items() <= registered.items()
    assert problems(doctor(root)) == []


def test_a_second_up_changes_nothing_and_says_so(root: Path) -> None:
    """The same processes go on."""
    before = [line.pid for line in status(root)]
    _, lines = start(root)
    assert lines == ["the stack is already running (ready): dealthread status"]
    assert [line.pid for line in status(root)] == before


def test_the_ui_is_told_where_to_decode(root: Path) -> None:
    """The Temporal UI asks the stack's codec for clear text."""
    stack, _ = start(root)
    settings = httpx.get(f"{stack.urls.temporal_ui}/api/v1/settings").json()
    assert settings["Codec"]["Endpoint"] == stack.urls.codec


def test_a_killed_server_comes_back_on_the_same_files(root: Path, until: Until) -> None:
    """kill -9 of Temporal: the supervisor restarts it, its data is there."""
    stack, _ = start(root)
    before = read_record(stack.layout.record("temporal"))
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        line = next(line for line in status(root) if line.name == "temporal")
        return line.state is PartState.HEALTHY and line.restarts == 1

    until(back)
    registered = temporal.registered_search_attributes(stack.urls.temporal_ui, "default")
    assert ATTRIBUTES.items() <= registered.items()


def test_a_search_attribute_added_later_is_registered_on_existing_data(root: Path) -> None:
    """The server's own flag does that for a new database only."""
    assert down(root).supervisor
    assert set(state_of(root).values()) == {PartState.DOWN}
    stack, lines = start(root, ATTRIBUTES | {"DtTermEnd": "Datetime"})
    assert "      search-attributes: registered DtTermEnd" in lines
    registered = temporal.registered_search_attributes(stack.urls.temporal_ui, "default")
    assert registered["DtTermEnd"] == "Datetime"


def test_a_search_attribute_of_another_type_is_refused(root: Path) -> None:
    """The start fails with the reason and leaves nothing running."""
    down(root)
    with pytest.raises(StackError, match="DtDealId is registered as Keyword, wanted is Int"):
        start(root, {"DtDealId": "Int"})
    assert set(state_of(root).values()) == {PartState.DOWN}


def test_up_recovers_from_a_killed_supervisor(root: Path) -> None:
    """Its parts are stopped by their pid files, then everything starts on the usual ports."""
    stack, _ = start(root)
    record = read_record(Layout(root).supervisor_record)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    record.wait(10)
    names = {finding.check for finding in problems(doctor(root))}
    assert names == {"process postgres", "process temporal"}
    again, lines = start(root)
    assert {line for line in lines if line.endswith("was killed")} == {
        "stopped postgres, left over from a run that was killed",
        "stopped temporal, left over from a run that was killed",
    }
    assert again.ports == stack.ports
    assert state_of(root)["temporal"] is PartState.HEALTHY


def test_nothing_of_the_data_is_for_other_users(root: Path) -> None:
    """Databases and logs cannot be read by anybody else."""
    layout = Layout(root)
    for path in (layout.temporal_database, layout.postgres_data, layout.log("temporal")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_in_the_foreground_it_stops_with_its_terminal(tmp_path: Path) -> None:
    """Without --detach, Ctrl-C stops every part, and `up` returns."""
    program = (
        "import pathlib, sys\n"
        "from dealthread.stack.up import up\n"
        "report = lambda line: print(line, flush=True)\n"
        "up(pathlib.Path(sys.argv[1]), False, None, report, only=['databases'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[2/2]"):
                break
        record = read_record(Layout(tmp_path).record("postgres"))
        assert record is not None
        assert record.process is not None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert record.process is None
