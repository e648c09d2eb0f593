"""The guard against skips: only those on the list pass. Mission row PF-06."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.allowed_skips import AllowedSkip, parse

SOURCE = Path(__file__).parents[2]
TESTS = """
import pytest

def test_works(): pass

@pytest.mark.skipif(True, reason="no Node.js here")
def test_with_node(): pass
"""


def run(folder: Path, allowed: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    (folder / "tests").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "tests" / "test_it.py").write_text(tests, encoding="utf-8")
    (folder / "tests" / "allowed_skips.txt").write_text(allowed, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.plugins.allowed_skips"],
        cwd=folder,
        # The plugin's source and the environment's packages, nothing of this session.
        env={
            "PYTHONPATH": str(SOURCE),
            "PATH": "/usr/bin:/bin",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_on_the_list_passes_and_is_counted(tmp_path: Path) -> None:
    """The last line counts passed, failed and skipped."""
    done = run(tmp_path, "tests/test_it.py::test_with_node | no Node.js*\n")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_a_skip_that_is_not_on_the_list_fails_the_run(tmp_path: Path) -> None:
    """The run fails and names the skip with its reason, ready to be put on the list."""
    done = run(tmp_path, "tests/test_it.py::test_with_node | another reason\n")
    assert done.returncode == 1
    line = "skip not on tests/allowed_skips.txt: tests/test_it.py::test_with_node | no Node.js here"
    assert line in done.stdout


def test_an_expected_failure_needs_the_list_too(tmp_path: Path) -> None:
    """A test that may fail for ever shows nothing: it is refused like a skip, with its reason."""
    done = run(tmp_path, "", "import pytest\n\ndef test_it(): pytest.xfail('not yet')\n")
    assert done.returncode == 1
    line = "skip not on tests/allowed_skips.txt: tests/test_it.py::test_it | not yet"
    assert line in done.stdout
    assert done.stdout.splitlines()[-1] == "0 passed, 0 failed, 1 skipped"


def test_a_module_that_skips_itself_counts(tmp_path: Path) -> None:
    """A missing library cannot hide a whole file of tests."""
    done = run(tmp_path, "", 'import pytest\npytest.importorskip("no_such_library")\n')
    assert done.returncode != 0
    assert "skip not on tests/allowed_skips.txt: tests/test_it.py" in done.stdout


def test_a_line_without_a_reason_is_refused() -> None:
    """The reason is the point of the list."""
    with pytest.raises(pytest.UsageError, match=r"allowed_skips\.txt:2"):
        parse("# why\ntests/test_it.py::test_x\n")
    assert parse("a::b | because*") == [AllowedSkip("a::b", "because*")]
