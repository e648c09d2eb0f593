"""Where the command line finds the bridge and whose token it shows (PF-06)."""

from __future__ import annotations

import json

import pytest

from dealthread.stack.info import StackInfo
from tests.cli.conftest import Run


def test_without_a_stack_or_a_token_it_says_what_to_set(run: Run) -> None:
    """Nothing is guessed: the line names the command and both variables."""
    line = run("list").error
    assert "dealthread up" in line
    assert "DEALTHREAD_TOKEN" in line


def test_a_bridge_that_does_not_answer_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connection refused is one line with the address and two ways on."""
    monkeypatch.setenv("DEALTHREAD_BRIDGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DEALTHREAD_TOKEN", "t")
    assert run("outcomes").error == (
        "the bridge does not answer at http://127.0.0.1:9: `dealthread up`, "
        "or set DEALTHREAD_BRIDGE_URL"
    )


@pytest.mark.parametrize("url", ["127.0.0.1:8700", "htp://x", "http://[", "http:// x"])
def test_an_address_that_is_none_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """A wrong DEALTHREAD_BRIDGE_URL is a sentence, not a stack trace."""
    monkeypatch.setenv("DEALTHREAD_BRIDGE_URL", url)
    monkeypatch.setenv("DEALTHREAD_TOKEN", "t")
    assert "DEALTHREAD_BRIDGE_URL" in run("outcomes").error


def test_a_stack_json_of_another_version_is_named(
    run: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that mends it is in the same line."""
    folder = tmp_path_factory.mktemp("old")
    (folder / ".dealthread").mkdir()
    (folder / ".dealthread" / "stack.json").write_text("{}")
    monkeypatch.chdir(folder)
    assert "is not of this version" in run("list").error


@pytest.mark.postgres
def test_the_stack_above_the_present_folder_is_used(run: Run, stack: StackInfo) -> None:
    """No variable is set; the operator's token comes from stack.json."""
    assert stack
    assert run("outcomes").out == "no run yet\n"


@pytest.mark.postgres
def test_the_stacks_tokens_are_shown_to_its_own_bridge_only(
    run: Run, stack: StackInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another address gets DEALTHREAD_TOKEN or nothing."""
    other = stack.urls.bridge.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("DEALTHREAD_BRIDGE_URL", other)
    assert "is not shown its tokens" in run("outcomes").error
    assert "is not shown its tokens" in run("outcomes", "--as", "approver").error


@pytest.mark.postgres
def test_a_token_nobody_knows_is_refused(
    run: Run, stack: StackInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 in words; `--as` goes back to the stack's own."""
    assert stack
    monkeypatch.setenv("DEALTHREAD_TOKEN", "nobody")
    assert "does not know this token" in run("list").error
    assert run("list", "--as", "operator").code == 0


def test_a_workflow_id_needs_no_bridge(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """When only Temporal is left, its verbs still take ids as they stand."""
    monkeypatch.setenv("DEALTHREAD_TEMPORAL_ADDRESS", "127.0.0.1:9")
    assert "bad setting (DEALTHREAD_CODEC_KEYS)" in run("workflow", "history", "contract:C-1").error
    monkeypatch.setenv("DEALTHREAD_CODEC_KEYS", json.dumps({"t/1": "azF6" * 10 + "azE="}))
    line = run("workflow", "history", "contract:C-1").error
    assert line.startswith("Temporal does not answer at 127.0.0.1:9")
