"""What the tests of the local stack share: a short-lived installation and small dummy parts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dealthread.stack.layout import Layout
from dealthread.stack.plan import Launch, Part

# A part that touches its ready file, notes its start and its end, and ends on SIGTERM.
SCRIPT = """
import pathlib, signal, sys, time
name, ready, journal = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

def note(word):
    with journal.open("a") as file:
        file.write(f"{word} {name}\\n")

def leave(*_):
    note("stop")
    sys.exit(0)

signal.signal(signal.SIGTERM, leave)
note("start")
ready.touch()
while True:
    time.sleep(0.05)
"""

MakePart = Callable[..., Part]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    made.create()
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.txt"


@pytest.fixture
def make_part(layout: Layout, journal: Path) -> MakePart:
    """A dummy part; `script` replaces what it does."""

    def make(name: str, needs: tuple[str, ...] = (), script: str = SCRIPT, **more: object) -> Part:
        ready = layout.ready_file(name)
        command = [sys.executable, "-c", script, name, str(ready), str(journal)]
        return Part(
            name=name,
            launch=lambda: Launch(command),
            healthy=ready.exists,
            needs=needs,
            ready_file=ready,
            **more,  # type: ignore[arg-type]
        )

    return make


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Poll with a deadline; the processes looked at are other programs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    return wait_until
