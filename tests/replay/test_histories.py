"""OB-10: every recorded history replays on the present workflow code; a change that would break a
running deal or a sleeping contract fails here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from workers.bootstrap import sandbox
from workers.registry import WORKFLOWS

HISTORIES = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "histories").glob("*.json"))
}


def _replayer() -> Replayer:
    return Replayer(
        workflows=list(WORKFLOWS),
        data_converter=pydantic_data_converter,
        workflow_runner=sandbox(),
    )


def test_there_are_histories() -> None:
    """An empty folder proves nothing."""
    assert len(HISTORIES) >= 7


@pytest.mark.parametrize("name", HISTORIES)
async def test_the_history_replays(name: str) -> None:
    """Same commands in the same order."""
    await _replayer().replay_workflow(WorkflowHistory.from_json("recorded", HISTORIES[name]))


async def test_a_changed_order_is_found() -> None:
    """The check bites: a history whose first step has another name does not replay."""
    text = HISTORIES["completed"].replace("crm.read_deal", "crm.read_order")
    assert json.loads(text)
    with pytest.raises(NondeterminismError):
        await _replayer().replay_workflow(WorkflowHistory.from_json("recorded", text))
