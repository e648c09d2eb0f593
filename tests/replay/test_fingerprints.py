"""What no history reaches: the commands that workflow code issues, and how children are started."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.replay.fingerprints import (
    LOCK,
    Fingerprints,
    activity_types,
    changed,
    fingerprints,
    modules_of,
    sources,
    workflow_types,
)
from workers.registry import WORKFLOWS

CODE = sources()
ACTIVITIES = activity_types()


@cache
def _present() -> Fingerprints:
    return fingerprints(CODE, ACTIVITIES)


def _mutated(module: str, change: Callable[[str], str]) -> list[str]:
    """What is said of a copy of the code in which one module is another."""
    text = change(CODE[module])
    assert text != CODE[module]
    ast.parse(text)
    return changed(_present(), fingerprints(CODE | {module: text}, ACTIVITIES), modules_of(CODE))


def test_the_code_issues_the_commands_that_the_lock_says() -> None:
    """A change of order is surgery: patched and replayed before the lock follows it."""
    locked = json.loads(LOCK.read_text(encoding="utf-8"))
    said = changed(locked["calls"], _present(), modules_of(CODE))
    assert not said, "\n".join(said)
    assert locked["modules"] == modules_of(CODE), "make fingerprints"


def test_every_workflow_type_is_looked_at() -> None:
    """Those that workers run, by class, each with calls of its own."""
    types = workflow_types(CODE)
    assert types.keys() == {workflow.__name__ for workflow in WORKFLOWS}
    assert {module for module, _ in types.values()} <= _present().keys()


def test_every_activity_that_workflows_call_is_told_by_its_type() -> None:
    """No call of an activity is left without the name that histories hold."""
    calls = [one for inner in _present().values() for told in inner.values() for one in told]
    assert not [one for one in calls if one.endswith("execute_activity_method")]
    assert "execute_activity_method(hub.open_case)" in calls


def test_another_order_of_two_steps_is_found_and_named() -> None:
    """The entitlement before the agreement."""
    billed = "        billed = await run.bill(change)\n"
    entitled = "        entitlement = await run.entitle(change)\n"
    (said,) = _mutated(
        "workflows.amendment", lambda text: text.replace(billed + entitled, entitled + billed)
    )
    assert "workflows.amendment.AmendmentWorkflow._amend" in said
    assert "in runs of Amendment." in said
    assert "workflow.patched" in said
    assert "make fingerprints" in said


def test_one_more_activity_in_a_helper_is_found_for_every_type_that_uses_it() -> None:
    """Recording that a change is held, twice."""
    line = "        await self._steps.record_held(due, change.deal_id)\n"
    (said,) = _mutated("workflows.change_run", lambda text: text.replace(line, line * 2))
    assert "workflows.change_run.ChangeRun.hold" in said
    assert "in runs of Amendment, Cancellation, Renewal, RenewalNotice." in said


@pytest.mark.parametrize(
    ("module", "old", "new", "function"),
    [
        ("workflows.desk", "HubActivities.open_case,", "HubActivities.read_setup,", "ask"),
        (
            "workflows.contract_lifecycle",
            "if workflow.patched(TERM_END_TOLD):",
            "if True:",
            "_end",
        ),
        (
            "workflows.contract_lifecycle",
            "lambda: bool(self._queue), timeout=wait",
            "lambda: bool(self._queue)",
            "_next_change",
        ),
        (
            "workflows.contract_sagas",
            "execute_child_workflow(AmendmentWorkflow.run",
            "execute_child_workflow(RenewalWorkflow.run",
            "saga_of",
        ),
        (
            "workflows.change_run",
            "        self.saga.name_pivot(",
            "        if change.declined:\n            return None\n        self.saga.name_pivot(",
            "bill",
        ),
        (
            "workflows.renewal",
            "        billed = await run.bill(change)",
            "        billed = None\n        if draft:\n            billed = await run.bill(change)",
            "_renew",
        ),
    ],
    ids=["activity", "patch", "timer", "child", "early return", "branch"],
)
def test_other_commands_are_found(module: str, old: str, new: str, function: str) -> None:
    """Each names the function that changed, and no other."""
    (said,) = _mutated(module, lambda text: text.replace(old, new, 1))
    assert f".{function} issues other commands" in said


def test_comments_and_form_do_not_count() -> None:
    """All code without comments and in another form has the same fingerprints."""
    bare = {module: ast.unparse(ast.parse(text)) for module, text in CODE.items()}
    assert bare != CODE
    assert fingerprints(bare, ACTIVITIES) == _present()


# ------------------------------------------------------------ children


def test_every_child_outlives_its_parent() -> None:
    """Under the default a contract that rests would terminate its saga, undo and all."""
    started = {
        f"{module}:{call.lineno}": _policy(function, call)
        for module, text in CODE.items()
        for function, call in _children(ast.parse(text))
    }
    assert len(started) >= 5
    assert set(started.values()) == {"workflow.ParentClosePolicy.ABANDON"}, started


def test_a_child_without_a_policy_is_found() -> None:
    """The test above bites."""
    text = "def f():\n    workflow.start_child_workflow(A.run, id='x')\n"
    ((function, call),) = _children(ast.parse(text))
    assert _policy(function, call) == ""


def _children(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(
                    ("start_child_workflow", "execute_child_workflow")
                ):
                    yield function, call


def _policy(function: ast.AST, call: ast.Call) -> str:
    """As an argument, or in the options that the function builds and passes on."""
    spread = {ast.unparse(given.value) for given in call.keywords if given.arg is None}
    for given in call.keywords:
        if given.arg == "parent_close_policy":
            return ast.unparse(given.value)
    for node in ast.walk(function):
        is_options = isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in spread
        if is_options and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "parent_close_policy":
                    return ast.unparse(value)
    return ""
