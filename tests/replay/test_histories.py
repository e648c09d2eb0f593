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

from tests.replay.portable import portable
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


@pytest.mark.parametrize("name", HISTORIES)
def test_the_history_names_no_machine(name: str) -> None:
    """No folder, process or host of the machine that recorded it."""
    assert portable(HISTORIES[name]) + "\n" == HISTORIES[name]


def test_what_a_machine_adds_is_taken_out_at_any_depth() -> None:
    """A failure's cause has a trace of its own; what replay reads stays."""
    event = {
        "identity": "1@host-a",
        "name": "1@host-a-0f",
        "failure": {"cause": {"stackTrace": 'File "/home/x.py"'}},
    }
    kept = {"identity": "recorder", "name": "recorder", "failure": {"cause": {"stackTrace": ""}}}
    history = json.dumps({"events": [event | {"eventId": "7"}]})
    assert json.loads(portable(history)) == {"events": [kept | {"eventId": "7"}]}


async def test_a_changed_order_is_found() -> None:
    """The check bites: a history whose first step has another name does not replay."""
    text = HISTORIES["completed"].replace("crm.read_deal", "crm.read_order")
    assert json.loads(text)
    with pytest.raises(NondeterminismError):
        await _replayer().replay_workflow(WorkflowHistory.from_json("recorded", text))
