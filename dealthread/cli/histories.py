"""A run's history, decrypted with the codec's keys, as rows for a person and as JSON.

What is decrypted here stays in this process and on its standard output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory

from dealthread.codec import EncryptingCodec

Row = tuple[str, str, str, str, str]

_UNINTERESTING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED,
    }
)
# Fields of an event that say what it is about, in the order shown.
_TELLING = (
    "workflow_type",
    "activity_type",
    "signal_name",
    "workflow_id",
    "new_execution_run_id",
    "marker_name",
    "reason",
)


@dataclass(frozen=True)
class Decoded:
    """A history whose payloads and failures are in clear."""

    history: History

    def to_json(self) -> str:
        """As the SDKs export it."""
        return MessageToJson(self.history)


def decoded(stored: WorkflowHistory, codec: EncryptingCodec) -> Decoded:
    """A copy in clear. Raises CodecKeyMissing when a key is not configured."""
    history = History()
    history.events.extend(stored.events)
    _decode(history, codec)
    return Decoded(history)


def _decode(message: Message, codec: EncryptingCodec) -> None:
    """Decrypt every payload below a message, in place."""
    for part in list(_parts(message)):
        if isinstance(part, Payload):
            part.CopyFrom(codec.decode_now([part])[0])
        else:
            _decode(part, codec)
    if isinstance(message, Failure) and message.HasField("encoded_attributes"):
        # Message and stack trace travel encrypted beside the failure.
        hidden = json.loads(message.encoded_attributes.data)
        message.message = hidden.get("message", "")
        message.stack_trace = hidden.get("stack_trace", "")
        message.ClearField("encoded_attributes")


def _parts(message: Message) -> Iterator[Message]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            yield value
        elif field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                yield from value.values()
        else:
            yield from value


def rows(found: Decoded) -> Iterator[Row]:
    """Event number, time, what, about, payload; the workflow's own bookkeeping is left out."""
    scheduled: dict[int, str] = {}
    for event in found.history.events:
        if event.event_type in _UNINTERESTING:
            continue
        attributes = _attributes(event)
        about = _about(event, attributes)
        scheduled[event.event_id] = about
        cause = getattr(attributes, "scheduled_event_id", 0) or getattr(
            attributes, "initiated_event_id", 0
        )
        what = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
        yield (
            str(event.event_id),
            f"{event.event_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
            what.replace("_", " "),
            " · ".join(filter(None, (scheduled.get(cause, ""), about))),
            " ".join(_values(attributes)),
        )


def _attributes(event: HistoryEvent) -> Message:
    name = event.WhichOneof("attributes")
    attributes: Message = getattr(event, name) if name else event
    return attributes


def _about(event: HistoryEvent, attributes: Message) -> str:
    parts = [_plain(event.user_metadata.summary)] if event.HasField("user_metadata") else []
    for name in _TELLING:
        value = getattr(attributes, name, "")
        parts.append(value if isinstance(value, str) else str(getattr(value, "name", "")))
    request = getattr(attributes, "accepted_request", None)
    if request is not None:
        parts.append(f"{request.input.name} {request.meta.update_id}")
    failure = getattr(attributes, "failure", None)
    while isinstance(failure, Failure) and (failure.message or failure.HasField("cause")):
        kind = failure.application_failure_info.type
        parts.append(": ".join(filter(None, (kind, failure.message))))
        failure = failure.cause if failure.HasField("cause") else None
    return " · ".join(part for part in parts if part)


def _values(message: Message) -> Iterator[str]:
    for part in _parts(message):
        if isinstance(part, Payload):
            yield _plain(part)
        else:
            yield from _values(part)


def _plain(payload: Payload) -> str:
    """A payload as text: JSON as it stands, else its size."""
    if payload.metadata.get("encoding", b"").startswith(b"json/"):
        text = payload.data.decode(errors="replace")
        return text[1:-1] if text.startswith('"') and text.endswith('"') else text
    return f"[{len(payload.data)} bytes]" if payload.data else ""
