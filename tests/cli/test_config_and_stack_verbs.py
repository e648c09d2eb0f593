"""`config`, and the verbs of the local stack where no stack is (DM-12, PF-06, OB-10)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dealthread.cli import main as entry
from tests.cli.conftest import Run

CONFIG = Path(__file__).resolve().parents[2] / "config"
ROOT = CONFIG.parent


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The project's configuration with two mistakes in two files."""
    folder = tmp_path / "finance"
    shutil.copytree(CONFIG, folder)
    entities = folder / "legal_entities.yaml"
    entities.write_text(
        entities.read_text().replace(
            "invoice_issuer: [billing]", "invoice_issuer: [billing, erp]", 1
        )
    )
    terms = folder / "payment_terms.yaml"
    terms.write_text(terms.read_text().replace("days_until_due: 30", "days_until_due: soon", 1))
    return folder


def test_a_configuration_in_order_says_its_version(run: Run) -> None:
    """The version is the one that transactions carry."""
    checked = run("config", "check", str(CONFIG))
    version = json.loads(run("config", "show", str(CONFIG), "--json").out)["version"]
    assert (checked.code, version in checked.out) == (0, True)


def test_each_mistake_is_a_line_with_file_path_value_and_remedy(run: Run, broken: Path) -> None:
    """All of a file's form first; exit code 1."""
    said = run("config", "check", str(broken))
    assert said.code == 1
    assert "payment_terms.yaml: payment_terms[" in said.out
    assert "days_until_due is 'soon'" in said.out
    assert "a whole number is needed" in said.out
    assert len(said.err.splitlines()) == 1


def test_two_engines_for_one_duty_are_refused(run: Run, broken: Path) -> None:
    """Both are named, so that finance can choose (DM-12)."""
    shutil.copy(CONFIG / "payment_terms.yaml", broken)
    said = run("config", "check", str(broken))
    assert (said.code, "invoice_issuer" in said.out) == (1, True)
    assert "billing" in said.out
    assert "erp" in said.out


def test_a_folder_that_is_not_there_is_named(run: Run) -> None:
    """The default folder of an empty place."""
    said = run("config", "check")
    assert (said.code, "no such folder" in said.out) == (1, True)
    assert "config" in run("config", "show").error


def test_config_show_names_sellers_accounts_and_products(run: Run) -> None:
    """A person sees who sells, through which account, and what is mapped."""
    out = run("config", "show", str(CONFIG)).out
    for word in ("US01", "acct_alder_de", "SEAT-STD"):
        assert word in out


def test_without_a_stack_each_verb_says_how_to_start_one(run: Run) -> None:
    """`status` is a problem found, `down` has nothing to do, `doctor` changes nothing."""
    assert run("status").code == 1
    assert "dealthread up --detach" in run("status").out
    assert (run("down").code, run("down").out) == (0, "nothing to stop\n")
    found = json.loads(run("doctor", "--json").out)
    assert {"python", "disk", "stack"} <= {finding["check"] for finding in found}
    assert json.loads(run("status", "--json").out) == []
    assert "dealthread up --detach" in run("demo").err


def test_a_date_that_is_none_is_wrong_usage(run: Run) -> None:
    """Nothing is started."""
    said = run("up", "--detach", "--business-date", "2026-02-30")
    assert (said.code, "--business-date" in said.err) == (2, True)
    assert not Path(".dealthread").exists()


def test_what_the_stack_cannot_do_is_told_with_its_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the stack is one line with the command that mends it."""
    Path(".dealthread").mkdir()
    Path(".dealthread/stack.json").write_text("{}")
    line = run("status").error
    assert "To mend it: dealthread" in line


WITHOUT_PSUTIL = """
import sys
sys.modules["psutil"] = None
from dealthread.cli.main import main
main()
"""


def test_without_the_stacks_packages_the_rest_works(tmp_path: Path) -> None:
    """An installation for production has no psutil: `up` is left out of the help, and explained."""

    def without(verb: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-c", WITHOUT_PSUTIL, verb],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = without("up")
    assert refused.returncode == 1
    assert "`dealthread up` needs the local stack's packages" in refused.stderr
    helped = without("--help").stdout
    assert ("\n  up " in helped, "\n  cases " in helped) == (False, True)


def test_a_bug_is_one_line_and_its_trace_only_on_demand(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody who is woken at night reads a stack trace."""

    def bug() -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(entry, "app", bug)
    with pytest.raises(SystemExit, match="1"):
        entry.main()
    said = capsys.readouterr().err
    assert said.startswith("dealthread: unexpected RuntimeError: two lines")
    assert len(said.splitlines()) == 1
    monkeypatch.setenv("DEALTHREAD_TRACE", "1")
    with pytest.raises(SystemExit):
        entry.main()
    assert "Traceback" in capsys.readouterr().err


def test_the_command_is_installed_and_starts(tmp_path: Path) -> None:
    """The entry point of the distribution, in a process of its own."""
    said = subprocess.run(
        [sys.executable, "-P", "-m", "dealthread.cli.main", "workflow", "--help"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    for verb in ("signal", "cancel", "terminate", "history", "replay"):
        assert f"\n  {verb} " in said.stdout
