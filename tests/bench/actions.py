"""Billable actions of a history, by the published table (docs.temporal.io/cloud/actions).

Not in a history and not counted here: queries, heartbeats, repeated Updates, refused starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

_ONE_EACH = {
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update",
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: "signal sent",
    EventType.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED: "Nexus operation",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED: "options update",
}
_VERSION_ATTRIBUTE = "TemporalChangeVersion"
LOCAL_ACTIVITY = "core_local_activity"


def billable(events: Sequence[HistoryEvent]) -> Counter[str]:
    """Kind of action → how many."""
    found: Counter[str] = Counter()
    batches: set[int] = set()
    for event in events:
        kind = event.event_type
        if kind in _ONE_EACH:
            found[_ONE_EACH[kind]] += 1
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            started = event.workflow_execution_started_event_attributes
            if started.continued_execution_run_id:
                found["continue-as-new"] += 1
            elif not started.HasField("parent_workflow_execution"):
                found["start"] += 1  # a child's start is counted with its parent's command
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            # Signal-with-start is one action: its signal is the event right behind the start.
            found["signal"] += event.event_id != 2
        elif kind == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            found["child (command and run)"] += 2
        elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            found["activity"] += event.activity_task_started_event_attributes.attempt
        elif kind == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            upsert = event.upsert_workflow_search_attributes_event_attributes
            names = set(upsert.search_attributes.indexed_fields)
            found["search attributes"] += names != {_VERSION_ATTRIBUTE}
        elif kind == EventType.EVENT_TYPE_MARKER_RECORDED:
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == LOCAL_ACTIVITY:
                # Once for each workflow task that ran any.
                batches.add(marker.workflow_task_completed_event_id)
    found["local activities"] += len(batches)
    return +found
