"""The tests of the whole stack run in their order; a file that has no place in it is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack_order import APART, ORDER

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests.support.stack_order import pytest_collection_modifyitems, pytest_pycollect_makemodule
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the rule, whose files are placed from the last to the first."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for stem in ("test_canary", "test_demo", "test_month"):
        (tmp_path / f"{stem}.py").write_text("def test_it() -> None: ...\n")
    return tmp_path


def _collected(folder: Path) -> subprocess.CompletedProcess[str]:
    plain = ("-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(folder))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", *plain, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_files_run_in_their_order(folder: Path) -> None:
    found = _collected(folder)
    assert found.returncode == 0, found.stdout + found.stderr
    files = [line.partition("::")[0] for line in found.stdout.splitlines() if "::" in line]
    assert files == ["test_month.py", "test_demo.py", "test_canary.py"]


def test_a_file_without_a_place_is_refused_with_what_to_do(folder: Path) -> None:
    (folder / "test_new.py").write_text("def test_it() -> None: ...\n")
    found = _collected(folder)
    assert found.returncode == 2
    assert "test_new.py has no place among the tests of the whole stack" in found.stdout
    assert "put test_new into ORDER" in found.stdout


def test_every_file_of_the_stack_has_one_place_and_every_place_a_file() -> None:
    files = {path.stem for path in (ROOT / "tests/e2e").glob("test_*.py")}
    assert sorted((*ORDER, *APART)) == sorted(files)
