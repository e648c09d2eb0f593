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
from workers.registry import WORKFLOWS
from workers.sandboxed import sandbox

HISTORIES = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "histories").glob("*.json"))
}

ENDS = {
    "amendment_completed": ("Amendment", "WORKFLOW_EXECUTION_COMPLETED"),
    "amendment_compensated": ("Amendment", "WORKFLOW_EXECUTION_COMPLETED"),
    "amendment_held": ("Amendment", "WORKFLOW_EXECUTION_COMPLETED"),
    "amendment_waiting_for_a_person": ("Amendment", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"),
    "amendment_waiting_for_approval": ("Amendment", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"),
    "renewal_completed": ("Renewal", "WORKFLOW_EXECUTION_COMPLETED"),
    "renewal_declined": ("Renewal", "WORKFLOW_EXECUTION_COMPLETED"),
    "renewal_notice_completed": ("RenewalNotice", "WORKFLOW_EXECUTION_COMPLETED"),
    "cancellation_completed": ("Cancellation", "WORKFLOW_EXECUTION_COMPLETED"),
    "withdrawal_completed": ("Cancellation", "WORKFLOW_EXECUTION_COMPLETED"),
    "activation_completed": ("Activation", "WORKFLOW_EXECUTION_COMPLETED"),
    "contract_at_rest_until_its_start": ("ContractLifecycle", "TIMER_STARTED"),
    "contract_amending": ("ContractLifecycle", "WORKFLOW_TASK_COMPLETED"),
    "contract_at_rest_with_a_held_change": ("ContractLifecycle", "TIMER_STARTED"),
    "contract_withdrew_a_held_change": (
        "ContractLifecycle",
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
    ),
    "contract_renewing": ("ContractLifecycle", "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"),
    "contract_at_rest_in_its_second_term": ("ContractLifecycle", "TIMER_STARTED"),
    "contract_ended_by_its_term": ("ContractLifecycle", "WORKFLOW_EXECUTION_COMPLETED"),
    "invoice_credit_completed": ("InvoiceCredit", "WORKFLOW_EXECUTION_COMPLETED"),
    "invoice_credit_waiting_for_approval": ("InvoiceCredit", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"),
    "invoice_with_a_credit_tried_again": ("InvoiceToCash", "WORKFLOW_EXECUTION_COMPLETED"),
    "invoice_with_a_credit_taken_back": ("InvoiceToCash", "WORKFLOW_EXECUTION_COMPLETED"),
    "invoice_in_a_summary": ("InvoiceToCash", "WORKFLOW_EXECUTION_COMPLETED"),
    "invoice_taken_out_of_its_summary": ("InvoiceToCash", "WORKFLOW_EXECUTION_COMPLETED"),
    "posting_summary_completed": ("PostingSummary", "WORKFLOW_EXECUTION_COMPLETED"),
    "dispute_lost_before_its_payment_was_told": ("DisputeToEnd", "WORKFLOW_EXECUTION_COMPLETED"),
    "dispute_begins_the_pursuit": ("DisputeToEnd", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"),
    "close_completed": ("PeriodClose", "WORKFLOW_EXECUTION_COMPLETED"),
    "close_waiting_for_what_stands_in_the_way": (
        "PeriodClose",
        "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
    ),
    "collections_paid_after_suspension": ("Collections", "WORKFLOW_EXECUTION_COMPLETED"),
    "collections_with_a_person": ("Collections", "TIMER_STARTED"),
    "collections_extended_then_handed_over": ("Collections", "TIMER_STARTED"),
    "collections_promised_then_stopped": ("Collections", "WORKFLOW_EXECUTION_COMPLETED"),
}


def _replayer() -> Replayer:
    return Replayer(
        workflows=list(WORKFLOWS),
        data_converter=pydantic_data_converter,
        workflow_runner=sandbox(),
    )


def test_there_are_histories() -> None:
    """An empty folder proves nothing."""
    assert len(HISTORIES) >= 25


def _event(kind: str) -> str:
    return f"EVENT_TYPE_{kind}"


@pytest.mark.parametrize("name", ENDS)
def test_the_history_is_of_what_it_says(name: str) -> None:
    """The type, and where it stands: ended, continued, or waiting for a person, child or timer."""
    events = json.loads(HISTORIES[name])["events"]
    kind, last = ENDS[name]
    started = events[0]["workflowExecutionStartedEventAttributes"]
    assert started["workflowType"]["name"] == kind
    assert events[-1]["eventType"] == _event(last)


def test_the_end_of_a_term_is_told_to_the_crm_on_the_patched_path() -> None:
    """The path before the patch has no history of its own: it is read in the code only."""
    text = HISTORIES["contract_ended_by_its_term"]
    assert _event("MARKER_RECORDED") in text
    assert "crm.term_ended" in text


def test_a_dispute_begins_the_pursuit_that_rests() -> None:
    """On the patched path: nobody pursues it yet, so that the first message finds nobody."""
    kinds = [
        event["eventType"].removeprefix("EVENT_TYPE_")
        for event in json.loads(HISTORIES["dispute_begins_the_pursuit"])["events"]
    ]
    found = [kind for kind in kinds if "EXTERNAL" in kind or "CHILD" in kind or "MARKER" in kind]
    sent = "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION"
    assert found == [
        f"{sent}_INITIATED",
        f"{sent}_FAILED",
        "MARKER_RECORDED",
        "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
        "CHILD_WORKFLOW_EXECUTION_STARTED",
        f"{sent}_INITIATED",
        "EXTERNAL_WORKFLOW_EXECUTION_SIGNALED",
    ]


@pytest.mark.parametrize("name", [name for name in HISTORIES if "at_rest" in name])
def test_a_run_at_rest_has_at_most_ten_events(name: str) -> None:
    """A contract sleeps most of its life, and is replayed whenever it wakes."""
    assert len(json.loads(HISTORIES[name])["events"]) <= 10


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
