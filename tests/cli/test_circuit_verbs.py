"""RS-08: a person sees what is held back, why and how much, and switches it by a command."""

from __future__ import annotations

import json

import pytest

from dealthread.stack.info import StackInfo
from tests.cli.conftest import Run

pytestmark = pytest.mark.postgres


def test_a_circuit_is_opened_seen_everywhere_and_closed(run: Run, stack: StackInfo) -> None:
    assert stack
    assert "tryton" in run("circuits", "list").out
    assert run("circuits", "outages").out.strip() == "there was no outage"
    said = run("circuits", "open", "tryton/1", "--reason", "the ledger is moved").out
    assert said.startswith(
        "tryton/1 is open; what is meant for it waits until: dealthread circuits"
    )
    listed = run("circuits", "list").out
    assert "tryton/1" in listed
    assert "by hand" in listed
    line = "tryton/1 is open since"
    assert line in run("status").out
    assert line in run("doctor").out
    assert run("circuits", "close", "tryton/1", "--reason", "moved").out.strip() == (
        "tryton/1 is closed; work flows again"
    )
    assert line not in run("status").out
    (outage,) = json.loads(run("circuits", "outages", "--json").out)
    assert (outage["opened_by"], outage["reason"], outage["closed_by"]) == (
        "demo-operator",
        "the ledger is moved",
        "demo-operator",
    )


def test_what_does_not_exist_is_refused_in_a_line(run: Run, stack: StackInfo) -> None:
    assert stack
    refused = run("circuits", "open", "netsuite", "--reason", "x").error
    assert refused == "unknown vendor (vendor): use one of: tryton"
    assert "use one of: 1, 2, 3" in run("circuits", "close", "tryton/9", "--reason", "x").error
    assert run("circuits", "open", "/1", "--reason", "x").code == 2
    denied = run("circuits", "open", "tryton", "--reason", "x", "--as", "approver").error
    assert "your role may not do this" in denied
