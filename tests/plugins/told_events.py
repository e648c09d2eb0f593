"""`@pytest.mark.tells(EventType.…)`: the events that a test's flow produces, held to their schemas.

The mark is a claim that the test itself proves: it fails where its flow told no such event, or one
that its published schema does not allow. `tests/contracts/test_producers.py` looks that every type
has such a test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from dealthread.domain.events import BusinessEvent, EventType
from tests.support.events_told import breaches_of

_form = BusinessEvent.cloud_event


@pytest.fixture(autouse=True)
def told_events(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every event that is written for subscribers, or sent to one, takes its form as CloudEvent."""
    marked = [kind for mark in request.node.iter_markers("tells") for kind in mark.args]
    if not marked:
        yield
        return
    told: list[dict[str, JsonValue]] = []

    def seen(event: BusinessEvent) -> dict[str, JsonValue]:
        body = _form(event)
        told.append(body)
        return body

    monkeypatch.setattr(BusinessEvent, "cloud_event", seen)
    yield
    assert all(isinstance(kind, EventType) for kind in marked)
    kinds = {body["type"] for body in told}
    assert [kind for kind in marked if kind.value not in kinds] == [], "claimed and not told"
    breaches = {body["id"]: breaches_of(body) for body in told if body["type"] in set(marked)}
    assert [found for found in breaches.values() if found] == []
