"""SN-9: events are CloudEvents 1.0 whose id follows from the act they tell."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from dealthread.domain.events import BusinessEvent, EventType
from dealthread.naming import event_id


def event(**more: object) -> BusinessEvent:
    return BusinessEvent.model_validate(
        {
            "id": event_id("quote-to-cash:o:d#1/subscription/do"),
            "type": EventType.SUBSCRIPTION_STARTED,
            "subject": "C-ABCDEFGHIJKLM",
            "time": datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
            "data": {"amount": "12.50", "currency": "USD"},
        }
        | more
    )


def test_the_body_has_every_attribute_that_the_standard_asks_for() -> None:
    body = event().cloud_event()
    assert body == {
        "specversion": "1.0",
        "id": event().id,
        "source": "dealthread",
        "type": "dealthread.subscription.started.v1",
        "subject": "C-ABCDEFGHIJKLM",
        "time": "2026-03-01T12:30:00+00:00",
        "datacontenttype": "application/json",
        "data": {"amount": "12.50", "currency": "USD"},
    }
    assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_is_named_and_versioned(kind: EventType) -> None:
    assert re.fullmatch(r"dealthread\.[a-z_]+\.[a-z_]+\.v\d+", kind)
    assert len(kind) <= 80


def test_the_same_act_is_told_under_the_same_id_and_another_under_another() -> None:
    one = event_id("b#1/booking/do")
    assert one == event_id("b#1/booking/do")
    assert len({one, event_id("b#2/booking/do"), event_id("b#1/booking/undo")}) == 3
    assert re.fullmatch(r"evt_[A-Z2-7]{26}", one)


def test_a_time_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValidationError, match="time"):
        event(time=datetime(2026, 3, 1))  # noqa: DTZ001 that is the point
    with pytest.raises(ValidationError):
        event(type="dealthread.nothing.v1")
