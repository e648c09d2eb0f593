"""Events to subscribers: first tellings and replays, and what each answer means for both sides."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import structlog

from dealthread.errors import DealthreadError
from dealthread.outcome import Done, Rejected
from dealthread.ports.events import EventPort
from dealthread.settings import Settings, Subscriber
from dealthread.store.event_log import EventLog
from dealthread.store.outbox import DueDelivery, Outbox
from dealthread.store.subscribers import Subscribers

log = structlog.get_logger()
BATCH = 50
GONE = "subscriber_disabled"
"""The adapter's code for 410: by Standard Webhooks the receiver wants nothing any more."""


class Telling:
    """One pass at a time, for one subscriber."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        event_log: EventLog,
        subscribers: Subscribers,
        events: EventPort,
    ) -> None:
        self._most = settings.subscriber_disable_failures
        self._after = timedelta(hours=settings.subscriber_disable_hours)
        self._outbox = outbox
        self._log = event_log
        self._subscribers = subscribers
        self._events = events

    async def deliver_events(self, subscriber: Subscriber) -> int:
        """Events that it has not confirmed; to a disabled one nothing is sent, all is kept."""
        await self._outbox.route(subscriber.name, subscriber.types)
        if await self._subscribers.is_disabled(subscriber.name):
            return 0
        due = await self._outbox.due(subscriber.name, BATCH)
        for one in due:
            await self._send(subscriber, one)
        return len(due)

    async def deliver_replays(self, subscriber: Subscriber) -> int:
        """At most a second's worth of the oldest replay, evenly spaced."""
        running = await self._log.running(subscriber.name)
        if running is None or await self._subscribers.is_disabled(subscriber.name):
            return 0
        replay_id, rate = running
        due = await self._outbox.due(subscriber.name, min(rate, BATCH), replay_id)
        for one in due:
            await self._send(subscriber, one)
            await asyncio.sleep(1 / rate)
        return len(due)

    async def _send(self, subscriber: Subscriber, due: DueDelivery) -> None:
        body = json.dumps(due.body, separators=(",", ":")).encode()
        try:
            outcome = await self._events.deliver(
                subscriber.url,
                subscriber.secret_name,
                due.event_id,
                due.event_type,
                body,
                replay_id=due.replay_id,
            )
        except DealthreadError as error:
            await self._failed(due, error.code)
            return
        if isinstance(outcome, Done):
            await self._outbox.delivered(due, outcome.value)
        elif outcome.code == GONE or not isinstance(outcome, Rejected):
            await self._failed(due, outcome.code)
            return
        else:
            await self._outbox.failed(due, outcome.code, final=True)
        await self._subscribers.answered(due.subscriber)

    async def _failed(self, due: DueDelivery, code: str) -> None:
        """The event waits; the subscriber is disabled when that goes on for long."""
        await self._outbox.failed(due, code, final=False)
        gone = code == GONE
        if await self._subscribers.failed(
            due.subscriber, code, most=self._most, after=self._after, at_once=gone
        ):
            log.error("subscriber_disabled", subscriber=due.subscriber, code=code)
