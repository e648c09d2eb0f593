"""EV-01: every type of event is produced by a real flow, in a test that proves it.

The test of the flow bears the mark `tells` with the type, and fails where it does not tell such an
event by its schema (`tests/plugins/told_events.py`). What nobody tells yet has no such test, and
`docs/interfaces.md` lists it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dealthread.domain.event_data.catalogue import CATALOGUE
from dealthread.domain.events import EventType

ROOT = Path(__file__).resolve().parents[2]
NOT_A_FLOW = ("tests/contracts/", "tests/unit/", "tests/plugins/", "tests/support/")
"""What is made for its own sake there has no state behind it."""


def marked(source: str) -> dict[str, set[str]]:
    """Test → names of the types that it claims to tell."""
    found: dict[str, set[str]] = {}
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for one in function.decorator_list:
            if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.tells":
                names = {ast.unparse(kind).removeprefix("EventType.") for kind in one.args}
                found.setdefault(function.name, set()).update(names)
    return found


def producers() -> dict[str, list[str]]:
    """Name of a type → tests whose flow tells it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT).as_posix()
        source = path.read_text("utf-8")
        if name.startswith(NOT_A_FLOW) or "mark.tells" not in source:
            continue
        for test, kinds in marked(source).items():
            for kind in kinds:
                found.setdefault(kind, []).append(f"{name}::{test}")
    return found


def not_told_yet() -> set[str]:
    """As `docs/interfaces.md` lists them."""
    page = (ROOT / "docs" / "interfaces.md").read_text("utf-8")
    _, _, listed = page.partition("and not told yet:")
    return set(re.findall(r"`(dealthread\.[a-z_.0-9]+)`", listed.partition("\n\n")[0]))


@pytest.mark.parametrize("kind", list(EventType), ids=lambda kind: kind.value)
def test_every_type_is_produced_by_a_flow_or_listed_as_not_told_yet(kind: EventType) -> None:
    if kind.value in not_told_yet():
        assert kind.name not in producers(), "it is told: take it off the list"
    else:
        assert producers().get(kind.name), f"no test bears tells(EventType.{kind.name})"


def test_no_test_claims_a_type_that_there_is_not() -> None:
    assert set(producers()) <= {kind.name for kind in CATALOGUE}


def test_a_claim_is_read_as_it_is_made() -> None:
    source = (
        "@pytest.mark.tells(EventType.CASE_OPENED, EventType.CASE_ESCALATED)\n"
        "async def test_it() -> None: ...\n"
        "@pytest.mark.slow\n"
        "def test_other() -> None: ...\n"
    )
    assert marked(source) == {"test_it": {"CASE_OPENED", "CASE_ESCALATED"}}
