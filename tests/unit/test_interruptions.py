"""What Python cannot raise fails the test that left it, unless Temporal interrupted a task."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEST = """
from tests.plugins.interruptions import INTERRUPTED

class Left:
    def __del__(self) -> None:
        raise {fault}

def test_it() -> None:
    Left()
"""


@pytest.mark.parametrize(
    ("fault", "said"), [("INTERRUPTED", "1 passed"), ("ValueError", "1 failed")]
)
def test_only_the_interruption_is_left_out(tmp_path: Path, fault: str, said: str) -> None:
    (tmp_path / "test_left.py").write_text(TEST.format(fault=fault))
    plugin = ("-p", "tests.plugins.interruptions", "-p", "no:cacheprovider", "-p", "no:xdist")
    strict = ("-W", "error::pytest.PytestUnraisableExceptionWarning")
    where = ("--rootdir", str(tmp_path), str(tmp_path))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *strict, *plugin, *where],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in ran.stdout
